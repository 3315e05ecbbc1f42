"""Polls rules and alerts so that no change is missed, and no rule is shown as safe that may not be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
import dataclasses
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from ...engine.model import Channel, ChannelId, FeedUpdate, Inventory, Reading
from ..errors import VendorError
from .alert_log import AlertLog, Where
from .alerts import (
    RULES,
    count_readings,
    events_channel,
    is_of_rule,
    rule_channels,
    rule_data,
    rule_key,
    rule_readings,
    switch_readings,
)
from .client.alerting import AlertingClient
from .client.api import Answer
from .estate import ACCOUNT, Estate
from .records.alerting import Alert, AlertRule, Lifecycle

RULES_EVERY: Final = timedelta(minutes=5)
# For so long a list of rules says whether they are on.
RULES_STAND: Final = 3 * RULES_EVERY
# A list that takes more requests than a few is read so often that it takes one in so long, on average.
FEW_REQUESTS: Final = 4
PER_REQUEST: Final = timedelta(seconds=7.5)
# Rules that were listed for the alerts are not asked for again so soon.
JUST: Final = timedelta(seconds=15)
# An alert may name a rule that is not known because it is new; it is looked for no more often than this.
NEW_RULES_EVERY: Final = timedelta(minutes=1)


class AlertFeed:
    """Rules and alerts of one organisation.

    `estate` says where things belong, `now` is the clock (UTC), `show` has something shown between two polls,
    `remembered` are the channels that have entities from before this start.
    """

    def __init__(
        self,
        client: AlertingClient,
        estate: Estate,
        now: Callable[[], datetime],
        show: Callable[[FeedUpdate], None],
        remembered: Callable[[], Collection[ChannelId]],
    ) -> None:
        self.log = AlertLog()
        self.rules: dict[str, AlertRule] = {}
        self.devices: dict[str, str] = {}
        # One after the other, so that what came first is not believed last.
        self.lock = asyncio.Lock()
        self._client = client
        self._estate = estate
        self._now = now
        self._show = show
        self._remembered = remembered
        # When the rules were listed last, and when that was tried last.
        self._listed_at: datetime | None = None
        self._asked_rules_at: datetime | None = None
        self._are_rules_whole = False
        self._is_switched = False
        self._rests_until: datetime | None = None

    def resume(self, told_until: datetime | None) -> None:
        """Take note, before the first poll, up to when occurrences have been told."""
        if told_until is not None and not self.log.has_looked:
            self.log.told_until = told_until

    # -- polling --

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Read the alerts; where they name a rule that is not known, or none was ever listed, the rules as well.

        A list of many pages, whose order does not let the reading stop, is read the more rarely.
        """
        async with self.lock:
            if self._rests_until is not None and self._now() < self._rests_until:
                return FeedUpdate(readings=self.readings())
            return await self._fetch()

    async def _fetch(self) -> FeedUpdate:
        inventory = await self._new_rules() if self._asked_rules_at is None else None
        return await self._read_alerts(inventory)

    async def fetch_rules(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Read the rules, unless that was just done for the alerts."""
        async with self.lock:
            is_known = self._is_listed_within(JUST) and not self._is_switched
            answer = None if is_known else await self._list_rules()
            return FeedUpdate(
                readings=switch_readings(self.rules.values(), self.devices),
                freshness=answer.freshness if answer else (),
                inventory=self._inventory(is_new=answer is not None),
                set_aside=answer.set_aside if answer else Counter(),
            )

    async def look(self) -> FeedUpdate:
        """Read the alerts between two polls: what the rules' list lacks is then not missed once more."""
        async with self.lock:
            update = await self._fetch()
        inventory = update.inventory and dataclasses.replace(update.inventory, is_complete=False)
        return dataclasses.replace(update, inventory=inventory)

    def _is_listed_within(self, span: timedelta) -> bool:
        return self._listed_at is not None and self._now() - self._listed_at < span

    async def _new_rules(self) -> Inventory | None:
        """Look for rules that are not known, now and then; that this fails is for their own poll to say."""
        now = self._now()
        if self._asked_rules_at is not None and now - self._asked_rules_at < NEW_RULES_EVERY:
            return None
        with suppress(VendorError):
            await self._list_rules()
            return self._inventory(is_new=True)
        return None

    async def _list_rules(self) -> Answer[list[AlertRule]]:
        self._asked_rules_at = self._now()
        answer = await self._client.list_rules()
        self._listed_at, self._is_switched = self._now(), False
        self._are_rules_whole = answer.is_whole and not answer.set_aside
        listed = {rule.id: rule for rule in answer.value}
        self.rules = listed if self._are_rules_whole else self.rules | listed
        self.devices = {rule.id: self._home(rule) for rule in self.rules.values()}
        return answer

    def _inventory(self, *, is_new: bool) -> Inventory:
        """The channels of the rules that are known; what a list that was used before lacks is not missed once more."""
        return Inventory(
            devices=(),
            channels=list(self._channels()),
            is_complete=is_new and self._are_rules_whole,
            scope=RULES,
        )

    def _home(self, of: AlertRule | Alert) -> str:
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

    def _channels(self) -> Iterator[Channel]:
        for device in dict.fromkeys(self.devices.values()):
            if device != ACCOUNT:
                yield events_channel(device)
        for rule in self.rules.values():
            yield from rule_channels(
                rule, self.devices[rule.id], self.switch, self._acknowledge_rule
            )

    async def _read_alerts(self, inventory: Inventory | None) -> FeedUpdate:
        was_enough = False

        def is_enough(alerts: Sequence[Alert]) -> bool:
            nonlocal was_enough
            was_enough = self.log.is_enough(alerts, self._now())
            return was_enough

        answer = await self._client.list_alerts(is_enough)
        requests = len(answer.freshness)
        is_long = requests > FEW_REQUESTS
        self._rests_until = self._now() + requests * PER_REQUEST if is_long else None
        if self._name_new_rules(answer.value):
            inventory = await self._new_rules() or inventory
        told = self._take(answer, is_cut=was_enough)
        return FeedUpdate(
            readings=self.readings(),
            occurrences=list(self.log.occurrences(told, self.where, self._now())),
            freshness=answer.freshness,
            inventory=inventory,
            set_aside=answer.set_aside,
        )

    def _take(self, answer: Answer[list[Alert]], *, is_cut: bool) -> list[Alert]:
        is_clean = not answer.set_aside
        alerts = [replace(alert, rule=self._rule_of(alert)) for alert in answer.value]
        told = self.log.take(alerts, self._now(), is_all=answer.is_whole, is_clean=is_clean)
        self.log.is_whole = is_clean and (answer.is_whole or is_cut)
        return told

    def _name_new_rules(self, alerts: Iterable[Alert]) -> bool:
        """Whether an open alert is of a rule that no list has named, which is worth a look."""
        return any(
            alert.is_open and alert.rule is not None and alert.rule not in self.rules
            for alert in alerts
        )

    def _rule_of(self, alert: Alert) -> str | None:
        """The rule of an alert; where it names none, the only one that watches its sensor."""
        if alert.rule is not None:
            return alert.rule
        found = self._candidates(alert)
        return found[0] if len(found) == 1 and alert.sensor is not None else None

    def _candidates(self, alert: Alert) -> list[str]:
        """The rules that an alert may be of."""
        return [rule.id for rule in self.rules.values() if alert.sensor in (None, rule.sensor)]

    # -- what is shown --

    def readings(self) -> dict[ChannelId, Reading]:
        """How it stands with each rule, and in all."""
        by_rule = self.log.by_rule()
        doubtful = {rule for alert in by_rule.get(None, ()) for rule in self._candidates(alert)}
        readings = count_readings(self.log, self.rules.values())
        is_current = self._is_listed_within(RULES_STAND)
        for rule in self.rules.values():
            # Of what is switched off, or may be by now, nobody knows whether it would fire.
            is_enabled = is_current and rule.is_enabled is not False and not rule.is_doubtful
            is_watched = is_enabled and rule.id not in doubtful
            standing = self.log.standing(by_rule.get(rule.id, ()), is_watched=is_watched)
            readings |= rule_readings(rule, self.devices[rule.id], standing)
        return readings

    def where(self, alert: Alert) -> Where:
        """Where an alert belongs."""
        rule = self.rules.get(alert.rule or "")
        if rule is not None:
            return Where(self.devices[rule.id], rule_key(rule.id), rule_data(rule))
        return Where(self._home(alert))

    # -- acting --

    async def switch(self, rule: str, is_on: bool) -> None:
        """Let a rule fire or not; raises a `VendorError`."""
        async with self.lock:
            await (self._client.enable_rule if is_on else self._client.disable_rule)(rule)
            if (known := self.rules.get(rule)) is not None:
                self.rules[rule] = replace(known, is_enabled=is_on)
            self._is_switched = True  # the vendor's list has the last word
        self._show(self.shown())

    async def _acknowledge_rule(self, rule: str) -> None:
        """Acknowledge every open alert of a rule that nobody has; raises a `VendorError`."""
        done: list[Alert] = []
        try:
            for alert in self.log.by_rule().get(rule, ()):
                if alert.state is not Lifecycle.ACKNOWLEDGED:
                    # One by one: what was done counts, although the next one may fail.
                    done.append(await self.move(alert, Lifecycle.ACKNOWLEDGED))  # noqa: PERF401
        finally:
            self._show(self.shown(done))

    async def move(self, alert: Alert, to: Lifecycle) -> Alert:
        """Acknowledge or resolve an alert once; how it is then. Raises a `VendorError`."""
        async with self.lock:
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
            return moved

    def shown(self, alerts: Iterable[Alert] = ()) -> FeedUpdate:
        """How it stands with everything, and what happened to alerts that were moved from here."""
        told = list(self.log.occurrences(alerts, self.where, self._now()))
        readings = self.readings() | switch_readings(self.rules.values(), self.devices)
        return FeedUpdate(readings=readings, occurrences=told)

    def diagnostics(self) -> dict[str, object]:
        """Counts, never contents."""
        return {
            "rules": len(self.rules),
            "open_alerts": len(self.log.open),
            "are_alerts_whole": self.log.is_whole,
        }
