"""The alert rules of an organisation as they were listed last, and the devices that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from ...engine.model import ChannelId
from ..errors import VendorError
from .alerts import is_of_rule, rule_key
from .client.alerting import AlertingClient
from .client.api import Answer
from .estate import ACCOUNT, Estate
from .records.alerting import Alert, AlertRule

RULES_EVERY: Final = timedelta(minutes=5)
# For so long a list of rules says whether they are on.
RULES_STAND: Final = 3 * RULES_EVERY
# Rules that were listed for the alerts are not asked for again so soon.
JUST: Final = timedelta(seconds=15)
# An alert may name a rule that is not known because it is new; it is looked for no more often than this.
NEW_RULES_EVERY: Final = timedelta(minutes=1)


class RuleBook:
    """The rules of one organisation.

    `estate` says where things belong, `now` is the clock (UTC), `remembered` are the channels that have entities from
    before this start.
    """

    def __init__(
        self,
        client: AlertingClient,
        estate: Estate,
        now: Callable[[], datetime],
        remembered: Callable[[], Collection[ChannelId]],
    ) -> None:
        self.rules: dict[str, AlertRule] = {}
        self.devices: dict[str, str] = {}
        self.is_whole = False
        self._client = client
        self._estate = estate
        self._now = now
        self._remembered = remembered
        # When the rules were listed last, and when that was tried last.
        self._listed_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._is_switched = False

    # -- listing --

    @property
    def was_tried(self) -> bool:
        """Whether the rules were ever asked for."""
        return self._asked_at is not None

    @property
    def is_just_listed(self) -> bool:
        """Whether there is no need to ask again: the list is new, and nothing was switched since."""
        return self._is_listed_within(JUST) and not self._is_switched

    def _is_listed_within(self, span: timedelta) -> bool:
        return self._listed_at is not None and self._now() - self._listed_at < span

    async def list(self) -> Answer[list[AlertRule]]:
        """Ask for the rules; raises a `VendorError`."""
        self._asked_at = self._now()
        answer = await self._client.list_rules()
        self._listed_at, self._is_switched = self._now(), False
        self.is_whole = answer.is_whole and not answer.set_aside
        listed = {rule.id: rule for rule in answer.value}
        self.rules = listed if self.is_whole else self.rules | listed
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

    def lacks_any(self, alerts: Iterable[Alert]) -> bool:
        """Whether an open alert is of a rule that no list has named, which is worth a look."""
        return any(
            alert.is_open and alert.rule is not None and alert.rule not in self.rules
            for alert in alerts
        )

    def switched(self, rule: str, *, is_on: bool) -> None:
        """Take note of what was switched from here; the vendor's list has the last word."""
        if (known := self.rules.get(rule)) is not None:
            self.rules[rule] = replace(known, is_enabled=is_on, is_doubtful=False)
        self._is_switched = True

    # -- what they say --

    def may_fire(self, rule: AlertRule) -> bool:
        """Whether a rule is on, as far as anybody knows by now."""
        is_off = rule.is_enabled is False or rule.is_doubtful
        return not is_off and self._is_listed_within(RULES_STAND)

    def rule_of(self, alert: Alert) -> str | None:
        """The rule of an alert; where it names none, the only one that watches its sensor."""
        if alert.rule is not None:
            return alert.rule
        found = self.candidates(alert)
        return found[0] if len(found) == 1 and alert.sensor is not None else None

    def candidates(self, alert: Alert) -> tuple[str, ...]:
        """The rules that an alert may be of."""
        return tuple(rule.id for rule in self.rules.values() if alert.sensor in (None, rule.sensor))

    # -- where they belong --

    def home(self, of: AlertRule | Alert) -> str:
        """The device of a rule's or alert's sensor.

        While a list lacks that sensor or its component, a rule stays where it was, also before this start.
        """
        sensor = self._estate.sensors.get(of.sensor or "")
        home = self._estate.home_of(of.sensor)
        if home == ACCOUNT:
            home = self._estate.home(component=of.component, device=of.device)
        is_known = sensor is not None and (
            sensor.component is None or sensor.component in self._estate.components
        )
        if is_known:
            return home
        return self.devices.get(of.id) or self._before.get(rule_key(of.id)) or home

    @cached_property
    def _before(self) -> Mapping[str, str]:
        """At which device each rule had an entity before this start, by the channel's key."""
        return {key: device for device, key in self._remembered() if is_of_rule(key)}
