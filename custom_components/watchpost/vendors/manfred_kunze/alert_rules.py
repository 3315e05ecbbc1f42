"""The alert rules of an organisation as they were listed last, and the devices that they belong to."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from ...client.errors import VendorError
from ...models import ChannelId
from .alert_entities import is_of_rule, rule_key
from .client.alerts import AlertingClient
from .client.api import PlatformResponse
from .inventory import ACCOUNT, OrganisationInventory
from .models.alerts import Alert, AlertRule

RULES_EVERY: Final = timedelta(minutes=5)
# For so long a list of rules says whether they are on.
RULES_STAND: Final = 3 * RULES_EVERY
# Rules that were listed for the alerts are not asked for again so soon.
JUST: Final = timedelta(seconds=15)
# Where nobody else asks for the rules, they are asked for with the alerts.
OVERDUE: Final = RULES_EVERY + timedelta(minutes=1)
# An alert may name a rule that is not known because it is new; it is looked for no more often than this.
NEW_RULES_EVERY: Final = timedelta(minutes=1)


class AlertRuleCache:
    """The rules of one organisation.

    `estate` says where things belong, `now` is the clock (UTC), `clock` that of the replies (monotonic seconds),
    `remembered` are the channels that have entities from before this start.
    """

    def __init__(
        self,
        client: AlertingClient,
        inventory_tree: OrganisationInventory,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        remembered: Callable[[], Collection[ChannelId]],
    ) -> None:
        self.rules: dict[str, AlertRule] = {}
        self.devices: dict[str, str] = {}
        self.is_whole = False
        # When the oldest page of the newest list came, on the replies' clock.
        self.received: float | None = None
        self._client = client
        self._inventory_tree = inventory_tree
        self._now = now
        self._clock = clock
        self._remembered = remembered
        # When the rules were listed last, and each of them, and when that was tried last.
        self._listed_at: datetime | None = None
        self._seen_at: dict[str, datetime] = {}
        self._asked_at: datetime | None = None
        self._by_name: Mapping[str | None, Sequence[str]] = {}
        self._by_sensor: Mapping[str | None, Sequence[str]] = {}
        self._is_switched = False
        # What was switched from here, to what (None: nobody knows) and when on the replies' clock.
        self._switched: dict[str, tuple[bool | None, float]] = {}
        # Rules that open alerts name and a whole list lacked: there is no sense in looking for them again and again.
        self._lacked: frozenset[str] = frozenset()

    # -- listing --

    @property
    def is_due(self) -> bool:
        """Whether nobody asked for the rules for long: their own list may be looked at by nobody."""
        return self._asked_at is None or self._now() - self._asked_at >= OVERDUE

    @property
    def is_just_listed(self) -> bool:
        """Whether there is no need to ask again: the list is new, and nothing was switched since."""
        is_new = self._listed_at is not None and self._now() - self._listed_at < JUST
        return is_new and not self._is_switched

    async def list(self) -> PlatformResponse[list[AlertRule]]:
        """Ask for the rules; raises a `VendorError`."""
        self._asked_at = self._now()
        answer = await self._client.list_rules()
        self._listed_at = now = self._now()
        self._is_switched = False
        self.is_whole = answer.is_whole and not answer.rejected
        oldest = min((reply.received for reply in answer.freshness), default=0.0)
        self.received = oldest
        self._switched = {rule: told for rule, told in self._switched.items() if told[1] > oldest}
        listed = {rule.id: self._as_switched(rule) for rule in answer.value}
        self.rules = listed if self.is_whole else self.rules | listed
        self._by_name = _indexed((rule.name, rule.id) for rule in self.rules.values())
        self._by_sensor = _indexed((rule.sensor, rule.id) for rule in self.rules.values())
        # One that the list lacks, or that could not be read, is not known to be on any longer.
        self._seen_at = {rule: self._seen_at.get(rule, now) for rule in self.rules}
        self._seen_at |= dict.fromkeys(listed, now)
        self.devices = {rule.id: self.home(rule) for rule in self.rules.values()}
        return answer

    async def look_for_new(self) -> bool:
        """Look for rules that are not known, now and then; that this fails is for the rules' own poll to say."""
        if self._asked_at is not None and self._now() - self._asked_at < NEW_RULES_EVERY:
            return False
        with suppress(VendorError):
            await self.list()
            return True
        return False

    async def look_for_rules_of(self, alerts: Iterable[Alert]) -> bool:
        """Look for the rules of open alerts that no list has named."""
        named = {alert.rule for alert in alerts if alert.is_open and alert.rule is not None}
        lacking = frozenset(named - self.rules.keys())
        if lacking <= self._lacked:
            return False
        is_new = await self.look_for_new()
        if is_new and self.is_whole:
            self._lacked = lacking - self.rules.keys()
        return is_new

    def switched(self, rule: str, *, is_on: bool | None) -> None:
        """Take note of what was switched from here; the next list that is asked for has the last word.

        None where nobody knows whether the vendor did what it was asked.
        """
        self._switched[rule] = (is_on, self._clock())
        if (known := self.rules.get(rule)) is not None:
            self.rules[rule] = self._as_switched(known)
        self._is_switched = True

    def _as_switched(self, rule: AlertRule) -> AlertRule:
        """A rule as it was switched since what is held of the list came."""
        if (told := self._switched.get(rule.id)) is None:
            return rule
        return replace(rule, is_enabled=told[0], is_doubtful=told[0] is None)

    # -- what they say --

    def may_fire(self, rule: AlertRule) -> bool:
        """Whether a rule is on, as far as anybody knows by now."""
        is_off = rule.is_enabled is False or rule.is_doubtful
        seen_at = self._seen_at.get(rule.id)
        return not is_off and seen_at is not None and self._now() - seen_at < RULES_STAND

    def rule_of(self, alert: Alert) -> str | None:
        """The rule of an alert: by its id, else by its name, else the only one that watches its sensor."""
        if alert.rule in self.rules:
            return alert.rule
        # Words without a figure are no id; one that is not listed is that of a rule that is gone, or new.
        is_id = alert.rule is not None and any(map(str.isdigit, alert.rule))
        if not is_id or alert.rule == alert.rule_name:
            named = self._by_name.get(alert.rule_name, ())
            if len(named) == 1:
                return named[0]
        if is_id:
            return alert.rule
        found = self.watching(alert.sensor) if alert.sensor is not None else ()
        return found[0] if len(found) == 1 else None

    def watching(self, sensor: str | None) -> Sequence[str]:
        """The rules that an alert of this sensor may be of; any, where it tells of none."""
        return list(self.rules) if sensor is None else self._by_sensor.get(sensor, ())

    # -- where they belong --

    def home(self, of: AlertRule | Alert) -> str:
        """The device of a rule's or alert's sensor.

        While a list lacks that sensor or its component, a rule stays where it was, also before this start.
        """
        sensor = self._inventory_tree.sensors.get(of.sensor or "")
        home = self._inventory_tree.home_of(of.sensor)
        if home == ACCOUNT:
            home = self._inventory_tree.home(component=of.component, device=of.device)
        is_known = sensor is not None and (
            sensor.component is None or sensor.component in self._inventory_tree.components
        )
        if is_known:
            return home
        return self.devices.get(of.id) or self._before.get(rule_key(of.id)) or home

    @cached_property
    def _before(self) -> Mapping[str, str]:
        """At which device each rule had an entity before this start, by the channel's key."""
        return {key: device for device, key in self._remembered() if is_of_rule(key)}


def _indexed(named: Iterable[tuple[str | None, str]]) -> Mapping[str | None, Sequence[str]]:
    """Rules by what is said of them; nothing is under None."""
    found: dict[str | None, list[str]] = {}
    for name, rule in named:
        if name is not None:
            found.setdefault(name, []).append(rule)
    return found
