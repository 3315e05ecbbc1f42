"""Poll alert rules and alerts; a rule is shown as safe only where that is certain."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
import dataclasses
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from ...client.errors import (
    InvalidFieldsError,
    RateLimitedError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from ...models import Channel, ChannelId, FeedUpdate, Inventory, Reading
from .alert_entities import (
    RULES,
    count_readings,
    events_channel,
    rule_channels,
    rule_data,
    rule_key,
    rule_readings,
    switch_readings,
)
from .alert_rules import AlertRuleCache
from .alert_tracker import AlertLocation, AlertTracker
from .client.alerts import AlertingClient
from .client.api import PlatformResponse
from .inventory import ACCOUNT
from .models.alerts import Alert, Lifecycle

# A list that takes more requests than this is polled so rarely that it costs one request per PER_REQUEST on average.
MAX_CHEAP_REQUESTS: Final = 4
PER_REQUEST: Final = timedelta(seconds=7.5)

# The vendor's statuses for an alert that somebody else has acknowledged or resolved meanwhile.
_REFUSED: Final = frozenset({400, 404, 409, 410, 422})


def is_refusal(err: VendorError) -> bool:
    """Return whether the vendor said that this cannot be done to this alert."""
    return isinstance(err, InvalidFieldsError) or (
        isinstance(err, UnexpectedResponseError) and err.status in _REFUSED
    )


def is_outcome_unknown(err: VendorError) -> bool:
    """Return whether it is unknown if the vendor did what it was asked."""
    return isinstance(err, UnreachableError) or (
        isinstance(err, UnexpectedResponseError) and err.status is None
    )


class AlertPoller:
    """Poll the alert rules and alerts of one organisation.

    `utc` gives our wall clock, `monotonic` the seconds by which responses are dated, `vendor_utc` the vendor's clock.
    `delivered_until` gives the time up to which events were dispatched; `show` publishes an update between two polls.
    """

    def __init__(
        self,
        client: AlertingClient,
        rule_cache: AlertRuleCache,
        *,
        utc: Callable[[], datetime],
        monotonic: Callable[[], float],
        vendor_utc: Callable[[], datetime],
        delivered_until: Callable[[], datetime | None],
        show: Callable[[FeedUpdate], None],
    ) -> None:
        self.tracker = AlertTracker()
        self._client = client
        self._rule_cache = rule_cache
        self._utc = utc
        self._monotonic = monotonic
        self._vendor_utc = vendor_utc
        self._delivered_until = delivered_until
        self._show = show
        # Requests run one after the other, so that an older response never replaces a newer one.
        self._lock = asyncio.Lock()
        self._next_poll_at: datetime | None = None
        self._next_push_poll_at: datetime | None = None
        self._rejected: Counter[str] = Counter()
        self._listed_at = float("-inf")
        # Alerts that were acknowledged or resolved from here, and when (monotonic seconds).
        self._own_changes: dict[str, tuple[Alert, float]] = {}

    # -- polling --

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the alerts, and the rules where alerts name an unknown one or none was ever listed.

        A list of many pages, whose order does not allow to stop early, is fetched more rarely.
        """
        async with self._lock:
            if self._next_poll_at is not None and self._utc() < self._next_poll_at:
                return FeedUpdate(readings=self.readings(), rejected=self._rejected)
            return await self._fetch()

    async def _fetch(self) -> FeedUpdate:
        is_new = await self._rule_cache.fetch_new() if self._rule_cache.is_due else False
        response = await self._fetch_alerts()
        is_new = await self._rule_cache.fetch_rules_of(response.value) or is_new
        alerts = self._apply(response)
        return FeedUpdate(
            readings=self.readings(),
            vendor_events=list(self.tracker.vendor_events(alerts, self.locate, self._utc())),
            freshness=response.freshness,
            inventory=self._inventory(is_new=True) if is_new else None,
            rejected=response.rejected,
        )

    async def fetch_rules(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the rules, unless they were just fetched for the alerts."""
        async with self._lock:
            response = None if self._rule_cache.is_recent else await self._rule_cache.list()
            return FeedUpdate(
                readings=self._switch_readings(),
                freshness=response.freshness if response else (),
                inventory=self._inventory(is_new=response is not None),
                rejected=response.rejected if response else Counter(),
            )

    async def poll_now(self) -> FeedUpdate:
        """Fetch the alerts between two polls; rules that the list lacks are not counted as missing."""
        async with self._lock:
            update = await self._fetch()
        inventory = update.inventory and dataclasses.replace(update.inventory, is_complete=False)
        return dataclasses.replace(update, inventory=inventory)

    async def poll_and_show(self) -> None:
        """Fetch the alerts between two polls and show the result."""
        self._show(await self.poll_now())

    async def poll_for_push(self) -> FeedUpdate:
        """Fetch the alerts because of a push; raises RateLimitedError while a long list may not be fetched again."""
        again_at, now = self._next_push_poll_at, self._utc()
        if again_at is not None and now < again_at:
            raise RateLimitedError((again_at - now).total_seconds(), again_at)
        update = await self.poll_now()
        self._next_push_poll_at = self._next_poll_at
        return update

    async def _fetch_alerts(self) -> PlatformResponse[list[Alert]]:
        """Fetch pages of alerts until they cover all that is new, and note whether that is complete."""
        was_enough = False

        def is_enough(alerts: Sequence[Alert]) -> bool:
            nonlocal was_enough
            was_enough = self.tracker.is_enough(alerts, self._utc())
            return was_enough

        response = await self._client.list_alerts(is_enough)
        requests = len(response.freshness)
        is_long = requests > MAX_CHEAP_REQUESTS
        self._next_poll_at = self._utc() + requests * PER_REQUEST if is_long else None
        self._rejected = response.rejected
        self.tracker.is_complete = not response.rejected and (response.is_whole or was_enough)
        return response

    def _apply(self, response: PlatformResponse[list[Alert]]) -> list[Alert]:
        if (delivered_until := self._delivered_until()) is not None and not self.tracker.has_list:
            self.tracker.delivered_until = delivered_until
        self.tracker.clock_skew = self._vendor_utc() - self._utc()
        # A cached page from before our own change does not show that change.
        oldest = min((reply.received for reply in response.freshness), default=0.0)
        self._own_changes = {
            id_: change for id_, change in self._own_changes.items() if change[1] > oldest
        }
        listed = [self._own_changes.get(alert.id, (alert, 0.0))[0] for alert in response.value]
        alerts = [replace(alert, rule=self._rule_cache.rule_of(alert)) for alert in listed]
        # A response from the cache is no further list: alerts that it lacks are not counted again.
        is_new, self._listed_at = oldest > self._listed_at, max(oldest, self._listed_at)
        is_clean = not response.rejected and is_new
        return self.tracker.apply_list(
            alerts, self._utc(), is_all=response.is_whole, is_clean=is_clean
        )

    def _inventory(self, *, is_new: bool) -> Inventory:
        """Return the channels of the known rules; only a new and complete list may remove some."""
        return Inventory(
            devices=(),
            channels=list(self._channels()),
            is_complete=is_new and self._rule_cache.is_complete,
            scope=RULES,
            may_be_empty=True,
            received=self._rule_cache.received,
        )

    def _channels(self) -> Iterator[Channel]:
        for device in dict.fromkeys(self._rule_cache.devices.values()):
            if device != ACCOUNT:
                yield events_channel(device)
        for rule in self._rule_cache.rules.values():
            device = self._rule_cache.devices[rule.id]
            yield from rule_channels(rule, device, self._set_enabled, self._acknowledge_rule)

    # -- what is shown --

    def readings(self) -> dict[ChannelId, Reading]:
        """Return the reading of each rule and of the counts."""
        cache, by_rule = self._rule_cache, self.tracker.by_rule()
        # An alert that names no rule may be of any rule that watches its sensor.
        sensors = {alert.sensor for alert in by_rule.get(None, ())}
        doubtful = {rule for sensor in sensors for rule in cache.rules_for_sensor(sensor)}
        readings = count_readings(self.tracker, cache.rules.values())
        for rule in cache.rules.values():
            # Whether a disabled rule would fire is unknown.
            is_watched = cache.may_fire(rule) and rule.id not in doubtful
            open_alerts = self.tracker.summarize(by_rule.get(rule.id, ()), is_watched=is_watched)
            readings |= rule_readings(rule, cache.devices[rule.id], open_alerts)
        return readings

    def _switch_readings(self) -> dict[ChannelId, Reading]:
        return switch_readings(self._rule_cache.rules.values(), self._rule_cache.devices)

    def locate(self, alert: Alert) -> AlertLocation:
        """Return the device, channel and rule data that an alert belongs to."""
        rule = self._rule_cache.rules.get(alert.rule or "")
        if rule is not None:
            return AlertLocation(
                self._rule_cache.devices[rule.id], rule_key(rule.id), rule_data(rule)
            )
        return AlertLocation(self._rule_cache.device_of(alert))

    # -- acting --

    async def _set_enabled(self, rule: str, is_on: bool) -> None:
        """Enable or disable a rule; a `VendorError` that is raised may leave its state unknown."""
        async with self._lock:
            try:
                await (self._client.enable_rule if is_on else self._client.disable_rule)(rule)
            except VendorError as err:
                if is_outcome_unknown(err):
                    self._rule_cache.record_switch(rule, is_on=None)
                raise
            else:
                self._rule_cache.record_switch(rule, is_on=is_on)
            finally:
                self._show(self.current_update())

    async def _acknowledge_rule(self, rule: str) -> None:
        """Acknowledge every open alert of a rule that is not acknowledged yet; raises a `VendorError`.

        A refused alert may have been changed by somebody else: the others are acknowledged all the same.
        """
        done: list[Alert] = []
        refusals: dict[str, VendorError] = {}
        try:
            for alert in self.tracker.by_rule().get(rule, ()):
                if alert.state is Lifecycle.ACKNOWLEDGED:
                    continue
                try:
                    done.append(await self.change_state(alert, Lifecycle.ACKNOWLEDGED))
                except VendorError as err:
                    if not is_refusal(err):
                        raise
                    refusals[alert.id] = err
        finally:
            self._show(self.current_update(done))
        if refusals:
            await self.poll_and_show()
        for alert_id, refusal in refusals.items():
            known = self.tracker.open.get(alert_id)
            if known is not None and known.state is not Lifecycle.ACKNOWLEDGED:
                raise refusal

    async def change_state(self, alert: Alert, to: Lifecycle) -> Alert:
        """Acknowledge or resolve an alert once and return its new state; raises a `VendorError`."""
        async with self._lock:
            is_ack = to is Lifecycle.ACKNOWLEDGED
            reply = await (self._client.acknowledge if is_ack else self._client.resolve)(alert.id)
            changed = replace(alert, state=to)
            if reply is not None and reply.state is not None:
                changed = replace(
                    changed,
                    state=reply.state,
                    acknowledged_at=reply.acknowledged_at or alert.acknowledged_at,
                    resolved_at=reply.resolved_at or alert.resolved_at,
                )
            self.tracker.apply_change(changed)
            self._own_changes[alert.id] = (changed, self._monotonic())
            return changed

    def current_update(self, alerts: Iterable[Alert] = ()) -> FeedUpdate:
        """Return all readings, and the events of alerts that were changed from here."""
        events = list(self.tracker.vendor_events(alerts, self.locate, self._utc()))
        return FeedUpdate(readings=self.readings() | self._switch_readings(), vendor_events=events)

    def diagnostics(self) -> dict[str, object]:
        """Return counts, never contents."""
        return {
            "rules": len(self._rule_cache.rules),
            "open_alerts": len(self.tracker.open),
            "are_alerts_whole": self.tracker.is_complete,
        }
