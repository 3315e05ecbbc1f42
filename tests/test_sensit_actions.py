"""SENSIT Connect's actions: records of a period, and the days that there are."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest
import voluptuous as vol

from simulators.faults import Fault
from simulators.sensit import SensitCloud

from .conftest import DOMAIN, START
from .sensit_house import (
    SensitHouse,
    log_requests,
)
from .test_actions import call

HOUR = timedelta(hours=1)


def device(house: SensitHouse, cloud: SensitCloud, uuid: str) -> str:
    identifier = (DOMAIN, f"sensit:{cloud.user.id}:monitor-{uuid}")
    found = dr.async_get(house.hass).async_get_device_by_identifier(
        identifier, house.entries[0].entry_id
    )
    assert found is not None
    return found.id


async def test_the_history_of_a_device_is_what_the_vendor_has_without_its_position(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    await sensit_house.sign_in(sensit)
    spod = sensit.find_monitor("SPOD")
    end = START - HOUR
    start = end - 5 * HOUR

    response = await call(
        sensit_house,
        "get_history",
        device_id=device(sensit_house, sensit, spod.uuid),
        start=start,
        end=end,
    )

    (history,) = response["histories"]
    truth = sensit.records(spod.uuid, start, end)
    assert [row["time"] for row in history["records"]] == [row["date"] for row in truth]
    for row, sent in zip(history["records"], truth, strict=True):
        assert row["values"]["pid1_PPB_Calc"] == sent["values"]["pid1_PPB_Calc"]
        assert not {"lat", "long"} & row["values"].keys()
    assert (history["device"], history["type"], history["truncated"]) == (spod.name, "SPOD", False)
    assert history["units"]["pid1_PPB_Calc"] == "ppb"
    assert history["units"]["trig.trig_activeFlag"] is None
    assert len(log_requests(sensit)) - 1 <= 3


async def test_the_history_of_entities_has_their_values_alone(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    await sensit_house.sign_in(sensit)
    fmd, ramp = sensit.find_monitor("FMD").uuid, sensit.find_monitor("RAMP").uuid
    entities = [
        sensit_house.shown(sensit, uuid, f"field-{path}").entity_id
        for uuid, path in ((fmd, "WD"), (fmd, "CH4"), (ramp, "O3"))
    ]

    response = await call(sensit_house, "get_history", entity_id=entities)

    first, second = response["histories"]
    assert first["units"] == {"CH4": "ppm", "WD": "°"}
    assert second["units"] == {"O3": "ppb"}
    truth = sensit.records(fmd, START - 2 * HOUR, START)
    assert len(first["records"]) == len(truth) > 100
    for row, sent in zip(first["records"], truth, strict=True):
        direction = sent["values"]["WD"]
        assert row["values"]["WD"] == (direction if direction <= 360 else None)


async def test_the_canister_is_in_the_history_too(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    await sensit_house.sign_in(sensit)
    uuid = sensit.find_monitor("SPOD").uuid
    entity_id = sensit_house.shown(sensit, uuid, "canister", "binary_sensor").entity_id
    (history,) = (await call(sensit_house, "get_history", entity_id=[entity_id]))["histories"]
    assert {path for row in history["records"] for path in row["values"]} == {
        "trig.trig_activeFlag"
    }


@pytest.mark.parametrize("dates", ["bare", "data"])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
async def test_the_days_with_data_are_those_of_the_time_zone(
    sensit_house: SensitHouse, sensit: SensitCloud, zone: str | None, dates: Any
) -> None:
    sensit.config.variants.dates = dates
    await sensit_house.sign_in(sensit)
    uuid = sensit.find_monitor("RAMP").uuid
    fields = {"time_zone": zone} if zone else {}

    response = await call(
        sensit_house, "get_available_dates", device_id=device(sensit_house, sensit, uuid), **fields
    )

    assert response["time_zone"] == (zone or sensit_house.hass.config.time_zone)
    days = response["dates"]
    assert [day["date"] for day in days] == sorted(day["date"] for day in days)
    assert sum(day["records"] for day in days) == len(
        sensit.records(uuid, START - timedelta(days=9), START + HOUR)
    )
    (asked,) = [record for record in sensit.log if "AvailableDates" in record.path]
    assert asked.form == {
        "DeviceId": uuid,
        "DeviceType": "RAMP",
        "Timezone": response["time_zone"],
    }


async def test_wrong_use_is_said(sensit_house: SensitHouse, sensit: SensitCloud) -> None:
    entry = await sensit_house.sign_in(sensit)
    uuid = sensit.find_monitor("SPOD").uuid
    monitor = device(sensit_house, sensit, uuid)
    status = sensit_house.shown(sensit, uuid, "status").entity_id

    for key, fields in (
        ("unsuitable_field", {"device_id": monitor, "start": START - timedelta(days=8)}),
        ("unsuitable_field", {"device_id": monitor, "start": START + HOUR, "end": START + 2 * HOUR}),
        ("unsuitable_field", {"entity_id": [status]}),
        ("unsuitable_field", {"config_entry_id": entry.entry_id}),
        ("contradicting_field", {"device_id": monitor, "start": START, "end": START - HOUR}),
    ):  # fmt: skip
        with pytest.raises(ServiceValidationError) as caught:
            await call(sensit_house, "get_history", **fields)
        assert caught.value.translation_key == key, fields
    with pytest.raises(vol.Invalid):
        await call(sensit_house, "get_available_dates", device_id=monitor, time_zone="Mars/North")
    with pytest.raises(ServiceValidationError) as caught:
        await call(sensit_house, "create_alarm", entity_id=status, value=1, direction="above")
    assert caught.value.translation_key == "not_offered"


async def test_a_monitor_of_an_unknown_type_has_no_history(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    spod = sensit.find_monitor("SPOD")
    spod.quirks.add("unknown_type")
    await sensit_house.sign_in(sensit)
    for action in ("get_history", "get_available_dates"):
        with pytest.raises(ServiceValidationError) as caught:
            await call(sensit_house, action, device_id=device(sensit_house, sensit, spod.uuid))
        assert caught.value.translation_key == "unsuitable_field"


async def test_what_the_vendor_cannot_serve_is_said_and_nothing_is_lost(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    await sensit_house.sign_in(sensit)
    monitor = device(sensit_house, sensit, sensit.find_monitor("FMD").uuid)
    for fault, key in (
        (Fault(match="DeviceLog", status=500, times=1), "cannot_connect"),
        (Fault(match="DeviceLog", status=403, times=1), "not_allowed"),
        (Fault(match="DeviceLog", kind="not_json", times=1), "unexpected_reply"),
    ):
        sensit.faults.add(fault)
        with pytest.raises(HomeAssistantError) as caught:
            await call(sensit_house, "get_history", device_id=monitor)
        assert caught.value.translation_key == key


async def test_a_history_is_cut_where_it_is_too_long(
    sensit_house: SensitHouse, sensit: SensitCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.watchpost.vendors.sensit.actions.MAX_RECORDS", 50)
    await sensit_house.sign_in(sensit)
    monitor = device(sensit_house, sensit, sensit.find_monitor("FMD").uuid)
    sensit.log.clear()
    day = {"start": datetime.now(UTC) - timedelta(days=1), "end": datetime.now(UTC)}
    (history,) = (await call(sensit_house, "get_history", device_id=monitor, **day))["histories"]
    assert (len(history["records"]), history["truncated"]) == (50, True)
    # What would be cut off is not asked for.
    assert len(log_requests(sensit)) == 1
    assert datetime.fromisoformat(history["records"][0]["time"]).tzinfo is not None
