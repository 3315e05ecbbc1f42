"""What the vendor does not publish may have any likely form, and the same is shown of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulators.sensorzone import JSON_API, ApiVariants, SensorZoneCloud

from .conftest import House, watchpost_lines
from .zone import Ear, OpenZone, ear_fixture, open_zone_fixture, sign_in, unique  # noqa: F401

FORMS: list[dict[str, Any]] = [
    {},
    JSON_API,
    {"login_body": "form"},
    {"session_reply": "created", "cookie": "sliding"},
    {"session_reply": "empty", "cookie": "rotating"},
    {"jwt_headers": "lower", "jwt_expiry": "ms", "refresh_in": "cookie"},
    {"jwt_headers": "upper", "jwt_expiry": "missing", "refresh_in": "body"},
    {"jwt_expiry": "past", "jwt_renewal": "any", "refresh_in": "none"},
    {"lists": "data", "paging": "page"},
    {"lists": "named", "paging": "link", "links": "body"},
    {"lists": "bare", "paging": "page", "order": "oldest"},
    {"lists": "jsonapi", "paging": "link", "links": "relative"},
    {"paging": "link", "filters": "ignored", "api_paging": "page"},
    {"paging": "page", "filters": "ignored", "order": "oldest", "api_paging": "none"},
    {"keys": "camel", "ids": "text", "references": "nested"},
    {"times": "offset", "acknowledgement": "time", "positions": "nested"},
    {"times": "naive", "acknowledgement": "word", "positions": "geojson"},
    {"times": "s", "durations": "ms", "charts": "rows"},
    {"times": "ms", "durations": "none", "charts": "jsonapi", "runtime": "seconds"},
    {"entities": "groups", "ended": "redirect"},
    {"entities": "data", "keys": "camel"},
    {"entities": "entities", "lists": "data"},
    {"track": "geojson", "battery": "percent", "runtime": "seconds"},
]


# A form is refused as JSON first; a token that does not say how long it lives is used until it is refused.
EXPECTED = {"form": {400}, "upper missing body": {401}, "past any none": {401}}


def _name(form: dict[str, Any]) -> str:
    return " ".join(map(str, form.values())) if form is not JSON_API else "jsonapi"


def _case(form: dict[str, Any]) -> Any:
    """The forms that differ most are tried in every run, the others in the soak tests."""
    marks = () if form in (FORMS[0], FORMS[1], FORMS[6], FORMS[10], FORMS[14]) else pytest.mark.soak
    return pytest.param(form, id=_name(form), marks=marks)


@pytest.mark.parametrize("form", [_case(form) for form in FORMS])
async def test_every_form_shows_the_same(
    house: House,
    open_zone: OpenZone,
    ear: Ear,
    caplog: pytest.LogCaptureFixture,
    form: dict[str, Any],
) -> None:
    zone = await open_zone(
        machines=2, people=4, variants=ApiVariants(**form), page_size=12, token_lifetime=300
    )
    await sign_in(house, zone, people=True)
    await house.pass_time(5)
    start = datetime.now(UTC)
    zone.incur(seconds=12, acknowledged_after=300)
    await house.pass_time(1200)

    now = datetime.now(UTC)
    true = [one for one in zone.truth(start, now) if one.listed_at < now.timestamp() - 61]
    assert len(true) > 2
    assert {str(one.id) for one in true} <= set(ear.told("incursion"))
    assert len(set(ear.told("incursion"))) == len(ear.told("incursion"))
    assert_shown(house, zone)
    assert watchpost_lines(caplog) == []
    assert {record.status for record in zone.log} <= {200, 201, 204, *EXPECTED.get(_name(form), ())}


def assert_shown(house: House, zone: SensorZoneCloud) -> None:
    """Machines, positions, runtime and totals are there."""
    for machine in zone.machines:
        device = f"machine-{machine.id}"
        tracker = house.state_of(unique(zone, device, "position"), "device_tracker")
        assert "latitude" in tracker.attributes, tracker
        running = house.state_of(unique(zone, device, "running"), "binary_sensor")
        assert running.state in ("on", "off")
        assert house.state_of(unique(zone, device, "connectivity"), "binary_sensor").state == "on"
        assert float(house.state_of(unique(zone, device, "runtime_today")).state) > 1
    midnight = datetime.now(UTC).replace(hour=7, minute=0, second=0)  # the house is in US/Pacific
    counted = int(house.state_of(unique(zone, "account", "incursions_today")).state)
    now = datetime.now(UTC)
    whole = zone.truth(midnight, now - timedelta(seconds=120))
    assert len(whole) <= counted <= len(zone.truth(midnight, now))
    assert float(house.state_of(unique(zone, "account", "acknowledgement_score")).state) > 0
    days = house.states("sensor")
    tested = [state for state in days if state.entity_id.endswith("days_since_last_tag_test")]
    assert tested
    assert all(state.state.isdigit() for state in tested)
