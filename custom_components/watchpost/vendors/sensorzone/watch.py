"""What is polled of an account, and what each poll means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ...engine.model import ChannelId, FeedUpdate, Freshness, Inventory, Reading
from ..errors import NotAllowed, UnexpectedReply, VendorError
from . import channels
from .client import Answer, SensorZoneClient
from .incursion_log import IncursionLog, totals
from .paths import Api
from .records import Incursion, Status
from .yard import Yard

# A short look every poll, at everything that a total or an acknowledgement may still change every so often.
SHORT_LOOK: Final = timedelta(hours=1)
FULL_LOOK: Final = timedelta(hours=24)
FULL_LOOK_EVERY: Final = timedelta(minutes=10)
LONGEST_GAP: Final = timedelta(days=30)

TRACK_LOOK: Final = timedelta(hours=1)

# The runtime is asked for every quarter of an hour; what is older than three of these is not divided by.
HOURS_LAST: Final = timedelta(minutes=45)


class Watch:
    """The polls of one account.

    `told_until` is set before the first, where events were told before; `is_tracked` says that V2 tells positions.
    """

    def __init__(self, client: SensorZoneClient, yard: Yard) -> None:
        self._client = client
        self._yard = yard
        self._log = IncursionLog()
        self._full_look_at: datetime | None = None
        self._lists: dict[str, float | None] = {}
        self._hours: dict[str, float] = {}
        self._hours_at: datetime | None = None
        self._last: dict[str, datetime] = {}
        self.is_tracked = client.has(Api.V2)
        self._is_track_refused = False
        self.told_until: datetime | None = None

    # -- the lists --

    async def inventory(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """List machines, people, sites and projects; what proves not to exist is done without."""
        if not self._client.has(Api.V1):
            return await self._inventory_of_tester()
        self._lists = {}
        aside, freshness = await self._entities()
        more_aside, failure = await self._places()
        aside += more_aside
        failure = await self._name_tags() or failure
        await self._check_v2()
        yard, client = self._yard, self._client
        found = list(yard.channels(is_tracked=self.is_tracked, has_runtime=client.has(Api.V2)))
        own = min((reply.received for reply in freshness), default=None)
        self._lists[channels.INVENTORY] = own
        if client.has(Api.V2):
            self._lists |= {
                channels.runtime_list(name): received for name, received in self._lists.items()
            }
        if client.has(Api.TESTER):
            found += channels.people_channels(channels.PEOPLE)
            self._lists[channels.PEOPLE] = own
        return FeedUpdate(
            readings=channels.battery_readings(list(yard.people.values())),
            freshness=freshness,
            inventory=Inventory(
                devices=list(yard.devices()),
                channels=found,
                left_out=frozenset(yard.left_out()),
                lists=dict(self._lists),
            ),
            set_aside=aside,
            failure=failure,
        )

    async def _inventory_of_tester(self) -> FeedUpdate:
        """A token alone knows the brand's people, and how many they are is all that is shown."""
        update = await self.people(frozenset())
        found = list(channels.people_channels(channels.INVENTORY))
        # Without the sign-in that lists them nothing is known of the machines, sites and people.
        inventory = Inventory(devices=[channels.account()], channels=found, lists={})
        return FeedUpdate(
            readings=update.readings,
            freshness=update.freshness,
            inventory=inventory,
            set_aside=update.set_aside,
        )

    async def _entities(self) -> tuple[Counter[str], tuple[Freshness, ...]]:
        """Machines and people; where that list does not exist, the machines alone."""
        found = await self._if_there("entities", self._client.entities)
        if found is not None:
            self._yard.take_machines(found.value.machines)
            self._yard.take_people(found.value.people)
            self._note(channels.MACHINES, found)
            self._note(channels.TAGS, found)
            return found.set_aside, found.freshness
        machines = await self._if_there("base_stations", self._client.base_stations)
        if machines is None:
            return Counter(), ()
        self._yard.take_machines(machines.value)
        self._note(channels.MACHINES, machines)
        return machines.set_aside, machines.freshness

    def _note(self, name: str, answer: Answer[Any]) -> None:
        """Note that a list was read: in full where no record was rejected."""
        oldest = min((reply.received for reply in answer.freshness), default=None)
        self._lists[name] = None if answer.set_aside else oldest

    async def _name_tags(self) -> VendorError | None:
        """Ask for the tags' serial numbers, where people are shown and their list does not tell; return what failed."""
        yard = self._yard
        if yard.options.people and any(person.serial is None for person in yard.people.values()):
            try:
                tags = await self._if_there("tags", self._client.tags)
            except VendorError as err:
                return err
            for tag in tags.value if tags else ():
                yard.take_tag(tag)
        return None

    async def _places(self) -> tuple[Counter[str], VendorError | None]:
        """Sites and projects; one list that fails costs neither the other nor the machines."""
        aside: Counter[str] = Counter()
        failure: VendorError | None = None
        try:
            if (sites := await self._if_there("worksites", self._client.worksites)) is not None:
                self._yard.sites = {site.id: site for site in sites.value}
                self._note(channels.SITES, sites)
                aside += sites.set_aside
        except VendorError as err:
            failure = err
        try:
            if (projects := await self._if_there("projects", self._client.projects)) is not None:
                self._yard.projects = {project.id: project for project in projects.value}
                self._note(channels.PROJECTS, projects)
                aside += projects.set_aside
        except VendorError as err:
            failure = err
        return aside, failure

    async def _check_v2(self) -> None:
        """See whether V2 lets the user in at all; where it does not, a machine's own page may tell its position."""
        if not self._client.has(Api.V2) or self._client.is_off("tracks"):
            self.is_tracked = False
            return
        try:
            await self._client.check_token()
        except NotAllowed:
            self.is_tracked = False
        except VendorError:
            return
        else:
            self.is_tracked = not self._is_track_refused

    # -- what moves --

    async def incursions(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Look at the incursions of the last hour, or of all that may still change; tell and count them."""
        now = dt_util.utcnow()
        start, is_full = self._look_from(now)
        found = await self._if_there("incursions", lambda: self._client.incursions(start))
        if found is None:
            return FeedUpdate()
        if is_full:
            self._full_look_at, self.told_until = now, None
        self._log.take(
            found.value,
            full_since=start if is_full else None,
            is_whole=not found.set_aside,
        )
        occurrences = list(self._log.occurrences(now, self._yard.place, self._yard.told))
        self._remember(self._log.prune(now))
        return FeedUpdate(
            readings=self._counted(now),
            occurrences=occurrences,
            freshness=found.freshness,
            set_aside=found.set_aside,
        )

    def _look_from(self, now: datetime) -> tuple[datetime, bool]:
        """From when to look, and whether that is all: incursions come late, and are acknowledged later still."""
        if self._full_look_at is not None and now - self._full_look_at < FULL_LOOK_EVERY:
            start = now - SHORT_LOOK
            # In steps, so that a reply that is still current answers for a while.
            return start.replace(minute=start.minute // 10 * 10, second=0, microsecond=0), False
        since = self._full_look_at or self.told_until or now
        return max(min(now, since) - FULL_LOOK, now - LONGEST_GAP), True

    def _remember(self, gone: list[Incursion]) -> None:
        """Keep when the last incursion of each device was, also when it is too old to be counted."""
        known = self._yard.by_scope(gone) if gone else {}
        for scope, found in known.items():
            times = [incursion.started_at for incursion in found]
            if scope in self._last:
                times.append(self._last[scope])
            if times:
                self._last[scope] = max(times)

    def _counted(self, now: datetime) -> dict[ChannelId, Reading]:
        midnight = dt_util.start_of_local_day(dt_util.as_local(now))
        # Hours that nobody has told for a while are too few for the incursions of now.
        oldest = max(midnight, now - HOURS_LAST)
        is_known = self._hours_at is not None and self._hours_at >= oldest
        hours = self._yard.runtime_by_scope(self._hours if is_known else {})
        is_whole = self._log.is_whole
        readings: dict[ChannelId, Reading] = {}
        for scope, found in self._yard.by_scope(self._log.known.values()).items():
            counted = totals(found, now, midnight, is_whole=is_whole)
            if counted.last is None:
                counted = replace(counted, last=self._last.get(scope))
            readings |= channels.total_readings(scope, counted, hours.get(scope))
        return readings

    async def machine(self, machine: str, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask how a machine is: on its own page, or where that does not tell, by its status."""
        page = await self._if_there("base_station", lambda: self._client.base_station(machine))
        status = Status()
        freshness: tuple[Freshness, ...] = ()
        if page is not None:
            self._yard.take_page(page.value[0])
            status, freshness = page.value[1], page.freshness
        if status.seen_at is None and status.is_running is None:
            own = await self._if_there("status", lambda: self._client.status(machine))
            if own is not None:
                status, freshness = own.value[1], (*freshness, *own.freshness)
        readings = channels.status_readings(machine, status, dt_util.utcnow())
        return FeedUpdate(
            readings={key: reading for key, reading in readings.items() if key in wanted},
            freshness=freshness,
        )

    async def track(self, machine: str, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask where a machine is, by the end of its GPS track."""
        start = dt_util.utcnow() - TRACK_LOOK
        try:
            found = await self._if_there("tracks", lambda: self._client.track(machine, start))
        except NotAllowed:
            self.is_tracked, self._is_track_refused = False, True
            raise
        self._is_track_refused = False
        if found is None:
            return FeedUpdate()
        now = dt_util.utcnow()
        fixes = [fix for fix in found.value if channels.is_past(fix.at, now)]
        if not fixes:
            return FeedUpdate(freshness=found.freshness)
        newest = fixes[-1]
        key = ChannelId(channels.machine_id(machine), channels.POSITION)
        return FeedUpdate(
            readings={key: Reading(newest.position, newest.at)}, freshness=found.freshness
        )

    async def runtime(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask how long the machines have run today."""
        midnight = dt_util.start_of_local_day()
        found = await self._client.machine_runtime(midnight)
        hours: dict[str, float] = {}
        for row in found.value:
            machine = self._yard.machine_named(row.machine)
            if machine is not None and row.day == midnight.date():
                hours[machine] = hours.get(machine, 0.0) + row.hours
        self._hours, self._hours_at = hours, dt_util.utcnow()
        self._is_track_refused = False  # V2 lets the user in: worth another try
        return FeedUpdate(
            readings={
                ChannelId(scope, channels.RUNTIME_TODAY): Reading(ran)
                for scope, ran in self._yard.runtime_by_scope(hours).items()
            },
            freshness=found.freshness,
        )

    async def person(self, tag: str, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask when a tag was tested last: the list may tell, or the tag's page, or the list of its tests."""
        times: list[datetime | None] = []
        freshness: tuple[Freshness, ...] = ()
        page = await self._if_there("tag", lambda: self._client.tag(tag))
        if page is not None:
            freshness = page.freshness
            if page.value is not None:
                times.append(page.value.tested_at)
                self._yard.take_tag(page.value)
        if not any(times):
            tests = await self._if_there("tag_tests", lambda: self._client.tag_tests(tag))
            if tests is not None:
                times.append(tests.value)
                freshness += tests.freshness
        if (listed := self._yard.people.get(tag)) is not None:
            times.append(listed.tested_at)
        tested_at = max((at for at in times if at is not None), default=None)
        limit = self._yard.options.tag_test_days
        readings = channels.person_readings(tag, tested_at, dt_util.utcnow(), limit)
        return FeedUpdate(readings=readings, freshness=freshness)

    async def people(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Count the brand's people, by kind."""
        found = await self._client.people()
        kinds = Counter(str(row.get("kind")) for row in found.value)
        return FeedUpdate(
            readings={
                ChannelId(channels.ACCOUNT, f"people_{kind}"): Reading(kinds[kind])
                for kind in channels.PEOPLE_KINDS
            },
            freshness=found.freshness,
            set_aside=found.set_aside,
        )

    async def _if_there[T](
        self, name: str, ask: Callable[[], Awaitable[Answer[T]]]
    ) -> Answer[T] | None:
        """Ask unless the resource proved not to exist; None where it does not."""
        if self._client.is_off(name):
            return None
        try:
            return await ask()
        except UnexpectedReply as err:
            if self._client.is_missing(name, err):
                return None
            raise
