"""What cannot be true is unknown in Home Assistant, whichever vendor says it, and counted in diagnostics."""

from collections.abc import Callable
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.auth.models import User
from homeassistant.const import STATE_UNKNOWN
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensit import SensitCloud
from simulators.sensorist import SensoristCloud

from .calling import door_fixture  # noqa: F401
from .conftest import House, OpenCloud
from .mk_house import MkHouse
from .outside import assert_shows_the_truth, download, source_id
from .sensit_house import LIST, OpenSensit, SensitHouse
from .watching import OpenVizio, arrive, state
from .watching import sign_in as sign_in_vizio
from .zone import OpenZone, open_zone_fixture, unique  # noqa: F401
from .zone import sign_in as sign_in_zone


async def rejected(
    house: House, hass_client_no_auth: Any, admin: User, entry_id: str
) -> dict[str, int]:
    """What diagnostics say was rejected in live readings."""
    found = await download(house, hass_client_no_auth, admin, entry_id)
    counted: dict[str, int] = found["values_rejected"]["live"]
    return counted


@pytest.mark.parametrize("fahrenheit", [False, True])
@pytest.mark.parametrize("value", [-999, 850, 6553.5, 3276.7, -3276.8, 1e30])
async def test_an_error_code_of_a_sensorist_sensor_is_unknown_until_it_measures_again(
    house: House,
    open_cloud: OpenCloud,
    hass_client_no_auth: Any,
    hass_admin_user: User,
    value: float,
    fahrenheit: bool,
) -> None:
    cloud: SensoristCloud = await open_cloud(
        gateways=1, sensors=1, kinds=("temp", "humi"), temp_unit="F" if fahrenheit else "C"
    )
    entry = await house.sign_in(cloud)
    temperature, humidity = cloud.find_source("temp"), cloud.find_source("humi")
    temperature.override = value * 1.8 + 32 if fahrenheit else value
    humidity.override = value

    await house.pass_time(2000)

    for source in (temperature, humidity):
        assert house.state_of(source_id(cloud, source)).state == STATE_UNKNOWN
    counted = await rejected(house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    assert {place.split(":")[0] for place in counted} == {"temperature", "humidity"}
    for source in (temperature, humidity):
        source.override = 21.5
    await house.pass_time(2000)
    for source in (temperature, humidity):
        assert house.state_of(source_id(cloud, source)).state != STATE_UNKNOWN
    assert_shows_the_truth(house, cloud)


@pytest.mark.parametrize(
    ("path", "sent", "shown"),
    [
        ("temp", 850, None),
        ("temp", 6553.5, None),
        ("rh_Humd", 6553.5, None),
        ("pid1_PPB_Calc", -999, None),
        ("pid1_PPB_Calc", 1e30, None),
        ("pid1_PPB_Calc", -12.5, -12.5),
        ("pressure_mbar", 99_999, None),
        ("batt_voltage", -1, None),
        ("ws_speed", 375, None),
        ("ws_direction", 361, None),
        ("ws_direction", 375, None),
    ],
)
async def test_what_sensits_monitors_cannot_measure_is_unknown(
    sensit_house: SensitHouse,
    open_sensit: OpenSensit,
    hass_client_no_auth: Any,
    hass_admin_user: User,
    path: str,
    sent: float,
    shown: float | None,
) -> None:
    cloud: SensitCloud = await open_sensit(spods=1, fmds=0, ramps=0)
    entry = await sensit_house.sign_in(cloud)
    uuid = cloud.find_monitor("SPOD").uuid

    def change(payload: Any) -> Any:
        payload[0]["lastReceivedRecord"][path] = sent
        return payload

    cloud.faults.add(Fault(match=LIST, kind="mutate", mutate=change, times=None))
    await sensit_house.pass_time(130)

    found = sensit_house.shown(cloud, uuid, f"field-{path}").state
    assert (None if found == STATE_UNKNOWN else float(found)) == shown
    counted = await rejected(sensit_house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    is_calm = path == "ws_direction" and sent == 375
    assert bool(counted) is (shown is None and not is_calm)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1_200.0, 1_200.0), (-48.0, -48.0), (-999.0, None), (1e30, None), (6553.5, None)],
)
async def test_the_platforms_hardware_may_be_a_furnace_and_nothing_is_below_absolute_zero(
    mk_house: MkHouse, mk: ManfredKunzeCloud, value: float, shown: float | None
) -> None:
    # Without the range that the simulated profile declares.
    mk.faults.add(Fault(match="/sensor-profiles", kind="mutate", mutate=_undeclared, times=None))
    await mk_house.sign_in(mk)
    sensor = mk.sensor("temperature")
    mk.hold(sensor, value)

    await mk_house.pass_time(130)

    found = mk_house.sensor(sensor).state
    assert (None if found == STATE_UNKNOWN else float(found)) == shown


async def test_a_value_outside_the_range_that_its_profile_declares_is_unknown(
    mk_house: MkHouse, mk: ManfredKunzeCloud, hass_client_no_auth: Any, hass_admin_user: User
) -> None:
    entry = await mk_house.sign_in(mk)
    sensor = mk.sensor("temperature")
    mk.hold(sensor, 86.0)

    await mk_house.pass_time(130)

    assert mk_house.sensor(sensor).state == STATE_UNKNOWN
    counted = await rejected(mk_house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    assert counted.keys() == {"temperature: outside the declared range"}


def _undeclared(payload: Any) -> Any:
    """Leave the declared ranges out of profiles."""
    if isinstance(payload, dict):
        return {
            name: _undeclared(held)
            for name, held in payload.items()
            if name not in ("range", "min", "max", "minimum", "maximum")
        }
    return [_undeclared(row) for row in payload] if isinstance(payload, list) else payload


def _battery(level: float) -> Callable[[Any], Any]:
    def change(payload: Any) -> Any:
        if isinstance(payload, dict):
            return {
                name: level if name == "battery_level" else change(held)
                for name, held in payload.items()
            }
        return [change(row) for row in payload] if isinstance(payload, list) else payload

    return change


@pytest.mark.parametrize("level", [255, -1, 6553.5])
async def test_a_battery_of_a_sensorzone_tag_beyond_full_is_unknown(
    house: House, open_zone: OpenZone, level: float
) -> None:
    zone = await open_zone()
    zone.config.variants.battery = "percent"
    zone.faults.add(Fault(kind="mutate", mutate=_battery(level), times=None))
    await sign_in_zone(house, zone, people=True)
    await house.pass_time(30)

    batteries = [
        found
        for found in house.states("sensor")
        if found.attributes.get("device_class") == "battery"
    ]
    assert batteries
    assert {found.state for found in batteries} == {STATE_UNKNOWN}


@pytest.mark.usefixtures("views")
async def test_a_crowd_that_cannot_be_is_unknown_and_the_next_message_is_shown(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCW",))
    entry = await sign_in_vizio(house, vizio)
    device = vizio.devices[0]
    area = device.areas[0].id

    async def tell(count: float, density: float) -> tuple[str, str]:
        await house.pass_time(31)
        row = {"id": area, "name": "Hall", "count": count, "density": density}
        vizio.forge(vizio.message(device, [row]))
        await arrive(house, vizio)
        keys = (f"vcw-{area}-count", f"vcw-{area}-density")
        return tuple(state(house, entry, device, key) for key in keys)

    assert await tell(42, 0.8) == ("42", "0.8")
    assert await tell(-5, -1) == (STATE_UNKNOWN, STATE_UNKNOWN)
    assert await tell(7e8, 6553.5) == (STATE_UNKNOWN, STATE_UNKNOWN)
    assert await tell(3, 0.1) == ("3", "0.1")
