"""Whatever SENSIT Connect's cloud sends, Home Assistant stands, and what can be used is shown."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
import json
import math
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from simulators.faults import Fault
from simulators.sensit import QUIRKS, SensitCloud

from .conftest import watchpost_lines
from .outside import mishaps
from .sensit_house import LIST, OpenSensit, SensitHouse
from .test_malformed import _spoiler
from .vendors.sensit.samples import monitor_json, spod_json
from .vendors.sensorist.samples import ANY_JSON

TEMPERATURE = "field-temp"

# Those that cost the monitor its place in the list, and those that leave it without values.
NOT_LISTED = {"no_uuid", "null_uuid", "blank_uuid", "null_device", "text_device"}
NO_NUMBERS = {"nan", "infinity", "huge", "booleans", "null_values"}


@pytest.fixture(name="pair")
async def pair_fixture(open_sensit: OpenSensit) -> SensitCloud:
    """A monitor that is spoiled and one that is not."""
    return await open_sensit(spods=2, fmds=0, ramps=0, late=0.0, loss=0.0)


def assert_sound(
    house: SensitHouse, cloud: SensitCloud, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """The account stands, nothing was complained about, and the other monitor is live."""
    assert entry.state is ConfigEntryState.LOADED
    assert mishaps(caplog) == []
    assert watchpost_lines(caplog) == []
    sound = cloud.find_monitor("SPOD", 1)
    newest = datetime.fromisoformat(cloud.truth(sound.uuid)["date"])
    shown = datetime.fromisoformat(house.shown(cloud, sound.uuid, "last_measurement").state)
    assert newest - shown <= timedelta(seconds=61)
    assert float(house.shown(cloud, sound.uuid, TEMPERATURE).state)


def shown_temperature(house: SensitHouse, cloud: SensitCloud) -> str:
    return house.shown(cloud, cloud.find_monitor("SPOD").uuid, TEMPERATURE).state


def _some(names: Iterable[str]) -> list[Any]:
    """Every fourth in every run, all of them in the soak tests: each takes minutes of simulated time."""
    return [
        pytest.param(name, marks=() if place % 4 == 0 else pytest.mark.soak)
        for place, name in enumerate(sorted(names))
    ]


@pytest.mark.parametrize("quirk", _some(QUIRKS))
async def test_a_monitor_that_comes_spoiled_is_used_as_far_as_it_can_be(
    sensit_house: SensitHouse,
    pair: SensitCloud,
    quirk: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pair.find_monitor("SPOD").quirks.add(quirk)

    entry = await sensit_house.sign_in(pair)
    await sensit_house.pass_time(250)

    assert_sound(sensit_house, pair, entry, caplog)
    serials = {device.serial_number for device in sensit_house.devices(entry)}
    assert (pair.find_monitor("SPOD").uuid in serials) is (quirk not in NOT_LISTED)
    assert pair.find_monitor("SPOD", 1).uuid in serials


@pytest.mark.parametrize("quirk", _some(QUIRKS - {"same_uuid"}))
async def test_a_monitor_that_is_spoiled_while_running_keeps_its_entities(
    sensit_house: SensitHouse,
    pair: SensitCloud,
    quirk: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await sensit_house.sign_in(pair)
    await sensit_house.pass_time(70)
    before = {state.entity_id for state in sensit_house.states()}
    pair.find_monitor("SPOD").quirks.add(quirk)

    await sensit_house.pass_time(600)

    assert_sound(sensit_house, pair, entry, caplog)
    assert {state.entity_id for state in sensit_house.states()} >= before
    expected = {
        True: {STATE_UNKNOWN},
        False: set(),
    }[quirk in NO_NUMBERS]
    assert {shown_temperature(sensit_house, pair)} & {STATE_UNKNOWN} == expected
    pair.find_monitor("SPOD").quirks.clear()
    await sensit_house.pass_time(1000)
    assert float(shown_temperature(sensit_house, pair))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [(-42.5, -42.5), ("21.5", 21.5), (0, 0.0), (1e308, None), (-1e308, None), (math.nan, None),
     (math.inf, None), ("warm", None), (None, None), (True, None), ([], None), ({}, None)],
)  # fmt: skip
async def test_a_value_is_shown_as_sent_or_unknown_and_never_made_up(
    sensit_house: SensitHouse,
    pair: SensitCloud,
    sent: Any,
    shown: float | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await sensit_house.sign_in(pair)
    uuid = pair.find_monitor("SPOD").uuid
    pair.faults.add(Fault(match=LIST, kind="mutate", mutate=_record(uuid, pid1_PPB_Calc=sent)))

    await sensit_house.pass_time(70)

    state = sensit_house.shown(pair, uuid, "field-pid1_PPB_Calc").state
    assert state == (STATE_UNKNOWN if shown is None else str(shown))
    assert_sound(sensit_house, pair, entry, caplog)


@pytest.mark.parametrize(
    ("path", "sent", "shown"),
    [("temp", -999, None), ("temp", -40.5, -40.5), ("rh_Humd", -1, None), ("rh_Humd", 101, 101),
     ("pressure_mbar", -999, None), ("ws_speed", -9999, None), ("ws_speed", 0, 0),
     ("pid1_PPB_Calc", -999, None), ("pid1_PPB_Calc", -12.5, -12.5)],
)  # fmt: skip
async def test_what_cannot_exist_is_unknown(
    sensit_house: SensitHouse, pair: SensitCloud, path: str, sent: float, shown: float | None
) -> None:
    await sensit_house.sign_in(pair)
    uuid = pair.find_monitor("SPOD").uuid
    pair.faults.add(Fault(match=LIST, kind="mutate", mutate=_record(uuid, **{path: sent})))

    await sensit_house.pass_time(70)

    state = sensit_house.shown(pair, uuid, f"field-{path}").state
    assert (None if state == STATE_UNKNOWN else float(state)) == shown


async def test_half_a_character_in_a_text_breaks_nothing_that_is_stored_or_sent_on(
    sensit_house: SensitHouse, pair: SensitCloud, caplog: pytest.LogCaptureFixture
) -> None:
    uuid = pair.find_monitor("SPOD").uuid
    entry = await sensit_house.sign_in(pair)
    texts = {"name": "Fence \ud83d", "location": "Yard \ud800", "status": "Act\udfffive"}
    record = spod_json(date=datetime.now(UTC).isoformat(), note="\ud800")
    listed = [monitor_json(uuid=uuid, lastReceivedRecord=record, **texts)]
    pair.faults.add(Fault(match=LIST, status=200, body=json.dumps(listed)))
    await sensit_house.pass_time(70)

    assert sensit_house.shown(pair, uuid, "status").state == "Act?ive"
    assert {device.name for device in sensit_house.devices(entry)} >= {"Fence ?"}
    for state in sensit_house.states():
        json_bytes(state.as_dict())
    for device in sensit_house.devices(entry):
        json_bytes(device.dict_repr)
    assert mishaps(caplog) == []


async def test_monitors_that_come_and_go_for_ever_are_not_remembered_for_ever(
    sensit_house: SensitHouse, pair: SensitCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.watchpost.vendors.sensit.feed.MAX_KNOWN", 5)
    entry = await sensit_house.sign_in(pair)
    turns = iter(range(5000, 6000))

    def flood(devices: Any) -> Any:
        return [*devices, *(devices[0] | {"uuid": str(next(turns))} for _ in range(2))]

    pair.faults.add(Fault(match=LIST, kind="mutate", mutate=flood))
    await sensit_house.pass_time(900)

    assert next(turns) > 5010
    assert len(entry.runtime_data.connection._feed.states) <= 5 + 4
    assert float(sensit_house.shown(pair, pair.find_monitor("SPOD", 1).uuid, TEMPERATURE).state)


def _record(uuid: str, **fields: Any) -> Callable[[Any], Any]:
    """Have the newest record of a monitor carry these fields."""

    def mutate(devices: Any) -> Any:
        for device in devices:
            if device["uuid"] == uuid:
                device["lastReceivedRecord"] |= fields
        return devices

    return mutate


async def test_a_date_in_the_future_is_stale_in_time_and_does_not_stand_in_the_way_of_the_next(
    sensit_house: SensitHouse, pair: SensitCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sensit_house.sign_in(pair)
    uuid = pair.find_monitor("SPOD").uuid
    future = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    fault = pair.faults.add(
        Fault(match=LIST, kind="mutate", mutate=_record(uuid, date=future, temp=77.0))
    )
    await sensit_house.pass_time(70)
    assert shown_temperature(sensit_house, pair) == "77.0"
    connectivity = (pair, uuid, "connectivity", "binary_sensor")
    assert sensit_house.shown(*connectivity).state == STATE_ON
    await sensit_house.pass_time(400)
    assert shown_temperature(sensit_house, pair) == STATE_UNAVAILABLE
    await sensit_house.pass_time(900)
    assert sensit_house.shown(*connectivity).state == STATE_OFF
    fault.times = 0

    await sensit_house.pass_time(70)

    assert float(shown_temperature(sensit_house, pair)) < 60
    assert_sound(sensit_house, pair, entry, caplog)


async def test_an_older_record_that_arrives_later_does_not_turn_time_back(
    sensit_house: SensitHouse, pair: SensitCloud
) -> None:
    await sensit_house.sign_in(pair)
    await sensit_house.pass_time(130)
    uuid = pair.find_monitor("SPOD").uuid
    before = sensit_house.shown(pair, uuid, "last_measurement").state
    old = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    pair.faults.add(
        Fault(match=LIST, kind="mutate", mutate=_record(uuid, date=old, temp=-55.0), times=1)
    )
    await sensit_house.pass_time(61)
    assert sensit_house.shown(pair, uuid, "last_measurement").state >= before
    assert shown_temperature(sensit_house, pair) != "-55.0"


FAULTS = {
    "html": Fault(match=LIST, kind="not_json"),
    "half": Fault(match=LIST, kind="cut_json"),
    "number": Fault(match=LIST, kind="root", value=7),
    "message": Fault(match=LIST, kind="root", value={"message": "Something went wrong"}),
    "500": Fault(match=LIST, status=500),
    "403": Fault(match=LIST, status=403),
    "drop": Fault(match=LIST, kind="drop"),
    "huge": Fault(match=LIST, kind="huge"),
}


@pytest.mark.parametrize("name", _some(FAULTS))
async def test_a_fault_costs_two_lines_and_no_state_that_is_not_too_old(
    sensit_house: SensitHouse, pair: SensitCloud, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sensit_house.sign_in(pair)
    await sensit_house.pass_time(70)
    devices = len(sensit_house.devices(entry))
    fault = FAULTS[name]
    pair.faults.add(fault)
    while not fault.used:
        await sensit_house.pass_time(10)
    assert float(shown_temperature(sensit_house, pair))
    await sensit_house.pass_time(900)
    assert shown_temperature(sensit_house, pair) == STATE_UNAVAILABLE
    pair.faults.clear()
    await sensit_house.pass_time(1000)

    assert len([line for line in watchpost_lines(caplog) if "outages" in line]) == 2
    assert mishaps(caplog) == []
    assert len(sensit_house.devices(entry)) == devices
    assert float(shown_temperature(sensit_house, pair))


@pytest.mark.parametrize("empty", ["list", "null"])
async def test_an_empty_account_loads_and_shows_what_comes(
    sensit_house: SensitHouse, open_sensit: OpenSensit, empty: str
) -> None:
    cloud = await open_sensit({"empty": empty}, spods=0, fmds=0, ramps=0)
    entry = await sensit_house.sign_in(cloud)
    assert entry.state is ConfigEntryState.LOADED
    assert sensit_house.devices(entry) == []

    cloud.add_monitor("FMD")
    await sensit_house.pass_time(1000)

    assert len(sensit_house.devices(entry)) == 1


async def test_null_in_place_of_the_list_removes_nothing(
    sensit_house: SensitHouse, pair: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(pair)
    pair.faults.add(Fault(match=LIST, kind="root", value=None))
    await sensit_house.pass_time(5000)
    assert len(sensit_house.devices(entry)) == 2


async def test_fields_that_never_end_make_no_more_entities_than_can_be_shown(
    sensit_house: SensitHouse, pair: SensitCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sensit_house.sign_in(pair)
    uuid = pair.find_monitor("SPOD").uuid
    turns = iter(range(1000))

    def flood(devices: Any) -> Any:
        turn = next(turns)
        return _record(uuid, **{f"f{turn}_{n}": n for n in range(100)})(devices)

    pair.faults.add(Fault(match=LIST, kind="mutate", mutate=flood))
    await sensit_house.pass_time(900)

    assert len(entry.runtime_data.inventory.tracker.channels) < 400
    assert_sound(sensit_house, pair, entry, caplog)
    assert entry.runtime_data.inventory_coordinator.rejected["field: too many seen"] > 0


async def test_an_unknown_type_shows_its_values_and_is_not_asked_for_logs(
    sensit_house: SensitHouse, pair: SensitCloud
) -> None:
    pair.find_monitor("SPOD").quirks.add("unknown_type")
    entry = await sensit_house.sign_in(pair)
    await sensit_house.pass_time(130)
    device = next(
        found
        for found in dr.async_entries_for_config_entry(
            dr.async_get(sensit_house.hass), entry.entry_id
        )
        if found.serial_number == pair.find_monitor("SPOD").uuid
    )
    assert device.model == "XPOD"
    assert float(shown_temperature(sensit_house, pair))
    pair.find_monitor("SPOD").last_record = "null"
    await sensit_house.pass_time(1000)
    assert not [record for record in pair.log if "XPOD" in record.path]
    assert shown_temperature(sensit_house, pair) == STATE_UNAVAILABLE


SPOILT = st.lists(
    st.tuples(st.lists(st.integers(0, 40), max_size=5), ANY_JSON), min_size=1, max_size=4
)


async def test_nothing_that_json_can_say_breaks_the_integration(
    sensit_house: SensitHouse, pair: SensitCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sensit_house.sign_in(pair)
    before = {state.entity_id for state in sensit_house.states()}
    devices = len(sensit_house.devices(entry))
    found: list[tuple[Any, Any]] = []

    # Hypothesis cannot drive a coroutine, and time that stands still must not be what it measures.
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), database=None)
    @given(lists=SPOILT, logs=SPOILT)
    def examples(lists: Any, logs: Any) -> None:
        found.append((lists, logs))

    examples()
    for lists, logs in found:
        caplog.clear()
        for path, ways in ((LIST, lists), ("DeviceLog", logs)):
            pair.faults.add(Fault(match=path, kind="mutate", mutate=_spoiler(ways), times=1))
        await sensit_house.pass_time(70)
        pair.faults.clear()
        await sensit_house.pass_time(70)

        tried = json.dumps([lists, logs])
        assert entry.state is ConfigEntryState.LOADED, tried
        assert len(sensit_house.devices(entry)) >= devices, tried
        assert before <= {state.entity_id for state in sensit_house.states()}, tried
        assert mishaps(caplog) == [], tried
    await sensit_house.pass_time(3000)
    assert float(shown_temperature(sensit_house, pair))
