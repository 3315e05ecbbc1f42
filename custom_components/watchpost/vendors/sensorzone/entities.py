"""Devices, channels and readings of SensorZone's records."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.device_tracker.entity import TrackerEntityDescription
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfTime
from homeassistant.helpers.entity import EntityDescription

from ...models import Channel, ChannelId, Device, Reading, ReadingValue, VendorEventType
from .incursions import Totals
from .models import Machine, Person, Project, Site, Status

MANUFACTURER: Final = "SensorZone"
PORTAL: Final = "https://platform.sensorzone.io/"
ACCOUNT: Final = "account"

INVENTORY: Final = "inventory"
INCURSIONS: Final = "incursions"
RUNTIME: Final = "runtime"
PEOPLE: Final = "people"

EVENTS: Final = "events"
UNACKNOWLEDGED: Final = "unacknowledged"
RUNTIME_TODAY: Final = "runtime_today"
RUNNING: Final = "running"
CONNECTIVITY: Final = "connectivity"
POSITION: Final = "position"
DAYS_SINCE_TEST: Final = "days_since_tag_test"
TEST_OVERDUE: Final = "tag_test_overdue"
BATTERY: Final = "battery"
LAST_REPORT: Final = "last_report"

# The vendor publishes no measuring intervals, so these are the maximum ages of readings: counts without a poll, states
# of a machine without a report, and its position, which is longer because a machine that is off stays where it is.
COUNTS_MAX_AGE: Final = timedelta(minutes=15)
STATUS_MAX_AGE: Final = timedelta(minutes=30)
POSITION_MAX_AGE: Final = timedelta(days=1)

# A base station without a report for this long is disconnected.
DISCONNECTED_AFTER: Final = timedelta(minutes=15)


class _Total(NamedTuple):
    """A total and its value, a function of the counts and the hours of runtime."""

    description: EntityDescription
    value: Callable[[Totals, float | None], ReadingValue]


def _sensor(key: str, **more: object) -> SensorEntityDescription:
    return SensorEntityDescription(key=key, translation_key=key, **more)  # type: ignore[arg-type]  # its own fields


_MEASURED: Final = SensorStateClass.MEASUREMENT

TOTALS: Final = (
    _Total(_sensor("incursions_today", state_class=_MEASURED), lambda t, _: t.incursions),
    _Total(_sensor("unacknowledged_today", state_class=_MEASURED), lambda t, _: t.unacknowledged),
    _Total(
        _sensor(
            "acknowledgement_score",
            native_unit_of_measurement=PERCENTAGE,
            state_class=_MEASURED,
            suggested_display_precision=0,
        ),
        lambda t, _: t.score,
    ),
    _Total(
        _sensor("incursions_per_hour", state_class=_MEASURED, suggested_display_precision=2),
        lambda t, hours: t.incursions / hours if hours else None,
    ),
    _Total(
        _sensor(
            "mean_length",
            device_class=SensorDeviceClass.DURATION,
            native_unit_of_measurement=UnitOfTime.SECONDS,
            state_class=_MEASURED,
            suggested_display_precision=1,
        ),
        lambda t, _: t.mean_length,
    ),
    _Total(
        _sensor("last_incursion", device_class=SensorDeviceClass.TIMESTAMP), lambda t, _: t.last
    ),
    _Total(
        BinarySensorEntityDescription(
            key=UNACKNOWLEDGED,
            translation_key=UNACKNOWLEDGED,
            device_class=BinarySensorDeviceClass.SAFETY,
        ),
        lambda t, _: t.has_unacknowledged,
    ),
)
_KEPT_WHEN_STALE: Final = frozenset({"last_incursion"})
_PERSON_TOTALS: Final = frozenset({"incursions_today", "last_incursion"})

_RUNTIME: Final = _sensor(
    RUNTIME_TODAY,
    device_class=SensorDeviceClass.DURATION,
    native_unit_of_measurement=UnitOfTime.HOURS,
    state_class=_MEASURED,
    suggested_display_precision=1,
)
_EVENTS: Final = EventEntityDescription(
    key=EVENTS,
    translation_key=EVENTS,
    event_types=[VendorEventType.INCURSION, VendorEventType.INCURSION_ACKNOWLEDGED],
)
_RUNNING: Final = BinarySensorEntityDescription(
    key=RUNNING, device_class=BinarySensorDeviceClass.RUNNING
)
_CONNECTIVITY: Final = BinarySensorEntityDescription(
    key=CONNECTIVITY,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_LAST_REPORT: Final = _sensor(
    LAST_REPORT,
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_POSITION: Final = TrackerEntityDescription(key=POSITION, translation_key=POSITION)
_DAYS_SINCE_TEST: Final = _sensor(
    DAYS_SINCE_TEST,
    device_class=SensorDeviceClass.DURATION,
    native_unit_of_measurement=UnitOfTime.DAYS,
    state_class=_MEASURED,
    suggested_display_precision=0,
)
_TEST_OVERDUE: Final = BinarySensorEntityDescription(
    key=TEST_OVERDUE, translation_key=TEST_OVERDUE, device_class=BinarySensorDeviceClass.PROBLEM
)
_BATTERY: Final = SensorEntityDescription(
    key=BATTERY,
    device_class=SensorDeviceClass.BATTERY,
    native_unit_of_measurement=PERCENTAGE,
    state_class=_MEASURED,
    entity_category=EntityCategory.DIAGNOSTIC,
)
PEOPLE_KINDS: Final = ("staff", "visitor")

# Names of the inventory's lists, by which devices come and go.
MACHINES: Final = "machines"
TAGS: Final = "tags"
SITES: Final = "sites"
PROJECTS: Final = "projects"
_LISTS: Final = {"machine": MACHINES, "tag": TAGS, "site": SITES, "project": PROJECTS}
_PEOPLE_OF_KIND: Final = "people_"


def machine_id(machine: str) -> str:
    """Return the device id of a machine."""
    return f"machine-{machine}"


def site_id(site: str) -> str:
    """Return the device id of a worksite."""
    return f"site-{site}"


def project_id(project: str) -> str:
    """Return the device id of a project."""
    return f"project-{project}"


def tag_id(tag: str) -> str:
    """Return the device id of a tag, which represents its wearer."""
    return f"tag-{tag}"


def vendor_id(device: str | None, *kinds: str) -> str:
    """Return the vendor's id of a device of one of these kinds; raise ValueError("device_id") for any other."""
    kind, _, found = (device or "").partition("-")
    if kind not in kinds or not found:
        raise ValueError("device_id")
    return found


def list_of_device(device: str) -> str:
    """Return the name of the list that names a device."""
    return _LISTS.get(device.partition("-")[0], INVENTORY)


def runtime_list(devices: str) -> str:
    """Return the name of the list of runtime channels: the devices' list together with the V2 sign-in."""
    return f"{devices} {RUNTIME}"


def list_of(channel: ChannelId) -> str:
    """Return the name of the list that names a channel; some depend on a sign-in, not on their device."""
    if channel.key == RUNTIME_TODAY:
        return runtime_list(list_of_device(channel.device))
    if channel.key.startswith(_PEOPLE_OF_KIND):
        return PEOPLE
    return list_of_device(channel.device)


# -- devices --


def account_device() -> Device:
    """Return the device of the account."""
    return Device(
        id=ACCOUNT,
        name=MANUFACTURER,
        manufacturer=MANUFACTURER,
        configuration_url=PORTAL,
        is_service=True,
    )


def project_device(project: Project) -> Device:
    """Return the device of a project, whose parent is the account."""
    name = project.name or f"Project {project.id}"
    return Device(project_id(project.id), name, MANUFACTURER, via=ACCOUNT, is_service=True)


def site_device(site: Site, projects: Iterable[str]) -> Device:
    """Return the device of a worksite, whose parent is its first listed project."""
    known = set(projects)
    project = next((found for found in site.projects if found in known), None)
    return Device(
        id=site_id(site.id),
        name=site.name or f"Worksite {site.id}",
        manufacturer=MANUFACTURER,
        via=project_id(project) if project else ACCOUNT,
        is_service=True,
    )


def machine_device(machine: Machine, site: str | None) -> Device:
    """Return the device of a machine, whose parent is its site."""
    return Device(
        id=machine_id(machine.id),
        name=machine.name or f"Machine {machine.serial or machine.id}",
        manufacturer=machine.manufacturer or MANUFACTURER,
        model=machine.model,
        serial=machine.serial,
        configuration_url=PORTAL,
        via=site_id(site) if site else ACCOUNT,
    )


def person_device(person: Person, *, with_name: bool) -> Device:
    """Return the device of a person, named by the tag's serial number unless names are allowed."""
    serial = f"Tag {person.serial or person.id}"
    return Device(
        id=tag_id(person.id),
        name=(person.name if with_name else None) or serial,
        manufacturer=MANUFACTURER,
        serial=person.serial,
        via=ACCOUNT,
    )


# -- channels --


def total_channels(device: str, *, has_runtime: bool) -> Iterator[Channel]:
    """Yield the channels of the totals of a machine, a site, a project or the account."""
    for total in TOTALS:
        key = total.description.key
        yield Channel(
            device,
            key,
            total.description,
            INCURSIONS,
            keep_when_stale=key in _KEPT_WHEN_STALE,
            good_for=COUNTS_MAX_AGE,
        )
    if has_runtime:
        yield Channel(device, RUNTIME_TODAY, _RUNTIME, RUNTIME)


def events_channel(device: str) -> Channel:
    """Return the event channel of a machine, or of the account for machines that are not listed."""
    return Channel(device, EVENTS, _EVENTS, INCURSIONS)


def machine_channels(machine: str, *, is_tracked: bool) -> Iterator[Channel]:
    """Yield the channels of a machine; `is_tracked` takes its position from V2."""
    device, feed = machine_id(machine), machine_feed(machine)
    yield Channel(device, RUNNING, _RUNNING, feed, good_for=STATUS_MAX_AGE)
    yield Channel(device, CONNECTIVITY, _CONNECTIVITY, feed, good_for=STATUS_MAX_AGE)
    yield Channel(device, LAST_REPORT, _LAST_REPORT, feed, keep_when_stale=True)
    where = track_feed(machine) if is_tracked else feed
    yield Channel(device, POSITION, _POSITION, where, good_for=POSITION_MAX_AGE)


def person_channels(person: Person) -> Iterator[Channel]:
    """Yield the channels of a person."""
    device = tag_id(person.id)
    for total in TOTALS:
        if (key := total.description.key) in _PERSON_TOTALS:
            yield Channel(
                device,
                key,
                total.description,
                INCURSIONS,
                keep_when_stale=key in _KEPT_WHEN_STALE,
                good_for=COUNTS_MAX_AGE,
            )
    yield Channel(device, DAYS_SINCE_TEST, _DAYS_SINCE_TEST, person_feed(person.id))
    yield Channel(device, TEST_OVERDUE, _TEST_OVERDUE, person_feed(person.id))
    if person.battery is not None:
        yield Channel(device, BATTERY, _BATTERY, INVENTORY)


def people_channels(feed: str) -> Iterator[Channel]:
    """Yield the channels of the number of people by kind."""
    for kind in PEOPLE_KINDS:
        yield Channel(
            ACCOUNT, f"people_{kind}", _sensor(f"people_{kind}", state_class=_MEASURED), feed
        )


def machine_feed(machine: str) -> str:
    """Return the name of the feed of a machine's record."""
    return f"machine-{machine}"


def track_feed(machine: str) -> str:
    """Return the name of the feed of a machine's GPS track."""
    return f"track-{machine}"


def person_feed(tag: str) -> str:
    """Return the name of the feed of a tag's record."""
    return f"tag-{tag}"


# -- readings --


def total_readings(device: str, found: Totals, hours: float | None) -> dict[ChannelId, Reading]:
    """Return the readings of a device's totals; `hours` is its runtime today, None if unknown."""
    return {
        ChannelId(device, total.description.key): Reading(total.value(found, hours))
        for total in TOTALS
    }


def status_readings(machine: str, found: Status, now: datetime) -> dict[ChannelId, Reading]:
    """Return the readings of a machine; its connectivity is unknown without the time of a report."""
    device = machine_id(machine)
    # A clock far ahead gives no age: its readings would never become stale.
    is_dated = found.seen_at is None or is_past(found.seen_at, now)
    seen_at = found.seen_at if is_dated else None
    is_connected = None if seen_at is None else now - seen_at < DISCONNECTED_AFTER
    readings = {
        ChannelId(device, RUNNING): Reading(found.is_running if is_dated else None, seen_at),
        ChannelId(device, CONNECTIVITY): Reading(is_connected),
        ChannelId(device, LAST_REPORT): Reading(seen_at),
    }
    is_located = found.located_at is None or is_past(found.located_at, now)
    if found.position is not None and is_located:
        readings[ChannelId(device, POSITION)] = Reading(found.position, found.located_at)
    return readings


def is_past(at: datetime, now: datetime) -> bool:
    """Return whether a time is in the past, allowing for a clock a little ahead."""
    return at < now + DISCONNECTED_AFTER


def person_readings(
    tag: str, tested_at: datetime | None, now: datetime, limit: int
) -> dict[ChannelId, Reading]:
    """Return the days since a tag's last test, and whether they exceed `limit`."""
    is_known = tested_at is not None and is_past(tested_at, now)
    since = max(now - tested_at, timedelta()) if is_known and tested_at is not None else None
    days = None if since is None else since // timedelta(days=1)
    return {
        ChannelId(tag_id(tag), DAYS_SINCE_TEST): Reading(days),
        ChannelId(tag_id(tag), TEST_OVERDUE): Reading(None if days is None else days > limit),
    }


def battery_readings(people: Sequence[Person]) -> dict[ChannelId, Reading]:
    """Return the battery levels of the tags that report one."""
    return {
        ChannelId(tag_id(person.id), BATTERY): Reading(person.battery)
        for person in people
        if person.battery is not None
    }
