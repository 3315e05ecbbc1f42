"""Desired-state bindings, config artefacts, quarantine and firmware: what tells how an organisation's devices are run.

The vendor states the paths; of bindings (Configure remotely) and quarantined payloads (Export data) also what they
hold, of firmware nothing.
"""

from typing import Final

from ..models import device_management as records
from ..models.device_management import Binding, Firmware, Quarantined
from ..models.topology import Place, place
from .api import PlatformApi, PlatformResponse

# More than that are counted as "at least".
MAX_QUARANTINED: Final = 2_000


class OperationsClient:
    """Reads of these groups. Every method raises a `VendorError`."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api

    async def bindings(self) -> PlatformResponse[list[Binding]]:
        """List which configuration is wanted where, and what was reported of it: GET /desired-state-bindings."""
        return await self._api.pages(
            "/desired-state-bindings",
            "binding",
            records.binding,
            permission="read desired-state bindings",
        )

    async def artefacts(self) -> PlatformResponse[list[Place]]:
        """List configurations by their names: GET /config-artefacts."""
        return await self._api.pages(
            "/config-artefacts", "config artefact", place, permission="read config artefacts"
        )

    async def quarantine(self) -> PlatformResponse[list[Quarantined]]:
        """List rejected payloads: GET /admin/quarantine."""
        return await self._api.pages(
            "/admin/quarantine",
            "quarantined payload",
            records.quarantined,
            permission="read quarantined payloads",
            most=MAX_QUARANTINED,
        )

    async def firmware(self) -> PlatformResponse[list[Firmware]]:
        """List firmware artefacts: GET /firmware."""
        return await self._api.pages(
            "/firmware", "firmware", records.firmware, permission="read firmware"
        )
