"""What of devices' health and of rejected payloads is told by some records alone."""

from collections import Counter
from typing import Any

from custom_components.watchpost.models import ChannelId, Freshness
from custom_components.watchpost.vendors.manfred_kunze.client.api import PlatformResponse
from custom_components.watchpost.vendors.manfred_kunze.client.pagination import is_full
from custom_components.watchpost.vendors.manfred_kunze.device_management import QuarantineFeature
from custom_components.watchpost.vendors.manfred_kunze.health import HealthFeature
from custom_components.watchpost.vendors.manfred_kunze.inventory import OrganisationInventory
from custom_components.watchpost.vendors.manfred_kunze.models.device_management import (
    Quarantined,
    Rejection,
)
from custom_components.watchpost.vendors.manfred_kunze.models.health import Health, Vital
from custom_components.watchpost.vendors.manfred_kunze.models.topology import Device


class Devices:
    """Devices of which the last alone tells how strong its signal is."""

    async def health(self, device: str) -> PlatformResponse[Health]:
        vitals: dict[Vital, float | str | None] = {Vital.UPTIME: 5.0}
        if device == "d9":
            vitals[Vital.SIGNAL_STRENGTH] = -70.0
        return PlatformResponse(Health(None, vitals), freshness=(Freshness(0.0, 0.0),))


async def test_what_a_later_device_tells_of_itself_is_offered_too() -> None:
    inventory_tree = OrganisationInventory()
    inventory_tree.devices = {name: Device(name) for name in ("d1", "d2", "d3", "d9")}
    kept: list[bool] = []
    part = HealthFeature(Devices(), inventory_tree, lambda: 1000.0, lambda: kept.append(True))
    assert {channel.key for channel in (await part.discover()).channels} == {"uptime"}
    signal = ChannelId("device-d9", "signal_strength")
    update = await part._fetch(frozenset({ChannelId("device-d9", "uptime")}))
    assert update.readings[signal].value == -70
    assert {channel.key for channel in (await part.discover()).channels} == {
        "uptime",
        "signal_strength",
    }
    assert len(kept) == 2


async def test_a_rejected_payload_that_cannot_be_read_is_counted_all_the_same() -> None:
    class Operations:
        async def quarantine(self) -> PlatformResponse[Any]:
            read = [Quarantined("1", Rejection.OUT_OF_RANGE)]
            aside = Counter(
                {"quarantined payload: id": 3, "quarantined payload: more than are read": 1}
            )
            return PlatformResponse(read, aside, is_whole=False)

    found = await QuarantineFeature(Operations()).discover()
    (reading,) = found.readings.values()
    assert reading.value == 4
    assert reading.attributes == {"out_of_range": 1, "other": 3, "at_least": True}


def test_a_page_that_may_have_been_capped_may_be_followed_by_another() -> None:
    assert [count for count in (8, 16, 24, 33, 50, 64, 128) if is_full(count, 500)] == [
        16,
        50,
        64,
        128,
    ]
