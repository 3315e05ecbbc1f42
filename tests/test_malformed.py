"""Replies that are JSON and not what the vendor's document says: use what can be used, count the rest."""

from collections.abc import Callable
from copy import deepcopy
import json
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import House, OpenCloud, watchpost_lines
from .outside import assert_shows_the_truth, download, gateway_id, mishaps, shown, source_id, truth

type Change = Callable[[Any], Any]

# One object of each level, by what leads to it in the tree.
GATEWAY, SENSOR, SOURCE, KIND, UNIT = "gateway", "sensor", "source", "kind", "unit"


def first(payload: Any, level: str) -> dict[str, Any]:
    """The first object of a level in a reply to GET /gateways."""
    gateway = payload["gateways"][0]
    sensor = gateway["devices"][0]
    source = sensor["devices"][0]
    kind = source["type"]
    return {
        GATEWAY: gateway,
        SENSOR: sensor,
        SOURCE: source,
        KIND: kind,
        UNIT: kind["unit"],
    }[level]


MISSING = object()
FIELDS = {
    GATEWAY: ("serial", "title", "firmware", "type", "disconnected_date", "master_id", "ipv4"),
    SENSOR: ("serial", "title", "firmware", "type", "disconnected_date", "current_gateway_id"),
    SOURCE: ("title", "serial", "interval", "subtype", "disconnected_date", "devices", "type"),
    KIND: ("id", "name", "precision", "capability", "unit"),
    UNIT: ("id", "name"),
}
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e300,
    "",
    "x" * 10_000,
    "\u202e\x00ø",
    [],
    [[]],
    {},
    10**400,
)


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=2, sensors=1)


@pytest.mark.parametrize("level", list(FIELDS))
async def test_fields_that_are_missing_or_of_the_wrong_type_cost_no_device_and_no_value(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    cloud.config.max_ages = {"/gateways": 300}
    entry = await house.sign_in(cloud)
    before = {state.entity_id for state in house.states()}
    devices = len(house.devices(entry))
    turns = iter(
        [dict.fromkeys(FIELDS[level], value) for value in WRONG]
        + [{name: MISSING} for name in FIELDS[level]]
    )

    def spoil(payload: Any) -> Any:
        row = first(payload, level)
        row |= next(turns, dict.fromkeys(FIELDS[level], MISSING))
        for name in [name for name, value in row.items() if value is MISSING]:
            del row[name]
        return payload

    spoiled = cloud.faults.add(Fault(match="/gateways", kind="mutate", mutate=spoil))
    turn_count = len(WRONG) + len(FIELDS[level])
    await house.pass_time(320 * (turn_count + 2))
    # After a change of unit nothing is known until the next measurement.
    await house.pass_time(2000)

    assert spoiled.used > turn_count
    assert entry.state is ConfigEntryState.LOADED
    assert {state.entity_id for state in house.states()} == before
    assert len(house.devices(entry)) == devices
    assert watchpost_lines(caplog) == []
    assert mishaps(caplog) == []
    # Without its interval a source that measures rarely counts as one that measures often.
    often = [source.id for source in cloud.sources() if source.interval == 900]
    states = shown(house, cloud)
    assert [float(states[key]) for key in often] == [truth(cloud)[key] for key in often]


NOT_USABLE = {
    "id-missing": (lambda row: row.pop("id"), "id"),
    "id-null": (lambda row: row.update(id=None), "id"),
    "id-negative": (lambda row: row.update(id=-5), "id"),
    "id-true": (lambda row: row.update(id=True), "id"),
    "id-path": (lambda row: row.update(id="../users"), "id"),
    "id-object": (lambda row: row.update(id={"id": 1}), "id"),
}


@pytest.mark.parametrize("level", [GATEWAY, SENSOR, SOURCE])
@pytest.mark.parametrize(("spoil", "reason"), list(NOT_USABLE.values()), ids=list(NOT_USABLE))
async def test_a_record_that_cannot_be_used_is_counted_and_removes_nothing(
    house: House,
    cloud: SensoristCloud,
    hass_client_no_auth: Any,
    hass_admin_user: User,
    level: str,
    spoil: Change,
    reason: str,
) -> None:
    entry = await house.sign_in(cloud)
    before = {state.entity_id for state in house.states()}

    def spoiled(payload: Any) -> Any:
        spoil(first(payload, level))
        return payload

    cloud.faults.add(Fault(match="/gateways", kind="mutate", mutate=spoiled))
    await house.pass_time(5 * 950)

    assert {state.entity_id for state in house.states()} == before
    spared = cloud.gateways[1].sensors[0].source("temp")
    assert house.state_of(source_id(cloud, spared)).state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
    told = await download(house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    (inventory,) = [feed for feed in told["feeds"] if feed["has_inventory"]]
    assert inventory["records_set_aside"] == {f"{level}: {reason}": 1}

    cloud.faults.clear()
    await house.pass_time(4000)
    assert_shows_the_truth(house, cloud)


@pytest.mark.parametrize("path", ["gateways.devices", "gateways.devices.devices"])
@pytest.mark.parametrize(
    "value",
    [
        "missing",
        None,
        "many",
        7,
    ],
)
@pytest.mark.parametrize("depth", [1, 2])
async def test_a_list_of_devices_that_is_no_list_removes_nothing(
    house: House, cloud: SensoristCloud, path: str, value: Any, depth: int
) -> None:
    entry = await house.sign_in(cloud)
    devices = {device.id for device in house.devices(entry)}
    before = {state.entity_id for state in house.states()}

    def spoil(payload: Any) -> Any:
        rows = payload["gateways"]
        if path.count("devices") == 2:
            rows = [sensor for gateway in rows for sensor in gateway["devices"]]
        for row in rows[:depth]:
            row["devices"] = value
            if value == "missing":
                del row["devices"]
        return payload

    cloud.faults.add(Fault(match="/gateways", kind="mutate", mutate=spoil))
    await house.pass_time(5 * 950)

    assert {device.id for device in house.devices(entry)} == devices
    assert {state.entity_id for state in house.states()} == before


@pytest.mark.parametrize(
    "mutation", ["ids_as_strings", "numbers_as_strings", "extra_fields", "duplicate_ids"]
)
async def test_a_reply_written_differently_says_the_same(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, mutation: str
) -> None:
    entry = await house.sign_in(cloud)
    known = {state.entity_id for state in house.states()}
    cloud.faults.add(Fault(kind="mutate", mutation=mutation))

    await house.pass_time(5000)

    assert {state.entity_id for state in house.states()} == known
    assert_shows_the_truth(house, cloud)
    assert len(house.devices(entry)) == 5
    assert watchpost_lines(caplog) == []

    await house.reload(entry)
    assert {state.entity_id for state in house.states()} == known


@pytest.mark.parametrize("mutation", ["long_titles", "nulls"])
async def test_titles_without_end_and_fields_without_value_set_up_all_the_same(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, mutation: str
) -> None:
    cloud.faults.add(Fault(match="/gateways", kind="mutate", mutation=mutation))

    entry = await house.sign_in(cloud)

    assert entry.state is ConfigEntryState.LOADED
    # Without its interval a source that measures rarely counts as one that measures often.
    states = {key: state for key, state in shown(house, cloud).items() if state != "unavailable"}
    assert len(states) >= len(cloud.sources()) // 2
    assert {key: float(state) for key, state in states.items()}.items() <= truth(cloud).items()
    assert all(device.name and len(device.name) <= 255 for device in house.devices(entry))
    assert mishaps(caplog) == []


@pytest.mark.parametrize("master", ["itself", "each-other", "its-own-slave", "nobody"])
async def test_gateways_that_are_each_others_masters_are_shown_all_the_same(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, master: str
) -> None:
    one, other = cloud.gateways
    one.master_id = {"itself": one.id, "nobody": 999}.get(master, other.id)
    other.master_id = one.id if master == "each-other" else None
    entry = await house.sign_in(cloud)
    one.title = "Renamed"
    await house.pass_time(2000)
    await house.reload(entry)

    assert entry.state is ConfigEntryState.LOADED
    assert house.state_of(gateway_id(cloud, one, "connectivity"), "binary_sensor").state == "on"
    assert all(device.via_device_id != device.id for device in house.devices(entry))
    assert mishaps(caplog) == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["1e999", "220200", "2026-09-13T12:00:00+0000", 10**30, -1, 0]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "title", "devices", "value", "date", "x"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
SPOILT = st.lists(st.tuples(st.lists(st.integers(0, 50), max_size=9), JSON), min_size=1, max_size=3)


def _replaced(payload: Any, way: list[int], value: Any) -> Any:
    """Replace what a way through a JSON tree leads to; the way ends where the tree does."""
    if not way or not isinstance(payload, dict | list) or not payload:
        return value
    keys = list(payload) if isinstance(payload, dict) else list(range(len(payload)))
    key = keys[way[0] % len(keys)]
    payload[key] = _replaced(payload[key], way[1:], value)
    return payload


async def test_nothing_that_json_can_say_breaks_the_integration(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.config.max_age = 60
    entry = await house.sign_in(cloud)
    devices = {device.id for device in house.devices(entry)}
    entities = {state.entity_id for state in house.states()}
    found: list[Any] = []

    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(lists=SPOILT, measurements=SPOILT)
    def examples(lists: Any, measurements: Any) -> None:
        found.append((lists, measurements))

    examples()
    for lists, measurements in found:
        caplog.clear()
        for path, spoil in (("/gateways", lists), ("/measurements", measurements)):
            cloud.faults.add(Fault(match=path, kind="mutate", mutate=_spoiler(spoil), times=1))
        await house.pass_time(130)
        cloud.faults.clear()
        await house.pass_time(130)

        tried = json.dumps([lists, measurements])
        assert entry.state is ConfigEntryState.LOADED, tried
        assert devices <= {device.id for device in house.devices(entry)}, tried
        assert entities <= {state.entity_id for state in house.states()}, tried
        assert mishaps(caplog) == [], tried
    await house.pass_time(8000)
    assert_shows_the_truth(house, cloud)


def _spoiler(ways: list[tuple[list[int], Any]]) -> Change:
    def spoil(payload: Any) -> Any:
        for way, value in ways:
            payload = _replaced(payload, way, deepcopy(value))
        return payload

    return spoil
