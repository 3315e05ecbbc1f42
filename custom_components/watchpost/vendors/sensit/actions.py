"""Run SENSIT Connect's actions; a ValueError holds the name of the invalid field."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...contract.actions import PERIOD, Permission, ServiceAction, TargetKind, wrong_period
from ...contract.vendor import ActionCall, ActionHandler
from ...models import Channel
from .client import WINDOW, SensitClient
from .entities import device_id, path_of
from .events import CANISTER
from .history import LogReader
from .models import TRIGGER, Kind, Monitor, Record, Value
from .sensors import POSITION, field_description, is_number, to_measurement

TIME_ZONE: Final = "time_zone"

# A week of a monitor is 84 requests; of one a minute it has 10,080 records.
MAX_PERIOD: Final = timedelta(days=7)
MAX_RECORDS: Final = 20_000
MAX_MONITORS: Final = 10

ACTIONS: Final = (
    ServiceAction(
        "get_history", TargetKind.ANY, Permission.READ, PERIOD, is_read=True, check=wrong_period
    ),
    ServiceAction(
        "get_available_dates",
        TargetKind.DEVICE,
        Permission.READ,
        {vol.Optional(TIME_ZONE): cv.time_zone},
        is_read=True,
    ),
)


class SensitActions:
    """The actions of one account; `monitors` returns the monitors that have devices."""

    def __init__(
        self, client: SensitClient, logs: LogReader, monitors: Callable[[], Mapping[str, Monitor]]
    ) -> None:
        self._client = client
        self._logs = logs
        self._monitors = monitors
        self.handlers: Mapping[str, ActionHandler] = {
            "get_history": self._get_history,
            "get_available_dates": self._get_available_dates,
        }

    async def _get_history(self, call: ActionCall) -> Mapping[str, Any]:
        """Return the records of one device, or the values of single entities."""
        start, end = _period(call.fields)
        histories = []
        left = MAX_RECORDS
        for device, paths in self._requested_paths(call).items():
            monitor, kind = self._monitor(device, "device_id" if paths is None else "entity_id")
            records = (await self._logs.read(kind, monitor.uuid, start, end, left)).value
            histories.append(
                _history(monitor, records[:left], paths, is_truncated=len(records) > left)
            )
            left -= min(len(records), left)
        return {"histories": histories}

    @staticmethod
    def _requested_paths(call: ActionCall) -> dict[str, list[str] | None]:
        """Return the devices of a call, each with its paths, or None for all paths."""
        if call.device is not None:
            return {call.device: None}
        channels: Collection[Channel] = call.fields.get("channels", ())
        if not channels:
            raise ValueError("config_entry_id")
        paths: dict[str, list[str]] = {}
        for channel in channels:
            path = TRIGGER if channel.key == CANISTER else path_of(channel.key)
            if path is None:
                raise ValueError("entity_id")
            paths.setdefault(channel.device, []).append(path)
        if len(paths) > MAX_MONITORS:
            raise ValueError("entity_id")
        return {**paths}

    async def _get_available_dates(self, call: ActionCall) -> Mapping[str, Any]:
        monitor, kind = self._monitor(call.device or "", "device_id")
        zone = call.fields.get(TIME_ZONE) or str(dt_util.get_default_time_zone())
        days = (await self._client.available_days(kind, monitor.uuid, zone)).value
        return {
            "time_zone": zone,
            "dates": [
                {
                    "date": day.day.isoformat(),
                    "records": day.count,
                    "last_record": day.last.isoformat() if day.last else None,
                }
                for day in days
            ],
        }

    def _monitor(self, device: str, field: str) -> tuple[Monitor, Kind]:
        """Return a monitor that has logs; raises ValueError for any other."""
        for uuid, monitor in self._monitors().items():
            if device_id(uuid) == device and monitor.kind is not None:
                return monitor, monitor.kind
        raise ValueError(field)


def _period(fields: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return the period, the last two hours by default; raises ValueError if it is empty or too long."""
    end: datetime = min(fields.get("end") or dt_util.utcnow(), dt_util.utcnow())
    start: datetime = fields.get("start") or end - WINDOW
    if start >= end or end - start > MAX_PERIOD:
        raise ValueError("start")
    return start, end


def _history(
    monitor: Monitor, records: Iterable[Record], paths: list[str] | None, *, is_truncated: bool
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    seen: dict[str, Value] = {}
    for record in records:
        values = {
            path: _value(path, value)
            for path, value in record.values.items()
            if (path not in POSITION if paths is None else path in paths)
        }
        seen |= values
        rows.append({"time": record.date.astimezone(UTC).isoformat(), "values": values})
    return {
        "device": monitor.name or monitor.uuid,
        "type": monitor.type,
        "units": {
            path: field_description(path).entity.native_unit_of_measurement
            for path, value in seen.items()
        },
        "records": rows,
        "truncated": is_truncated,
    }


def _value(path: str, value: Value) -> Value:
    return to_measurement(path, value) if is_number(path) else value
