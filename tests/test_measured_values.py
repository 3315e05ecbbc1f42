"""What is measured, in forms that a vendor may or may not mean: unknown is unknown, and never zero."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from homeassistant.auth.models import User
from homeassistant.const import STATE_UNKNOWN
import pytest

from simulators.faults import Fault
from simulators.mutations import named_mutation
from simulators.sensorist import ApiVariants, SensoristCloud

from .conftest import House, OpenCloud
from .outside import assert_shows_the_truth, download, sensor_id, shown, source_id, until_met

type Change = Callable[[Any], Any]


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=2, sensors=1)


@pytest.mark.parametrize("name", ["nan", "infinity", "numbers_as_text", "null", "words", "list"])
async def test_a_value_that_is_no_number_is_unknown_and_never_zero(
    house: House, cloud: SensoristCloud, name: str
) -> None:
    values = {"numbers_as_text": "NaN", "null": None, "words": "open", "list": [1]}
    mutate = named_mutation(name) if name not in values else _every("value", values[name])
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/measurements", kind="mutate", mutate=mutate))

    await house.pass_time(2000)

    assert set(shown(house, cloud).values()) == {STATE_UNKNOWN}
    cloud.faults.clear()
    await house.pass_time(2000)
    assert_shows_the_truth(house, cloud)


def _every(name: str, value: Any) -> Change:
    """Give a field of every measurement a value."""

    def change(payload: Any) -> Any:
        for row in payload["measurements"].values():
            row[name] = deepcopy(value)
        return payload

    return change


@pytest.mark.parametrize("date", [None, "", "soon", 0, "1969-01-01T00:00:00+0000", {}])
async def test_a_measurement_without_a_date_is_set_aside_and_the_one_before_stands(
    house: House,
    cloud: SensoristCloud,
    hass_client_no_auth: Any,
    hass_admin_user: User,
    date: Any,
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(2000)
    before = shown(house, cloud)
    bad = cloud.faults.add(
        Fault(match="/measurements", kind="mutate", mutate=_every("date", date), times=None)
    )
    await until_met(house, bad)

    assert shown(house, cloud) == before
    told = await download(house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    counted = [feed["records_set_aside"] for feed in told["feeds"] if not feed["has_inventory"]]
    assert {"measurement: date": 4} in counted


@pytest.mark.parametrize("kind", [20, 30])
async def test_a_row_that_no_sensor_measured_is_never_shown(
    house: House, cloud: SensoristCloud, kind: int
) -> None:
    cloud.faults.add(Fault(match="/measurements", kind="mutate", mutate=_every("type", kind)))
    await house.sign_in(cloud)

    await house.pass_time(2000)

    assert set(shown(house, cloud).values()) == {STATE_UNKNOWN}
    last = house.state_of(sensor_id(cloud, cloud.gateways[0].sensors[0], "last_measurement"))
    assert last.state == STATE_UNKNOWN


@pytest.mark.parametrize("kind", [1, 5, 10, 99, None, "1"])
async def test_a_row_of_any_other_type_is_shown(
    house: House, cloud: SensoristCloud, kind: Any
) -> None:
    cloud.faults.add(Fault(match="/measurements", kind="mutate", mutate=_every("type", kind)))
    await house.sign_in(cloud)

    assert_shows_the_truth(house, cloud)


async def test_a_humidity_beyond_the_possible_is_still_what_the_vendor_says(
    house: House, cloud: SensoristCloud
) -> None:
    source = cloud.find_source("humi")
    await house.sign_in(cloud)
    source.override = 104.2

    await house.pass_time(2000)

    assert float(house.state_of(source_id(cloud, source)).state) == 104.2


@pytest.mark.parametrize("form", ["absent", "blank", "null"])
@pytest.mark.parametrize("empty", ["object", "list"])
async def test_a_source_that_never_measured_is_unknown_neither_zero_nor_unavailable(
    house: House, open_cloud: OpenCloud, form: Any, empty: Any
) -> None:
    cloud = await open_cloud(
        gateways=1,
        sensors=1,
        history_days=0,
        variants=ApiVariants(no_data=form, empty_measurements=empty),
    )
    await house.sign_in(cloud)

    assert set(shown(house, cloud).values()) == {STATE_UNKNOWN}
    await house.pass_time(13_000)
    assert_shows_the_truth(house, cloud)
