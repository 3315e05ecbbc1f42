"""SENSIT Connect's API: one method per documented call, in the document's order.

Dates are aware datetimes. Every method raises a `VendorError`: SignInRejectedError, PermissionDeniedError with the
right that is lacking, RateLimitedError, UnreachableError or UnexpectedResponseError.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...client.decode import Decoded
from ...client.parsing import parse
from ...client.transport import Transport
from ...models import Freshness
from .dates import written
from .interval import LEAST
from .models import (
    AvailableDay,
    Kind,
    Monitor,
    Record,
    Signed,
    parse_days,
    parse_monitors,
    parse_records,
)
from .sign_in import SensitSignIn

ALL: Final = "ALL"

_MONITORS: Final = "/clients/getDevicesFromDeviceTypeAndRole"

# So much does one POST return at most.
WINDOW: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Listed:
    """The monitors of an account, what was set aside, and until when the list is current."""

    monitors: tuple[Monitor, ...]
    rejected: Counter[str]
    freshness: Freshness


class SensitClient:
    """The vendor's calls over one transport that signs in with `sign_in`."""

    def __init__(self, transport: Transport, sign_in: SensitSignIn) -> None:
        self._transport = transport
        self._sign_in = sign_in
        transport.probe_requests = lambda: [(_MONITORS, self._params(sign_in.signed))]

    async def sign_in(self) -> Signed:
        """Sign in with the credentials, whatever token is held. "Logging in/authentication"."""
        return await self._sign_in.anew()

    async def list_monitors(self, kind: Kind | None = None) -> Listed:
        """Return the monitors that the user may see, of one type or all. "Getting devices".

        A list is not asked for again within a minute, whoever asks.
        """
        signed = await self._sign_in.current()
        reply = await self._transport.get(
            _MONITORS,
            self._params(signed, kind),
            permission="list the monitors",
            default_lifetime=LEAST.total_seconds(),
        )
        parsed = await parse(parse_monitors, reply.body)
        return Listed(parsed.value, parsed.rejected, reply.freshness)

    @staticmethod
    def _params(signed: Signed | None, kind: Kind | None = None) -> dict[str, str]:
        params: dict[str, str] = {"DeviceType": kind or ALL}
        return params | ({"Role": signed.role, "UserId": signed.user} if signed else {})

    async def log(
        self, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        """Return a monitor's records of at most two hours, in the vendor's order. "Getting historical data".

        The table of the document calls the field DeviceID, all its examples DeviceId.
        """
        if end - start > WINDOW:
            raise ValueError("a log holds two hours")
        path = f"/sensors-data/get{kind.value}DeviceLogForGivenHour"
        return await self._records(path, kind, uuid, start, end)

    async def ramp_log_between(
        self, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        """Return a RAMP's records of a period; not in the document, but in use by others."""
        path = "/sensors-data/getRAMPDeviceLogBetweenTimePeriod"
        return await self._records(path, Kind.RAMP, uuid, start, end)

    async def available_days(
        self, kind: Kind, uuid: str, time_zone: str
    ) -> Decoded[tuple[AvailableDay, ...]]:
        """Return the days that a monitor has data of; `time_zone` (IANA) says where a day begins.

        "Get dates with available data".
        """
        body = {"DeviceId": uuid, "DeviceType": kind.value, "Timezone": time_zone}
        path = f"/sensors-data/get{kind.value}DataAvailableDates"
        reply = await self._transport.send(
            "POST", path, json=body, permission="see which days have data"
        )
        return parse_days(reply.body)

    async def _records(
        self, path: str, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        body = {
            "DeviceId": uuid,
            "DeviceType": kind.value,
            "StartDate": written(start),
            "EndDate": written(end),
        }
        reply = await self._transport.send("POST", path, json=body, permission="read the logs")
        return await parse(parse_records, reply.body)
