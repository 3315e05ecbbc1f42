"""A shift of eight hours: every incursion is told, once, whatever comes between."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from simulators.faults import Fault
from simulators.request_log import RequestRecord
from simulators.sensorzone import BehaviorConfig, Incursion, Limits, SensorZoneCloud

from .conftest import House
from .zone import Ear, OpenZone, ear_fixture, open_zone_fixture, sign_in  # noqa: F401

SHIFT = timedelta(hours=8)


def listed(zone: SensorZoneCloud, since: datetime) -> list[Incursion]:
    """Every incursion that began since then and that a client can see by now."""
    now = datetime.now(UTC)
    found = zone.truth(since, now)
    return [incursion for incursion in found if incursion.listed_at <= now.timestamp()]


def asked_in_spite_of_a_limit(zone: SensorZoneCloud) -> list[RequestRecord]:
    """Requests during a wait, but for those that were under way together with the first that was refused."""
    refused = [record.at for record in zone.log if record.status == 429 and not record.held]
    return [
        record
        for record in zone.held_requests()
        if not any(timedelta() <= record.at - at < timedelta(seconds=1) for at in refused)
    ]


@pytest.mark.timeout(280)
async def test_a_shift_of_eight_hours_is_told_as_it_was_and_nothing_of_it_twice(
    house: House, open_zone: OpenZone, ear: Ear
) -> None:
    zone = await open_zone(
        machines=3,
        people=8,
        page_size=25,
        limits=Limits(requests=60),
        behavior=BehaviorConfig(site=(220.0, 180.0), zone=9.0),
    )
    zone.config.variants.paging = "link"
    entry = await sign_in(house, zone)
    start = datetime.now(UTC)

    await house.pass_time(2 * 3600)
    zone.faults.add(Fault(kind="drop"))  # an outage of forty minutes
    await house.pass_time(2400)
    zone.faults.clear()
    zone.config.limits.requests = 3  # every user is cut short for an hour
    await house.pass_time(3600)
    zone.config.limits.requests = 60
    await house.hass.config_entries.async_unload(entry.entry_id)  # a restart that takes a while
    await house.pass_time(1800)
    await house.hass.config_entries.async_setup(entry.entry_id)
    zone.faults.add(Fault(match="/incursions", kind="status", status=503, times=5))
    await house.pass_time((start + SHIFT - datetime.now(UTC)).total_seconds())
    zone.sessions.lose_cookies()
    truth = listed(zone, start)
    await house.pass_time(900)

    assert len(truth) >= 200
    told = ear.told("incursion")
    assert max(Counter(told).values()) == 1
    at_end = {str(incursion.id) for incursion in truth}
    assert at_end <= set(told)
    assert set(told) <= {str(incursion.id) for incursion in zone.truth(start, datetime.now(UTC))}
    acknowledged = ear.told("incursion_acknowledged")
    assert max(Counter(acknowledged).values()) == 1
    first = {e["incursion"]: e["acknowledged"] for e in ear.heard if e["type"] == "incursion"}
    now = datetime.now(UTC).timestamp() - 700  # all may be looked at once in ten minutes
    late = {
        str(incursion.id)
        for incursion in truth
        if incursion.acknowledgement_listed_at is not None
        and incursion.acknowledgement_listed_at < now
        and first[str(incursion.id)] is False
    }
    assert late <= set(acknowledged)
    assert all(first[known] is False for known in acknowledged)
    assert zone.limiter.refusals > 0
    assert asked_in_spite_of_a_limit(zone) == []
