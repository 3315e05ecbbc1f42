"""Polls rules and alerts so that no change is missed, and no rule is shown as safe that may not be."""

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
from .alert_tracker import AlertTracker, Where
from .client.alerts import AlertingClient
from .client.api import PlatformResponse
from .inventory import ACCOUNT
from .models.alerts import Alert, Lifecycle

# A list that takes more requests than a few is read so often that it takes one in so long, on average.
FEW_REQUESTS: Final = 4
PER_REQUEST: Final = timedelta(seconds=7.5)


# What a vendor may answer about an alert that somebody else has moved on meanwhile.
_REFUSED: Final = frozenset({400, 404, 409, 410, 422})


def is_refusal(err: VendorError) -> bool:
    """Whether the vendor said that this cannot be done to this alert."""
    return isinstance(err, InvalidFieldsError) or (
        isinstance(err, UnexpectedResponseError) and err.status in _REFUSED
    )


def is_open(err: VendorError) -> bool:
    """Whether nobody knows if the vendor did what it was asked."""
    return isinstance(err, UnreachableError) or (
        isinstance(err, UnexpectedResponseError) and err.status is None
    )


class AlertPoller:
    """Rules and alerts of one organisation.

    `now` is the clock (UTC), `clock` that of the replies (monotonic seconds), `vendor_now` the vendor's (UTC).
    `told_until` says up to when occurrences have been told, `show` has something shown between two polls.
    """

    def __init__(
        self,
        client: AlertingClient,
        book: AlertRuleCache,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        vendor_now: Callable[[], datetime],
        delivered_until: Callable[[], datetime | None],
        show: Callable[[FeedUpdate], None],
    ) -> None:
        self.log = AlertTracker()
        self._client = client
        self._book = book
        self._now = now
        self._clock = clock
        self._vendor_now = vendor_now
        self._told_until = delivered_until
        self._show = show
        # One after the other, so that what came first is not believed last.
        self._lock = asyncio.Lock()
        self._rests_until: datetime | None = None
        self._hears_again_at: datetime | None = None
        self._set_aside: Counter[str] = Counter()
        self._listed_at = float("-inf")
        # What was acknowledged or resolved from here, and when on the replies' clock.
        self._moved: dict[str, tuple[Alert, float]] = {}

    # -- polling --

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Read the alerts; where they name a rule that is not known, or none was ever listed, the rules as well.

        A list of many pages, whose order does not let the reading stop, is read the more rarely.
        """
        async with self._lock:
            if self._rests_until is not None and self._now() < self._rests_until:
                return FeedUpdate(readings=self.readings(), rejected=self._set_aside)
            return await self._fetch()

    async def _fetch(self) -> FeedUpdate:
        is_new = await self._book.look_for_new() if self._book.is_due else False
        answer = await self._ask()
        is_new = await self._book.look_for_rules_of(answer.value) or is_new
        told = self._take(answer)
        return FeedUpdate(
            readings=self.readings(),
            vendor_events=list(self.log.vendor_events(told, self.where, self._now())),
            freshness=answer.freshness,
            inventory=self._inventory(is_new=True) if is_new else None,
            rejected=answer.rejected,
        )

    async def fetch_rules(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Read the rules, unless that was just done for the alerts."""
        async with self._lock:
            answer = None if self._book.is_just_listed else await self._book.list()
            return FeedUpdate(
                readings=self._switches(),
                freshness=answer.freshness if answer else (),
                inventory=self._inventory(is_new=answer is not None),
                rejected=answer.rejected if answer else Counter(),
            )

    async def look(self) -> FeedUpdate:
        """Read the alerts between two polls: what the rules' list lacks is then not missed once more."""
        async with self._lock:
            update = await self._fetch()
        inventory = update.inventory and dataclasses.replace(update.inventory, is_complete=False)
        return dataclasses.replace(update, inventory=inventory)

    async def look_and_show(self) -> None:
        """Look between two polls, and have everybody see what that brings."""
        self._show(await self.look())

    async def hear(self) -> FeedUpdate:
        """Look because the vendor called; raises RateLimitedError while a long list that a call had read is to rest."""
        again_at, now = self._hears_again_at, self._now()
        if again_at is not None and now < again_at:
            raise RateLimitedError((again_at - now).total_seconds(), again_at)
        update = await self.look()
        self._hears_again_at = self._rests_until
        return update

    async def _ask(self) -> PlatformResponse[list[Alert]]:
        """Ask for as many alerts as are enough; `is_whole` says whether nothing is missing."""
        was_enough = False

        def is_enough(alerts: Sequence[Alert]) -> bool:
            nonlocal was_enough
            was_enough = self.log.is_enough(alerts, self._now())
            return was_enough

        answer = await self._client.list_alerts(is_enough)
        requests = len(answer.freshness)
        is_long = requests > FEW_REQUESTS
        self._rests_until = self._now() + requests * PER_REQUEST if is_long else None
        self._set_aside = answer.rejected
        self.log.is_whole = not answer.rejected and (answer.is_whole or was_enough)
        return answer

    def _take(self, answer: PlatformResponse[list[Alert]]) -> list[Alert]:
        if (delivered_until := self._told_until()) is not None and not self.log.has_looked:
            self.log.delivered_until = delivered_until
        self.log.ahead = self._vendor_now() - self._now()
        # What is held from before an alert was moved says nothing of how it is since.
        oldest = min((reply.received for reply in answer.freshness), default=0.0)
        self._moved = {found: told for found, told in self._moved.items() if told[1] > oldest}
        listed = [self._moved.get(alert.id, (alert, 0.0))[0] for alert in answer.value]
        alerts = [replace(alert, rule=self._book.rule_of(alert)) for alert in listed]
        # An answer that is used again is no further list: what it lacks is not missed once more.
        is_new, self._listed_at = oldest > self._listed_at, max(oldest, self._listed_at)
        is_clean = not answer.rejected and is_new
        return self.log.take(alerts, self._now(), is_all=answer.is_whole, is_clean=is_clean)

    def _inventory(self, *, is_new: bool) -> Inventory:
        """The channels of the rules that are known; what a list that was used before lacks is not missed once more."""
        return Inventory(
            devices=(),
            channels=list(self._channels()),
            is_complete=is_new and self._book.is_whole,
            scope=RULES,
            may_be_empty=True,
            received=self._book.received,
        )

    def _channels(self) -> Iterator[Channel]:
        for device in dict.fromkeys(self._book.devices.values()):
            if device != ACCOUNT:
                yield events_channel(device)
        for rule in self._book.rules.values():
            home = self._book.devices[rule.id]
            yield from rule_channels(rule, home, self._switch, self._acknowledge_rule)

    # -- what is shown --

    def readings(self) -> dict[ChannelId, Reading]:
        """How it stands with each rule, and in all."""
        book, by_rule = self._book, self.log.by_rule()
        nobodys = {alert.sensor for alert in by_rule.get(None, ())}
        doubtful = {rule for sensor in nobodys for rule in book.watching(sensor)}
        readings = count_readings(self.log, book.rules.values())
        for rule in book.rules.values():
            # Of what is switched off nobody knows whether it would fire.
            is_watched = book.may_fire(rule) and rule.id not in doubtful
            standing = self.log.standing(by_rule.get(rule.id, ()), is_watched=is_watched)
            readings |= rule_readings(rule, book.devices[rule.id], standing)
        return readings

    def _switches(self) -> dict[ChannelId, Reading]:
        return switch_readings(self._book.rules.values(), self._book.devices)

    def where(self, alert: Alert) -> Where:
        """Where an alert belongs."""
        rule = self._book.rules.get(alert.rule or "")
        if rule is not None:
            return Where(self._book.devices[rule.id], rule_key(rule.id), rule_data(rule))
        return Where(self._book.home(alert))

    # -- acting --

    async def _switch(self, rule: str, is_on: bool) -> None:
        """Let a rule fire or not; raises a `VendorError`, after which nobody may know whether it does."""
        async with self._lock:
            try:
                await (self._client.enable_rule if is_on else self._client.disable_rule)(rule)
            except VendorError as err:
                if is_open(err):
                    self._book.switched(rule, is_on=None)
                raise
            else:
                self._book.switched(rule, is_on=is_on)
            finally:
                self._show(self.shown())

    async def _acknowledge_rule(self, rule: str) -> None:
        """Acknowledge every open alert of a rule that nobody has; raises a `VendorError`.

        One that is refused may have been moved on by somebody else: the others are acknowledged all the same.
        """
        done: list[Alert] = []
        refusals: dict[str, VendorError] = {}
        try:
            for alert in self.log.by_rule().get(rule, ()):
                if alert.state is Lifecycle.ACKNOWLEDGED:
                    continue
                try:
                    done.append(await self.move(alert, Lifecycle.ACKNOWLEDGED))
                except VendorError as err:
                    if not is_refusal(err):
                        raise
                    refusals[alert.id] = err
        finally:
            self._show(self.shown(done))
        if refusals:
            await self.look_and_show()
        for found, refusal in refusals.items():
            known = self.log.open.get(found)
            if known is not None and known.state is not Lifecycle.ACKNOWLEDGED:
                raise refusal

    async def move(self, alert: Alert, to: Lifecycle) -> Alert:
        """Acknowledge or resolve an alert once; how it is then. Raises a `VendorError`."""
        async with self._lock:
            is_ack = to is Lifecycle.ACKNOWLEDGED
            told = await (self._client.acknowledge if is_ack else self._client.resolve)(alert.id)
            moved = replace(alert, state=to)
            if told is not None and told.state is not None:
                moved = replace(
                    moved,
                    state=told.state,
                    acknowledged_at=told.acknowledged_at or alert.acknowledged_at,
                    resolved_at=told.resolved_at or alert.resolved_at,
                )
            self.log.changed(moved)
            self._moved[alert.id] = (moved, self._clock())
            return moved

    def shown(self, alerts: Iterable[Alert] = ()) -> FeedUpdate:
        """How it stands with everything, and what happened to alerts that were moved from here."""
        told = list(self.log.vendor_events(alerts, self.where, self._now()))
        return FeedUpdate(readings=self.readings() | self._switches(), vendor_events=told)

    def diagnostics(self) -> dict[str, object]:
        """Counts, never contents."""
        return {
            "rules": len(self._book.rules),
            "open_alerts": len(self.log.open),
            "are_alerts_whole": self.log.is_whole,
        }
