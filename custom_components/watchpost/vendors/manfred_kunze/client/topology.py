"""Devices, components, sensors, sites, groups and profiles: one method per call, in the order of the vendor's text.

The vendor states the paths of the group "Devices & topology"; that GET lists them, and `/{id}` returns one, is
inferred.
"""

from contextlib import suppress
from typing import Final

from ....client.decode import RecordDecoder, Row, identifier
from ....client.errors import PermissionDeniedError, UnexpectedResponseError
from ..models import topology
from ..models.health import Health, health
from ..models.topology import Component, Device, Place, Profile, Sensor
from .api import PlatformApi, PlatformResponse

_DEVICES: Final = "read devices"
_PROFILES: Final = "read profiles"
# Home Assistant caps an entry at 10,000 entities.
MAX_SENSORS: Final = 20_000


class TopologyClient:
    """Devices and components of an organisation. Every method raises a `VendorError`."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api

    async def devices(self) -> PlatformResponse[list[Device]]:
        """List devices: GET /devices."""
        return await self._api.pages("/devices", "device", topology.device, permission=_DEVICES)

    async def device(self, device: str) -> PlatformResponse[Device]:
        """Return one device: GET /devices/{id}."""

        def read(row: Row) -> Device | None:
            found = identifier(row.get("id"))
            return topology.device(found, row) if found is not None else None

        return await self._api.one(f"/devices/{device}", read, permission=_DEVICES)

    async def organisation(self) -> str | None:
        """Return the organisation's id as other records than devices show it; None where none does."""
        for path in ("/sites", "/sensor-profiles"):
            with suppress(PermissionDeniedError, UnexpectedResponseError):
                rows = (await self._api.rows(path, permission=_DEVICES, most=1)).rows
                found = (topology.organisation(row) for row in rows if isinstance(row, dict))
                if (organisation := next(found, None)) is not None:
                    return organisation
        return None

    async def components(self) -> PlatformResponse[list[Component]]:
        """List components: GET /components."""
        return await self._api.pages(
            "/components", "component", topology.component, permission="read components"
        )

    async def sensors(self) -> PlatformResponse[list[Sensor]]:
        """List sensors, at most 20,000: GET /sensors."""
        return await self._api.pages(
            "/sensors", "sensor", topology.sensor, permission="read sensors", most=MAX_SENSORS
        )

    async def device_groups(self) -> PlatformResponse[list[Place]]:
        """List device groups: GET /device-groups."""
        return await self._api.pages(
            "/device-groups", "device group", topology.place, permission="read device groups"
        )

    async def sites(self) -> PlatformResponse[list[Place]]:
        """List sites: GET /sites."""
        return await self._api.pages("/sites", "site", topology.place, permission="read sites")

    async def health(self, device: str) -> PlatformResponse[Health]:
        """Return a device's newest health: GET /devices/{id}/health."""
        reply = await self._api.get(f"/devices/{device}/health", permission="read devices' health")
        return PlatformResponse(health(reply.body), freshness=(reply.freshness,))

    async def sensor_profiles(self) -> PlatformResponse[list[Profile]]:
        """List sensor profiles: GET /sensor-profiles."""
        return await self._profiles("/sensor-profiles", "sensor profile")

    async def device_profiles(self) -> PlatformResponse[list[Profile]]:
        """List device profiles: GET /device-profiles."""
        return await self._profiles("/device-profiles", "device profile")

    async def _profiles(self, path: str, place: str) -> PlatformResponse[list[Profile]]:
        """List profiles; one may come in several versions under the same id."""
        listed = await self._api.rows(path, permission=_PROFILES)
        sieve = RecordDecoder()
        found: dict[tuple[str, str | None], Profile] = {}
        for row in sieve.rows(place, listed.rows):
            if (name := identifier(row.get("id"))) is None:
                sieve.drop(place, "id")
                continue
            one = topology.profile(name, row)
            if found.setdefault((one.id, one.version), one) is not one:
                sieve.drop(place, "duplicate id")
        return PlatformResponse(
            list(found.values()), sieve.rejected, listed.freshness, listed.is_whole
        )
