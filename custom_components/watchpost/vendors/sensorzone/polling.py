"""Polls of a SensorZone account: one method per feed."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
import time
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ...client.errors import (
    PermissionDeniedError,
    RateLimitedError,
    SignInRejectedError,
    VendorError,
)
from ...client.optional_resources import OptionalResources, is_unavailable
from ...models import ChannelId, FeedUpdate, Freshness, Inventory, Reading
from . import entities as entities_module
from .client import SensorZoneClient, SensorZoneResponse
from .endpoints import ApiVersion
from .incursions import IncursionTracker, totals
from .inventory import SiteInventory
from .models import Incursion, Status

# Every poll fetches RECENT_PERIOD; every FULL_INTERVAL, FULL_PERIOD: all that a total or an acknowledgement may change.
RECENT_PERIOD: Final = timedelta(hours=1)
FULL_PERIOD: Final = timedelta(hours=24)
FULL_INTERVAL: Final = timedelta(minutes=10)
MAX_GAP: Final = timedelta(days=30)

TRACK_PERIOD: Final = timedelta(hours=1)

# Three polls of the runtime; an older runtime is not used for incursions per hour.
MAX_RUNTIME_AGE: Final = timedelta(minutes=45)


# Names of optional resources, as in the log.
_ENTITIES: Final = "entities"
_BASE_STATIONS: Final = "base stations"
_WORKSITES: Final = "worksites"
_PROJECTS: Final = "projects"
_TAGS: Final = "tags"
_PAGE: Final = "base station"
_STATUS: Final = "status of base station"
_TRACK: Final = "track of base station"
_TAG: Final = "tag"
_TESTS: Final = "tests of tag"
_OF_INVENTORY: Final = frozenset({_ENTITIES, _BASE_STATIONS, _WORKSITES, _PROJECTS, _TAGS})


class SensorZonePoller:
    """Poll the feeds of one account.

    `delivered_until` is set before the first poll if events were dispatched before; `is_tracked`: V2 has positions.
    """

    def __init__(
        self,
        client: SensorZoneClient,
        site_inventory: SiteInventory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.resources = OptionalResources(carrying_alarms=(entities_module.INCURSIONS,), now=clock)
        self._client = client
        self._site_inventory = site_inventory
        self._tracker = IncursionTracker()
        self._full_poll_at: datetime | None = None
        self._lists: dict[str, float | None] = {}
        self._hours: dict[str, float] = {}
        self._hours_at: datetime | None = None
        self._last: dict[str, datetime] = {}
        self.is_tracked = client.has(ApiVersion.V2)
        self._is_track_refused = False
        self.delivered_until: datetime | None = None

    # -- resources --

    @property
    def turned_off(self) -> dict[str, str]:
        """Return the resources that are off for this account, with the reason."""
        return {
            name: f"status {status}" if (status := getattr(err, "status", None)) else str(err)
            for name, err in self.resources.failures.items()
            if self.resources.is_off(name)
        }

    async def _fetch_optional[T](
        self, name: str, ask: Callable[[], Awaitable[SensorZoneResponse[T]]]
    ) -> SensorZoneResponse[T] | None:
        """Fetch an optional resource of a feed; None if it fails, unless the error concerns the whole account."""
        answer = await self.resources.fetch(name, ask)
        if answer is None and isinstance(self._error(name), SignInRejectedError | RateLimitedError):
            raise self._error(name)
        return answer

    async def _fetch_required[T](
        self, name: str, ask: Callable[[], Awaitable[SensorZoneResponse[T]]]
    ) -> SensorZoneResponse[T]:
        """Fetch the only resource of a feed; raise a `VendorError`, without a request while the resource is off."""
        answer = await self.resources.fetch(name, ask)
        if answer is None:
            raise self._error(name)
        return answer

    def _error(self, *names: str) -> VendorError:
        """Return the error of the first failed resource, without its traceback, which grows with every raise."""
        failures = self.resources.failures
        found = next(failures[name] for name in names if name in failures)
        return found.with_traceback(None)

    # -- the lists --

    async def inventory(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch machines, people, sites and projects, without the lists that fail.

        Raises a `VendorError` if everything of V1 fails.
        """
        if not self._client.has(ApiVersion.V1):
            return await self._fetch_tester_inventory()
        self._lists = {}
        self._mark_safety_resources()
        self.resources.retry_alarms()
        rejected_records, freshness = await self._fetch_entities()
        rejected_records += await self._fetch_sites()
        if not self._lists and not await self._has_incursions():
            raise self._error(_ENTITIES, _BASE_STATIONS, _WORKSITES, _PROJECTS)
        await self._fetch_tags()
        await self._check_v2()
        site_inventory, client = self._site_inventory, self._client
        found = list(
            site_inventory.channels(
                is_tracked=self.is_tracked, has_runtime=client.has(ApiVersion.V2)
            )
        )
        own = min((reply.received for reply in freshness), default=None)
        self._lists[entities_module.INVENTORY] = own
        if client.has(ApiVersion.V2):
            self._lists |= {
                entities_module.runtime_list(name): received
                for name, received in self._lists.items()
            }
        if client.has(ApiVersion.TESTER):
            found += entities_module.people_channels(entities_module.PEOPLE)
            self._lists[entities_module.PEOPLE] = own
        return FeedUpdate(
            readings=entities_module.battery_readings(list(site_inventory.people.values())),
            freshness=freshness,
            inventory=Inventory(
                devices=list(site_inventory.devices()),
                channels=found,
                left_out=frozenset(site_inventory.left_out()),
                lists=dict(self._lists),
            ),
            rejected=rejected_records,
            failures={
                name: err for name, err in self.resources.failures.items() if name in _OF_INVENTORY
            },
        )

    def _mark_safety_resources(self) -> None:
        """Mark machine records and states as safety resources, retried with every inventory."""
        of_machines = [
            f"{name} {machine}"
            for machine in self._site_inventory.machines
            for name in (_PAGE, _STATUS)
        ]
        self.resources.carrying_alarms = frozenset((entities_module.INCURSIONS, *of_machines))

    async def _has_incursions(self) -> bool:
        """Return whether incursions are available; then the account stays up without any list."""
        start = dt_util.utcnow() - RECENT_PERIOD
        try:
            await self._client.incursions(start)
        except VendorError:
            return False
        return True

    async def _fetch_tester_inventory(self) -> FeedUpdate:
        """Return the inventory of an account with a Tester token alone: the number of people."""
        update = await self.people(frozenset())
        found = list(entities_module.people_channels(entities_module.INVENTORY))
        # No list was read: machines, sites and people of another sign-in must not be removed.
        inventory = Inventory(devices=[entities_module.account_device()], channels=found, lists={})
        return FeedUpdate(
            readings=update.readings,
            freshness=update.freshness,
            inventory=inventory,
            rejected=update.rejected,
        )

    async def _fetch_entities(self) -> tuple[Counter[str], tuple[Freshness, ...]]:
        """Fetch machines and people; if that list is unavailable, the machines alone."""
        found = await self._fetch_optional(_ENTITIES, self._client.entities)
        if found is not None:
            self._site_inventory.update_machines(found.value.machines)
            self._site_inventory.update_people(found.value.people)
            self._record_list(entities_module.MACHINES, found)
            self._record_list(entities_module.TAGS, found)
            return found.rejected, found.freshness
        # An outage alone must not replace the known list by another one.
        if self._site_inventory.machines and not is_unavailable(self._error(_ENTITIES)):
            return Counter(), ()
        machines = await self._fetch_optional(_BASE_STATIONS, self._client.base_stations)
        if machines is None:
            return Counter(), ()
        self._site_inventory.update_machines(machines.value)
        self._record_list(entities_module.MACHINES, machines)
        return machines.rejected, machines.freshness

    def _record_list(self, name: str, answer: SensorZoneResponse[Any]) -> None:
        """Record that a list was read, and whether it is complete: without rejected records."""
        oldest = min((reply.received for reply in answer.freshness), default=None)
        self._lists[name] = None if answer.rejected else oldest

    async def _fetch_tags(self) -> None:
        """Fetch the tags' serial numbers, if people are shown and their list lacks them."""
        site_inventory = self._site_inventory
        if site_inventory.options.people and any(
            person.serial is None for person in site_inventory.people.values()
        ):
            tags = await self._fetch_optional(_TAGS, self._client.tags)
            for tag in tags.value if tags else ():
                site_inventory.update_tag(tag)

    async def _fetch_sites(self) -> Counter[str]:
        """Fetch sites and projects; one list that fails affects no other."""
        rejected_records: Counter[str] = Counter()
        if (sites := await self._fetch_optional(_WORKSITES, self._client.worksites)) is not None:
            self._site_inventory.sites = {site.id: site for site in sites.value}
            self._record_list(entities_module.SITES, sites)
            rejected_records += sites.rejected
        if (projects := await self._fetch_optional(_PROJECTS, self._client.projects)) is not None:
            self._site_inventory.projects = {project.id: project for project in projects.value}
            self._record_list(entities_module.PROJECTS, projects)
            rejected_records += projects.rejected
        return rejected_records

    async def _check_v2(self) -> None:
        """Check the V2 sign-in; without it, positions come from the machines' own records."""
        tracks = [f"{_TRACK} {machine}" for machine in self._site_inventory.machines]
        are_off = bool(tracks) and not any(map(self.resources.may_ask, tracks))
        if not self._client.has(ApiVersion.V2) or are_off:
            self.is_tracked = False
            return
        try:
            await self._client.check_token()
        except PermissionDeniedError:
            self.is_tracked = False
        except VendorError:
            return
        else:
            self.is_tracked = not self._is_track_refused

    # -- incursions, machines and people --

    async def incursions(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the incursions of the last hour or day; return their events and totals."""
        now = dt_util.utcnow()
        start, is_full = self._period_start(now)
        found = await self._fetch_required(
            entities_module.INCURSIONS, lambda: self._client.incursions(start)
        )
        # An incomplete list does not count as full: the next poll fetches the same period.
        is_full = is_full and found.is_complete
        if is_full:
            self._full_poll_at, self.delivered_until = now, None
        self._tracker.update(
            found.value,
            full_since=start if is_full else None,
            is_readable=not found.rejected and found.failure is None,
        )
        vendor_events = list(
            self._tracker.vendor_events(
                now, self._site_inventory.event_device, self._site_inventory.event_data
            )
        )
        self._store_last_incursions(self._tracker.prune(now))
        return FeedUpdate(
            readings=self._total_readings(now),
            vendor_events=vendor_events,
            freshness=found.freshness,
            rejected=found.rejected,
            failure=found.failure,
        )

    def _period_start(self, now: datetime) -> tuple[datetime, bool]:
        """Return the start of the period to fetch, and whether it is full: incursions arrive and change late."""
        if self._full_poll_at is not None and now - self._full_poll_at < FULL_INTERVAL:
            start = now - RECENT_PERIOD
            # In steps of ten minutes, so that the cache can answer while a response is current.
            return start.replace(minute=start.minute // 10 * 10, second=0, microsecond=0), False
        since = self._full_poll_at or self.delivered_until or now
        return max(min(now, since) - FULL_PERIOD, now - MAX_GAP), True

    def _store_last_incursions(self, gone: list[Incursion]) -> None:
        """Store the time of each device's last incursion before its removal."""
        known = self._site_inventory.by_device(gone) if gone else {}
        for scope, found in known.items():
            times = [incursion.started_at for incursion in found]
            if scope in self._last:
                times.append(self._last[scope])
            if times:
                self._last[scope] = max(times)

    def _total_readings(self, now: datetime) -> dict[ChannelId, Reading]:
        midnight = dt_util.start_of_local_day(dt_util.as_local(now))
        # An old runtime is too short for the present number of incursions.
        oldest = max(midnight, now - MAX_RUNTIME_AGE)
        is_known = self._hours_at is not None and self._hours_at >= oldest
        hours = self._site_inventory.runtime_by_device(self._hours if is_known else {})
        is_readable = self._tracker.is_readable
        readings: dict[ChannelId, Reading] = {}
        for scope, found in self._site_inventory.by_device(self._tracker.known.values()).items():
            counted = totals(found, now, midnight, is_readable=is_readable)
            if counted.last is None:
                counted = replace(counted, last=self._last.get(scope))
            readings |= entities_module.total_readings(scope, counted, hours.get(scope))
        return readings

    async def machine(self, machine: str, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the state of a machine from its own record, or from its status if that has none."""
        page_name, status_name = f"{_PAGE} {machine}", f"{_STATUS} {machine}"
        page = await self._fetch_optional(page_name, lambda: self._client.base_station(machine))
        status, own = Status(), None
        freshness: tuple[Freshness, ...] = ()
        if page is not None:
            self._site_inventory.update_machine(page.value[0])
            status, freshness = page.value[1], page.freshness
        if status.seen_at is None and status.is_running is None:
            own = await self._fetch_optional(status_name, lambda: self._client.status(machine))
            if own is not None:
                status, freshness = own.value[1], (*freshness, *own.freshness)
        if page is None and own is None:
            raise self._error(page_name, status_name)
        readings = entities_module.status_readings(machine, status, dt_util.utcnow())
        return FeedUpdate(
            readings={key: reading for key, reading in readings.items() if key in wanted},
            freshness=freshness,
        )

    async def track(self, machine: str, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the position of a machine: the end of its GPS track."""
        name, start = f"{_TRACK} {machine}", dt_util.utcnow() - TRACK_PERIOD
        try:
            found = await self._fetch_required(name, lambda: self._client.track(machine, start))
        except PermissionDeniedError:
            # The runtime poll reports the missing permission, which concerns the same user.
            self.resources.record_success(name)
            self.is_tracked, self._is_track_refused = False, True
            raise
        self._is_track_refused = False
        now = dt_util.utcnow()
        fixes = [fix for fix in found.value if entities_module.is_past(fix.at, now)]
        if not fixes:
            return FeedUpdate(freshness=found.freshness)
        newest = fixes[-1]
        key = ChannelId(entities_module.machine_id(machine), entities_module.POSITION)
        return FeedUpdate(
            readings={key: Reading(newest.position, newest.at)}, freshness=found.freshness
        )

    async def runtime(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch today's runtime of the machines."""
        midnight = dt_util.start_of_local_day()
        found = await self._client.machine_runtime(midnight)
        hours: dict[str, float] = {}
        for row in found.value:
            machine = self._site_inventory.find_machine(row.machine)
            if machine is not None and row.day == midnight.date():
                hours[machine] = hours.get(machine, 0.0) + row.hours
        self._hours, self._hours_at = hours, dt_util.utcnow()
        self._is_track_refused = False  # the V2 sign-in works: try the tracks again
        return FeedUpdate(
            readings={
                ChannelId(scope, entities_module.RUNTIME_TODAY): Reading(ran)
                for scope, ran in self._site_inventory.runtime_by_device(hours).items()
            },
            freshness=found.freshness,
        )

    async def person(self, tag: str, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the time of a tag's last test: from the list, the tag's record or the list of its tests."""
        times: list[datetime | None] = []
        freshness: tuple[Freshness, ...] = ()
        names = f"{_TAG} {tag}", f"{_TESTS} {tag}"
        page = await self._fetch_optional(names[0], lambda: self._client.tag(tag))
        if page is not None:
            freshness = page.freshness
            if page.value is not None:
                times.append(page.value.tested_at)
                self._site_inventory.update_tag(page.value)
        if not any(times):
            tests = await self._fetch_optional(names[1], lambda: self._client.tag_tests(tag))
            if tests is not None:
                times.append(tests.value)
                freshness += tests.freshness
        listed = self._site_inventory.people.get(tag)
        if page is None and not times and (listed is None or listed.tested_at is None):
            raise self._error(*names)
        if listed is not None:
            times.append(listed.tested_at)
        tested_at = max((at for at in times if at is not None), default=None)
        limit = self._site_inventory.options.tag_test_days
        readings = entities_module.person_readings(tag, tested_at, dt_util.utcnow(), limit)
        return FeedUpdate(readings=readings, freshness=freshness)

    async def people(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the number of people by kind."""
        found = await self._client.people()
        kinds = Counter(str(row.get("kind")) for row in found.value)
        return FeedUpdate(
            readings={
                ChannelId(entities_module.ACCOUNT, f"people_{kind}"): Reading(kinds[kind])
                for kind in entities_module.PEOPLE_KINDS
            },
            freshness=found.freshness,
            rejected=found.rejected,
        )
