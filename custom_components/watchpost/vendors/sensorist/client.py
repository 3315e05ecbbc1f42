"""Call the Sensorist REST API 1.15: one method per documented call, in the document's order.

Dates are aware datetimes. Ids are text, as the records have them. Every method raises a
`VendorError`: SignInRejectedError, PermissionDeniedError with the missing permission, RateLimitedError,
UnreachableError or UnexpectedResponseError. An argument that must not be sent raises ValueError before anything is.

Sections 6.1 and 6.2 also describe `DELETE /alarms` and `DELETE /callbacks` without an id, which
delete all there are. Neither is offered here, on purpose, and no argument leads to them.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from ...client.errors import UnexpectedResponseError
from ...client.parsing import parse as parse_body
from ...client.transport import Response, Transport
from ...models import Freshness
from . import models
from .models import (
    Alarm,
    AlarmLog,
    Callback,
    CallbackTypes,
    Decoded,
    Direction,
    EnvelopeError,
    Gateway,
    LatestDecoder,
    Measurement,
    MinMax,
    Rows,
    Sensor,
    User,
    Workflow,
)
from .parameters import (
    Params,
    batched,
    counts,
    date_text,
    decimal,
    deletable,
    joined,
    path_id,
    period,
    sources,
)

_MAX_PAGES = 1_000  # of 5,000 measurements


class Command(StrEnum):
    """A command to a gateway. Section 5.4."""

    REBOOT = "reboot"
    PAIRING_START = "pairing_start"


@dataclass(frozen=True, slots=True)
class SensoristResponse[T]:
    """A parsed response: typed records, the rejected ones, and the freshness."""

    value: T
    rejected: Counter[str]
    freshness: Freshness
    date: datetime | None


class SensoristClient:
    """A client of the vendor's API over one transport; `impersonate` is the user to act for (section 2)."""

    def __init__(self, transport: Transport, *, impersonate: str | None = None) -> None:
        self._transport = transport
        self._common: Params = {} if impersonate is None else {"impersonate": path_id(impersonate)}

    # -- reads, section 4 --

    async def get_user(self) -> SensoristResponse[User]:
        """Return the user that is signed in, or impersonated. Section 4.1."""
        permission = "read the user"
        return _required(await self._read("/users", {}, models.parse_user, permission), "user")

    async def list_users(self) -> SensoristResponse[tuple[User, ...]]:
        """Return all users below this one in the hierarchy. Section 4.1."""
        return await self._read("/users", {"list": "1"}, models.parse_users, "list the users")

    async def list_gateways(
        self,
        *,
        with_slaves: bool = False,
        serials: Sequence[str] = (),
        added_after: datetime | None = None,
    ) -> SensoristResponse[tuple[Gateway, ...]]:
        """Return gateways with their sensors and data sources; without `with_slaves` masters only.

        `serials` and `added_after` (to the account) leave out others. Section 4.2.
        """
        params = {"with_slaves": "1"} if with_slaves else {}
        if serials:
            params["serials"] = joined(serials)
        if added_after is not None:
            params["from"] = date_text(added_after)
        return await self._read("/gateways", params, models.parse_gateways, "read the gateways")

    async def latest(
        self, source_ids: Sequence[str], reader: LatestDecoder | None = None
    ) -> SensoristResponse[dict[str, Measurement]]:
        """Return the newest measurement by source id; a source without data is absent.

        The sources are one of the `batches` of one gateway. With a `reader`, and the ids in a tuple, only
        changes since the last accepted poll. Section 4.3.1.
        """
        params = sources("latest", source_ids)
        parse = partial(reader.read, source_ids) if reader else models.parse_latest
        return await self._measurements(params, parse)

    @staticmethod
    def batches(source_ids: Iterable[str]) -> list[list[str]]:
        """Divide one gateway's sources into the least number of lists that an address can hold.

        The same ids give the same batches, in whatever order and however often they come.
        """
        return batched(source_ids)

    async def min_max(
        self,
        source_ids: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> SensoristResponse[dict[str, MinMax]]:
        """Return the extremes by source id of one gateway's sources. Section 4.3.1.

        The period is a week by default.
        """
        params = sources("min_max", source_ids) | period(start, end)
        return await self._measurements(params, models.parse_min_max)

    async def range(
        self,
        source_ids: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        ticks: int | None = None,
        interval: int | None = None,
    ) -> SensoristResponse[Rows]:
        """Return grouped measurements of one gateway's sources: mean and extremes of each group.

        The groups are `interval` minutes long, or about `ticks` in number, or as the vendor likes.
        The period is a week by default. Section 4.3.1.
        """
        if ticks is not None and interval is not None:
            raise ValueError("either ticks or an interval")
        params = sources("range", source_ids) | period(start, end)
        params |= counts(1, ticks=ticks, interval=interval)
        return await self._measurements(params, models.parse_rows)

    async def raw_page(
        self,
        source_ids: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        seq_from: int | None = None,
        seq_to: int | None = None,
        offset: str | None = None,
    ) -> SensoristResponse[Rows]:
        """Return up to 5,000 measurements of one gateway's sources as they were made.

        They are those of a period (by default a week) or of a span of sequence numbers. `offset` is
        the `next` of the page before. Section 4.3.1.
        """
        params = sources("raw", source_ids) | period(start, end)
        params |= counts(seq_from=seq_from, seq_to=seq_to)
        if offset is not None:
            params["next"] = path_id(offset)
        return await self._measurements(params, models.parse_rows)

    async def raw(
        self,
        source_ids: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        seq_from: int | None = None,
        seq_to: int | None = None,
        max_pages: int = _MAX_PAGES,
    ) -> AsyncIterator[SensoristResponse[Rows]]:
        """Yield the pages of `raw_page`, to the last. Section 4.3.1.

        Raises UnexpectedResponseError if the vendor's `next` leads back, or to more than `max_pages`.
        """
        offset: str | None = None
        passed: set[str] = set()
        while True:
            page = await self.raw_page(
                source_ids, start=start, end=end, seq_from=seq_from, seq_to=seq_to, offset=offset
            )
            yield page
            offset = page.value.next
            if offset is None or not page.value.by_source:
                return
            if offset in passed or len(passed) + 1 >= max_pages:
                raise UnexpectedResponseError("the raw measurements do not come to an end")
            passed.add(offset)

    async def list_alarms(self) -> SensoristResponse[tuple[Alarm, ...]]:
        """Return the alarms with their state and most recent logs. Section 4.4."""
        return await self._read("/alarms", {}, models.parse_alarms, "read the alarms")

    async def alarm_history(
        self,
        alarm_ids: Sequence[str] = (),
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> SensoristResponse[tuple[AlarmLog, ...]]:
        """Return the logs of all alarms or of some, in a period. Section 4.5."""
        params = period(start, end)
        if alarm_ids:
            params["alarms"] = joined(alarm_ids)
        permission = "read the alarm history"
        return await self._read("/alarms/history", params, models.parse_alarm_logs, permission)

    async def list_callbacks(self) -> SensoristResponse[tuple[Callback, ...]]:
        """Return the registered callbacks. Section 4.6."""
        return await self._read("/callbacks", {}, models.parse_callbacks, "read the callbacks")

    async def get_workflow(self, workflow_id: str) -> SensoristResponse[Workflow]:
        """Return the state of a job of the vendor. Section 4.7."""
        path, permission = f"/workflows/{path_id(workflow_id)}", "read the workflow"
        return _required(await self._read(path, {}, models.parse_workflow, permission), "workflow")

    # -- writes, section 5: they return None where the response does not show the result --

    async def create_user(
        self, *, email: str, password: str, first_name: str, last_name: str
    ) -> User | None:
        """Create a user account. Section 5.1."""
        form = {"email": email, "password": password, "fname": first_name, "lname": last_name}
        return await self._write("/users", form, models.parse_user, "create a user")

    async def add_gateway(self, serial: str, name: str | None = None) -> Gateway | None:
        """Associate a gateway with the account. Section 5.2."""
        form = {"serial": path_id(serial)}
        if name is not None:
            form["name"] = name
        return await self._write("/gateways", form, models.parse_gateway, "add a gateway")

    async def rename_gateway(self, gateway_id: str, name: str) -> Gateway | None:
        """Set a gateway's display name. Section 5.3."""
        path, permission = f"/gateways/{path_id(gateway_id)}", "rename the gateway"
        return await self._write(path, {"name": name}, models.parse_gateway, permission)

    async def command_gateway(self, gateway_id: str, command: Command) -> Workflow | None:
        """Send a command to a gateway and return the workflow that runs it. Section 5.4."""
        path, permission = (
            f"/gateways/{path_id(gateway_id)}/commands",
            "send commands to the gateway",
        )
        return await self._write(
            path, {"command": command.value}, models.parse_workflow, permission
        )

    async def update_sensor(
        self, sensor_id: str, *, interval: int | None = None, name: str | None = None
    ) -> tuple[Sensor | None, Workflow | None]:
        """Set a sensor's sampling interval in seconds (a special privilege) and its display name.

        The workflow, if there is one, sends the interval to the sensor. Section 5.5.
        """
        form = counts(1, interval=interval)
        if name is not None:
            form["name"] = name
        if not form:
            raise ValueError("neither an interval nor a name")
        permission = "rename the sensor" if interval is None else "set the sampling interval"
        path = f"/sensors/{path_id(sensor_id)}"
        return await self._write(path, form, models.parse_sensor_update, permission)

    async def create_alarm(
        self, source_id: str, value: float, direction: Direction, *, delay: int | None = None
    ) -> Alarm | None:
        """Create an alarm for a source that is above or below `value` for `delay` minutes.

        `value` is in the source's unit. Section 5.6.
        """
        form = {
            "data_source": path_id(source_id),
            "value": decimal(value),
            "direction": direction.value,
        }
        form |= counts(delay=delay)
        return await self._write("/alarms", form, models.parse_alarm, "create alarms")

    async def create_callback(self, url: str, types: CallbackTypes) -> Callback | None:
        """Register `url` for POST requests at events of `types`. Section 5.7."""
        if not types:
            raise ValueError("no events to notify of")
        form = {"url": url, "type": str(int(types))}
        return await self._write("/callbacks", form, models.parse_callback, "register callbacks")

    # -- deletions, section 6: of one thing each --

    async def delete_alarm(self, alarm_id: str) -> None:
        """Delete one alarm; ValueError for an id that is no number above zero. Section 6.1."""
        await self._delete(f"/alarms/{deletable(alarm_id)}", "delete alarms")

    async def delete_callback(self, callback_id: str) -> None:
        """Delete one callback; ValueError for an id that is no number above zero. Section 6.2."""
        await self._delete(f"/callbacks/{deletable(callback_id)}", "delete callbacks")

    async def _measurements[T](
        self, params: Params, parse: Callable[[bytes], Decoded[T]]
    ) -> SensoristResponse[T]:
        return await self._read("/measurements", params, parse, "read the measurements")

    async def _read[T](
        self, path: str, params: Params, parse: Callable[[bytes], Decoded[T]], permission: str
    ) -> SensoristResponse[T]:
        response = await self._transport.get(path, params | self._common, permission=permission)
        try:
            parsed = await parse_body(parse, response.body)
        except EnvelopeError as error:
            self._transport.forget(path, params | self._common)
            raise self._transport.error_for(error.code, permission) from None
        if not response.reused:
            self._transport.record_accepted(permission)
        return SensoristResponse(parsed.value, parsed.rejected, response.freshness, response.date)

    def check_body(self, body: bytes) -> None:
        """Raise the error in the envelope of a response about the user."""
        try:
            models.parse_nothing(body)
        except EnvelopeError as error:
            raise self._transport.error_for(error.code, "read the user") from None

    async def _write[T](
        self, path: str, form: Params, parse: Callable[[bytes], Decoded[T]], permission: str
    ) -> T:
        response = await self._transport.send(
            "POST", path, form=form | self._common, permission=permission
        )
        return (await self._parsed(response, parse, permission)).value

    async def _delete(self, path: str, permission: str) -> None:
        response = await self._transport.send(
            "DELETE", path, params=self._common, permission=permission
        )
        await self._parsed(response, models.parse_nothing, permission)

    async def _parsed[T](
        self, response: Response, parse: Callable[[bytes], Decoded[T]], permission: str
    ) -> Decoded[T]:
        try:
            parsed = await parse_body(parse, response.body)
        except EnvelopeError as error:
            raise self._transport.error_for(error.code, permission) from None
        self._transport.record_accepted(permission)
        return parsed


def _required[T](response: SensoristResponse[T | None], name: str) -> SensoristResponse[T]:
    if response.value is None:
        raise UnexpectedResponseError(f"the reply holds no {name}")
    return SensoristResponse(response.value, response.rejected, response.freshness, response.date)
