"""What is made of the history of a direction, whose mean is no sum that is divided."""

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from homeassistant.components.sensor import SensorEntityDescription
import pytest

from custom_components.watchpost.models import Channel, Hour
from custom_components.watchpost.vendors.manfred_kunze.client.api import PlatformResponse
from custom_components.watchpost.vendors.manfred_kunze.history import channel_history
from custom_components.watchpost.vendors.manfred_kunze.models.readings import Bucket, Reading
from custom_components.watchpost.vendors.manfred_kunze.units import unit_info

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Client:
    """A deployment that divides sums, also those of directions: 340 and 40 are 190 on the average."""

    async def aggregated(self, *of: Any) -> PlatformResponse[list[Bucket]]:
        return PlatformResponse([Bucket(NOON, 190.0, 40.0, 340.0)])

    async def raw(self, *of: Any) -> PlatformResponse[list[Reading]]:
        told = ((0, 340.0), (30, 40.0), (60, 90.0), (90, 270.0))
        return PlatformResponse(
            [Reading(NOON + timedelta(minutes=at), value) for at, value in told]
        )


async def hours(unit: str, name: str) -> list[Hour]:
    description = SensorEntityDescription(
        key="number", state_class=unit_info(unit, name).state_class
    )
    channel = Channel("device-d1", "sensor-s1", description, "readings")
    found = await channel_history(
        Client(),
        [channel],
        is_possible=lambda _: isfinite,
        start=NOON,
        end=NOON + 2 * HOUR,
    )
    return list(found.get(channel.id, ()))


async def test_the_mean_of_directions_lies_between_them() -> None:
    (only,) = await hours("°", "wind direction")  # in the other hour they cancel each other out
    assert only.start == NOON
    assert only.mean == pytest.approx(10)
    assert (only.min, only.max) == (40, 340)


async def test_any_other_mean_is_taken_as_it_comes() -> None:
    assert [hour.mean for hour in await hours("°C", "temperature")] == [190]
