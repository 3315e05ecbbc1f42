"""Call SENSIT Connect's API: one method per documented call, in the document's order.

Dates are aware datetimes. Every method raises a `VendorError`: SignInRejectedError, PermissionDeniedError with the
missing permission, RateLimitedError, UnreachableError or UnexpectedResponseError.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...client.decode import Decoded
from ...client.parsing import parse
from ...client.transport import Transport
from ...models import Freshness
from .dates import format_date
from .interval import MIN_INTERVAL
from .models import (
    AvailableDay,
    Kind,
    Monitor,
    Record,
    UserSession,
    parse_days,
    parse_monitors,
    parse_records,
)
from .sign_in import SensitSignIn

ALL: Final = "ALL"

_MONITORS: Final = "/clients/getDevicesFromDeviceTypeAndRole"

# The longest period of one log request.
WINDOW: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class MonitorList:
    """The monitors of an account, the rejected records and the freshness of the list."""

    monitors: tuple[Monitor, ...]
    rejected: Counter[str]
    freshness: Freshness


class SensitClient:
    """A client of the vendor's API over one transport that signs in with `sign_in`."""

    def __init__(self, transport: Transport, sign_in: SensitSignIn) -> None:
        self._transport = transport
        self._sign_in = sign_in
        transport.probe_requests = lambda: [(_MONITORS, self._params(sign_in.user_session))]

    async def sign_in(self) -> UserSession:
        """Sign in with the credentials, even if a token is stored. "Logging in/authentication"."""
        return await self._sign_in.sign_in()

    async def list_monitors(self, kind: Kind | None = None) -> MonitorList:
        """Return the monitors that the user may see, of one type or all. "Getting devices".

        The response is reused for at least a minute.
        """
        user = await self._sign_in.current_session()
        response = await self._transport.get(
            _MONITORS,
            self._params(user, kind),
            permission="list the monitors",
            default_lifetime=MIN_INTERVAL.total_seconds(),
        )
        parsed = await parse(parse_monitors, response.body)
        return MonitorList(parsed.value, parsed.rejected, response.freshness)

    @staticmethod
    def _params(user: UserSession | None, kind: Kind | None = None) -> dict[str, str]:
        params: dict[str, str] = {"DeviceType": kind or ALL}
        return params | ({"Role": user.role, "UserId": user.user} if user else {})

    async def log(
        self, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        """Return a monitor's records of at most two hours, in the vendor's order. "Getting historical data".

        The table of the document names the field DeviceID, all its examples DeviceId.
        """
        if end - start > WINDOW:
            raise ValueError("a log holds two hours")
        path = f"/sensors-data/get{kind.value}DeviceLogForGivenHour"
        return await self._fetch_records(path, kind, uuid, start, end)

    async def ramp_log_between(
        self, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        """Return a RAMP's records of a period of any length; not documented, but used by published programs."""
        path = "/sensors-data/getRAMPDeviceLogBetweenTimePeriod"
        return await self._fetch_records(path, Kind.RAMP, uuid, start, end)

    async def available_days(
        self, kind: Kind, uuid: str, time_zone: str
    ) -> Decoded[tuple[AvailableDay, ...]]:
        """Return the days for which a monitor has data; a day begins at midnight in `time_zone` (IANA).

        "Get dates with available data".
        """
        body = {"DeviceId": uuid, "DeviceType": kind.value, "Timezone": time_zone}
        path = f"/sensors-data/get{kind.value}DataAvailableDates"
        response = await self._transport.send(
            "POST", path, json=body, permission="see which days have data"
        )
        return parse_days(response.body)

    async def _fetch_records(
        self, path: str, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        body = {
            "DeviceId": uuid,
            "DeviceType": kind.value,
            "StartDate": format_date(start),
            "EndDate": format_date(end),
        }
        response = await self._transport.send("POST", path, json=body, permission="read the logs")
        return await parse(parse_records, response.body)
