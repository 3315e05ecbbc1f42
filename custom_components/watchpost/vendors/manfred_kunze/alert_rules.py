"""Keep the last list of an organisation's alert rules, and the devices that they belong to."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from ...client.errors import VendorError
from ...models import ChannelId
from .alert_entities import is_rule_key, rule_key
from .client.alerts import AlertingClient
from .client.api import PlatformResponse
from .inventory import ACCOUNT, OrganisationInventory
from .models.alerts import Alert, AlertRule

RULES_EVERY: Final = timedelta(minutes=5)
# So long a list of rules is trusted to say whether they are enabled.
RULES_MAX_AGE: Final = 3 * RULES_EVERY
# Rules that were listed for the alerts are not fetched again so soon.
RECENT: Final = timedelta(seconds=15)
# Where the rules' own feed is not polled, they are fetched with the alerts.
OVERDUE_AFTER: Final = RULES_EVERY + timedelta(minutes=1)
# An alert may name a new rule; the rules are fetched for that no more often than this.
NEW_RULES_EVERY: Final = timedelta(minutes=1)


class AlertRuleCache:
    """Cache the alert rules of one organisation.

    `inventory_tree` gives the device of a sensor, `utc` our wall clock, `monotonic` the seconds by which responses are
    dated, `known_channels` the channels that have entities from before this start.
    """

    def __init__(
        self,
        client: AlertingClient,
        inventory_tree: OrganisationInventory,
        utc: Callable[[], datetime],
        monotonic: Callable[[], float],
        known_channels: Callable[[], Collection[ChannelId]],
    ) -> None:
        self.rules: dict[str, AlertRule] = {}
        self.devices: dict[str, str] = {}
        self.is_complete = False
        # When the oldest page of the newest list was received (monotonic seconds).
        self.received: float | None = None
        self._client = client
        self._inventory_tree = inventory_tree
        self._utc = utc
        self._monotonic = monotonic
        self._known_channels = known_channels
        # When the rules were listed last, when each of them was, and when that was tried last.
        self._listed_at: datetime | None = None
        self._seen_at: dict[str, datetime] = {}
        self._requested_at: datetime | None = None
        self._by_name: Mapping[str | None, Sequence[str]] = {}
        self._by_sensor: Mapping[str | None, Sequence[str]] = {}
        self._has_own_switch = False
        # Rules that were switched from here: to which state (None: unknown) and when (monotonic seconds).
        self._own_switches: dict[str, tuple[bool | None, float]] = {}
        # Rule ids that open alerts name and the last complete list lacked: not requested again.
        self._unlisted: frozenset[str] = frozenset()

    # -- listing --

    @property
    def is_due(self) -> bool:
        """Return whether the rules were not requested for long: their own feed may not be polled."""
        return self._requested_at is None or self._utc() - self._requested_at >= OVERDUE_AFTER

    @property
    def is_recent(self) -> bool:
        """Return whether the list is new and no rule was switched since."""
        is_new = self._listed_at is not None and self._utc() - self._listed_at < RECENT
        return is_new and not self._has_own_switch

    async def list(self) -> PlatformResponse[list[AlertRule]]:
        """Fetch the rules; raises a `VendorError`."""
        self._requested_at = self._utc()
        response = await self._client.list_rules()
        self._listed_at = listed_at = self._utc()
        self._has_own_switch = False
        self.is_complete = response.is_whole and not response.rejected
        oldest = min((reply.received for reply in response.freshness), default=0.0)
        self.received = oldest
        self._own_switches = {
            rule: own for rule, own in self._own_switches.items() if own[1] > oldest
        }
        listed = {rule.id: self._with_own_switch(rule) for rule in response.value}
        self.rules = listed if self.is_complete else self.rules | listed
        self._by_name = _index_by((rule.name, rule.id) for rule in self.rules.values())
        self._by_sensor = _index_by((rule.sensor, rule.id) for rule in self.rules.values())
        # A rule that the list lacks, or that was rejected, is soon not known to be enabled any longer.
        self._seen_at = {rule: self._seen_at.get(rule, listed_at) for rule in self.rules}
        self._seen_at |= dict.fromkeys(listed, listed_at)
        self.devices = {rule.id: self.device_of(rule) for rule in self.rules.values()}
        return response

    async def fetch_new(self) -> bool:
        """Fetch the rules unless that was done lately; a failure is reported by the rules' own poll."""
        if self._requested_at is not None and self._utc() - self._requested_at < NEW_RULES_EVERY:
            return False
        with suppress(VendorError):
            await self.list()
            return True
        return False

    async def fetch_rules_of(self, alerts: Iterable[Alert]) -> bool:
        """Fetch the rules if open alerts name unlisted ones."""
        named = {alert.rule for alert in alerts if alert.is_open and alert.rule is not None}
        unlisted = frozenset(named - self.rules.keys())
        if unlisted <= self._unlisted:
            return False
        is_new = await self.fetch_new()
        if is_new and self.is_complete:
            self._unlisted = unlisted - self.rules.keys()
        return is_new

    def record_switch(self, rule: str, *, is_on: bool | None) -> None:
        """Record that a rule was switched from here, until a later list replaces that.

        `is_on` is None where it is unknown whether the vendor did what it was asked.
        """
        self._own_switches[rule] = (is_on, self._monotonic())
        if (known := self.rules.get(rule)) is not None:
            self.rules[rule] = self._with_own_switch(known)
        self._has_own_switch = True

    def _with_own_switch(self, rule: AlertRule) -> AlertRule:
        """Return a rule with the state that it was switched to since its list was received."""
        if (own := self._own_switches.get(rule.id)) is None:
            return rule
        return replace(rule, is_enabled=own[0], is_doubtful=own[0] is None)

    # -- look-ups --

    def may_fire(self, rule: AlertRule) -> bool:
        """Return whether a rule is known to be enabled by a recent list."""
        is_off = rule.is_enabled is False or rule.is_doubtful
        seen_at = self._seen_at.get(rule.id)
        return not is_off and seen_at is not None and self._utc() - seen_at < RULES_MAX_AGE

    def rule_of(self, alert: Alert) -> str | None:
        """Return the rule of an alert: by its id, else by its name, else the only rule of its sensor."""
        if alert.rule in self.rules:
            return alert.rule
        # Text without a digit is no id; an id that is not listed is that of a deleted or new rule.
        is_id = alert.rule is not None and any(map(str.isdigit, alert.rule))
        if not is_id or alert.rule == alert.rule_name:
            named = self._by_name.get(alert.rule_name, ())
            if len(named) == 1:
                return named[0]
        if is_id:
            return alert.rule
        candidates = self.rules_for_sensor(alert.sensor) if alert.sensor is not None else ()
        return candidates[0] if len(candidates) == 1 else None

    def rules_for_sensor(self, sensor: str | None) -> Sequence[str]:
        """Return the ids of the rules that watch a sensor; all rules for None."""
        return list(self.rules) if sensor is None else self._by_sensor.get(sensor, ())

    # -- devices --

    def device_of(self, record: AlertRule | Alert) -> str:
        """Return the device of a rule's or alert's sensor.

        While a list lacks that sensor or its component, a rule keeps its device, also that from before this start.
        """
        sensor = self._inventory_tree.sensors.get(record.sensor or "")
        device = self._inventory_tree.parent_of_sensor(record.sensor)
        if device == ACCOUNT:
            device = self._inventory_tree.parent_device(
                component=record.component, device=record.device
            )
        is_known = sensor is not None and (
            sensor.component is None or sensor.component in self._inventory_tree.components
        )
        if is_known:
            return device
        return (
            self.devices.get(record.id)
            or self._devices_before_start.get(rule_key(record.id))
            or device
        )

    @cached_property
    def _devices_before_start(self) -> Mapping[str, str]:
        """Return the device at which each rule had an entity before this start, by channel key."""
        return {key: device for device, key in self._known_channels() if is_rule_key(key)}


def _index_by(pairs: Iterable[tuple[str | None, str]]) -> Mapping[str | None, Sequence[str]]:
    """Return the rule ids by an attribute of the rules; rules without it are left out."""
    index: dict[str | None, list[str]] = {}
    for key, rule in pairs:
        if key is not None:
            index.setdefault(key, []).append(rule)
    return index
