"""Run Sensorist's actions; a ValueError holds the name of the invalid field."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from homeassistant.components.sensor import SensorEntityDescription
from homeassistant.const import ATTR_NAME, CONF_EMAIL, CONF_PASSWORD, CONF_TYPE
from homeassistant.helpers import config_validation as cv
import voluptuous as vol
from yarl import URL

from ...contract.actions import PERIOD, TEXT, Permission, ServiceAction, TargetKind, wrong_period
from ...contract.vendor import ActionCall, ActionHandler
from ...models import Channel, ChannelId, FeedUpdate
from .client import SensoristClient
from .entities import gateway_id, sensor_id, source_key
from .events import alarm_key
from .models import (
    BLANK,
    BUTTON,
    GROUPED,
    INTERPOLATED,
    REGULAR,
    Alarm,
    AlarmLog,
    Callback,
    CallbackTypes,
    Direction,
    Gateway,
    Measurement,
)

TICKS: Final = "ticks"
INTERVAL: Final = "interval"
RANGE: Final = "range"

# The longest delay of an alarm, in minutes.
_MAX_DELAY: Final = 7 * 24 * 60
_COUNT: Final = vol.All(vol.Coerce(int), vol.Range(min=1, max=100_000))

# The most raw measurements that one call returns, in rows and in requests.
MAX_ROWS: Final = 100_000
MAX_PAGES: Final = 100

# The vendor's default if one limit of a period is missing (section 4.3).
_WEEK: Final = timedelta(days=7)

_ORIGINS: Final = {
    REGULAR: "regular",
    BUTTON: "button",
    GROUPED: "grouped",
    INTERPOLATED: "interpolated",
}
_EVENTS: Final = {
    CallbackTypes.BUTTON: "button",
    CallbackTypes.ALARM: "alarm",
    CallbackTypes.SYSTEM: "system",
}


def _wrong_grouping(fields: Mapping[str, Any]) -> str | None:
    """Return the grouping field that contradicts the type, the other one or the period."""
    if TICKS in fields and INTERVAL in fields:
        return INTERVAL
    if fields[CONF_TYPE] != RANGE and (given := {TICKS, INTERVAL} & fields.keys()):
        return given.pop()
    return wrong_period(fields)


ACTIONS: Final = (
    ServiceAction(
        "get_measurements",
        TargetKind.ENTITY,
        Permission.READ,
        {
            vol.Optional(CONF_TYPE, default=RANGE): vol.In(["min_max", RANGE, "raw"]),
            **PERIOD,
            vol.Optional(TICKS): _COUNT,
            vol.Optional(INTERVAL): _COUNT,
        },
        is_read=True,
        check=_wrong_grouping,
    ),
    ServiceAction(
        "create_alarm",
        TargetKind.ENTITY,
        Permission.CONTROL,
        {
            vol.Required("value"): vol.All(vol.Coerce(float), vol.Range(min=-1e6, max=1e6)),
            vol.Required("direction"): vol.In(["above", "below"]),
            vol.Optional("delay"): vol.All(vol.Coerce(int), vol.Range(min=0, max=_MAX_DELAY)),
        },
    ),
    ServiceAction("delete_alarm", TargetKind.ENTITY, Permission.ADMIN, {}),
    ServiceAction(
        "get_alarm_history",
        TargetKind.ANY,
        Permission.READ,
        PERIOD,
        is_read=True,
        check=wrong_period,
    ),
    ServiceAction("rename", TargetKind.DEVICE, Permission.CONTROL, {vol.Required(ATTR_NAME): TEXT}),
    ServiceAction(
        "add_gateway",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required("serial"): TEXT, vol.Optional(ATTR_NAME): TEXT},
    ),
    ServiceAction(
        "create_user",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(CONF_EMAIL): vol.All(vol.Email(), vol.Length(max=255)),
            vol.Required(CONF_PASSWORD): vol.All(cv.string, vol.Length(min=1, max=255)),
            vol.Required("first_name"): TEXT,
            vol.Required("last_name"): TEXT,
        },
    ),
    ServiceAction("list_users", TargetKind.ACCOUNT, Permission.ADMIN, {}, is_read=True),
    ServiceAction("list_callbacks", TargetKind.ACCOUNT, Permission.READ, {}, is_read=True),
)


class SensoristActions:
    """The actions of one account.

    `gateways` returns the gateways that have devices; `created` and `deleted` update the known alarms.
    """

    def __init__(
        self,
        client: SensoristClient,
        gateways: Callable[[], Mapping[str, Gateway]],
        *,
        created: Callable[[Alarm], FeedUpdate],
        deleted: Callable[[str], ChannelId | None],
    ) -> None:
        self._client = client
        self._gateways = gateways
        self._created = created
        self._deleted = deleted
        self.handlers: Mapping[str, ActionHandler] = {
            "get_measurements": self._get_measurements,
            "create_alarm": self._create_alarm,
            "delete_alarm": self._delete_alarm,
            "get_alarm_history": self._get_alarm_history,
            "rename": self._rename,
            "add_gateway": self._add_gateway,
            "create_user": self._create_user,
            "list_users": self._list_users,
            "list_callbacks": self._list_callbacks,
        }

    # -- measurements, section 4.3 --

    async def _get_measurements(self, call: ActionCall) -> Mapping[str, Any]:
        source = _source_of(call.channel)
        # No isinstance: Home Assistant creates instances of its description classes with another class.
        description = cast("SensorEntityDescription", call.channel and call.channel.description)
        kind = call.fields["type"]
        start, end = _period(call.fields)
        outcome: dict[str, Any] = {
            "type": kind,
            "unit": description.native_unit_of_measurement,
            "truncated": False,
        }
        if kind == "min_max":
            extremes = (await self._client.min_max([source], start=start, end=end)).value
            extreme = extremes.get(source)
            return outcome | {
                "min": _point(extreme.minimum_at, extreme.minimum) if extreme else None,
                "max": _point(extreme.maximum_at, extreme.maximum) if extreme else None,
            }
        if kind == "raw":
            rows, is_cut = await self._raw(source, start, end)
            return outcome | {"measurements": rows, "truncated": is_cut}
        grouped = await self._client.range(
            [source],
            start=start,
            end=end,
            ticks=call.fields.get("ticks"),
            interval=call.fields.get("interval"),
        )
        rows = [
            {**_point(row.date, row.value), "min": row.min, "max": row.max}
            for row in grouped.value.by_source.get(source, ())
        ]
        return outcome | {"measurements": rows}

    async def _raw(
        self, source: str, start: datetime | None, end: datetime | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the rows of all pages up to the maximum, and whether there are more."""
        rows: list[dict[str, Any]] = []
        asked = 0
        async for page in self._client.raw([source], start=start, end=end):
            asked += 1
            rows.extend(
                {**_point(row.date, row.value), "origin": _origin(row)}
                for row in page.value.by_source.get(source, ())
                if row.type != BLANK
            )
            is_full = len(rows) >= MAX_ROWS or asked == MAX_PAGES
            if len(rows) > MAX_ROWS or (is_full and page.value.next is not None):
                return rows[:MAX_ROWS], True
        return rows, False

    # -- alarms, sections 4.5, 5.6 and 6.1 --

    async def _create_alarm(self, call: ActionCall) -> Mapping[str, Any]:
        source = _source_of(call.channel)
        direction = Direction(call.fields["direction"])
        with _naming("value"):
            alarm = await self._client.create_alarm(
                source, call.fields["value"], direction, delay=call.fields.get("delay")
            )
        if alarm is None:
            return {"alarm": None}
        return {"alarm": _alarm(alarm), "update": self._created(alarm)}

    async def _delete_alarm(self, call: ActionCall) -> Mapping[str, Any]:
        alarm = _alarm_of(call.channel)
        with _naming("entity_id"):
            await self._client.delete_alarm(alarm)
        return {"alarm": {"id": alarm}, "gone": self._deleted(alarm)}

    async def _get_alarm_history(self, call: ActionCall) -> Mapping[str, Any]:
        alarms = await self._requested_alarms(call)
        if alarms is not None and not alarms:
            return {"logs": []}  # no ids at all would mean every alarm
        start, end = _period(call.fields)
        with _naming("entity_id"):
            response = await self._client.alarm_history(alarms or (), start=start, end=end)
        return {"logs": [_log(log) for log in response.value]}

    async def _requested_alarms(self, call: ActionCall) -> list[str] | None:
        """Return the ids of the alarms of a call, or None for all of the account's."""
        if (channels := call.fields.get("channels")) is not None:
            return [_alarm_of(channel) for channel in channels]
        if call.device is None:
            return None
        sources = set(self._sources_below(call.device))
        listed = (await self._client.list_alarms()).value
        return [alarm.id for alarm in listed if alarm.source in sources]

    def _sources_below(self, device: str) -> Iterator[str]:
        """Yield the sources of a sensor, or of all sensors of a gateway."""
        for gateway in self._gateways().values():
            for sensor in gateway.sensors:
                if device in (gateway_id(gateway.id), sensor_id(sensor.id)):
                    yield from (source.id for source in sensor.sources)

    # -- devices and users, sections 4.1, 5.1, 5.2, 5.3 and 5.5 --

    async def _rename(self, call: ActionCall) -> Mapping[str, Any]:
        name = call.fields["name"]
        for gateway in self._gateways().values():
            if call.device == gateway_id(gateway.id):
                renamed = await self._client.rename_gateway(gateway.id, name)
                return _renamed(renamed.title if renamed else None, name)
            for sensor in gateway.sensors:
                if call.device == sensor_id(sensor.id):
                    updated, _ = await self._client.update_sensor(sensor.id, name=name)
                    return _renamed(updated.title if updated else None, name)
        raise ValueError("device_id")

    async def _add_gateway(self, call: ActionCall) -> Mapping[str, Any]:
        with _naming("serial"):
            gateway = await self._client.add_gateway(call.fields["serial"], call.fields.get("name"))
        if gateway is None:
            return {"gateway": None}
        return {
            "gateway": {"id": gateway.id, "name": gateway.title, "model": gateway.type.name},
        }

    async def _create_user(self, call: ActionCall) -> Mapping[str, Any]:
        user = await self._client.create_user(
            email=call.fields["email"],
            password=call.fields["password"],
            first_name=call.fields["first_name"],
            last_name=call.fields["last_name"],
        )
        return {"user": {"id": user.id} if user else None}

    async def _list_users(self, call: ActionCall) -> Mapping[str, Any]:
        users = (await self._client.list_users()).value
        return {
            "users": [
                {
                    "id": user.id,
                    "name": " ".join(filter(None, (user.first_name, user.last_name))) or None,
                }
                for user in users
            ]
        }

    # -- callbacks, section 4.6 --

    async def _list_callbacks(self, call: ActionCall) -> Mapping[str, Any]:
        callbacks = (await self._client.list_callbacks()).value
        ours = call.fields["ours"]
        return {"callbacks": [_callback(callback, ours) for callback in callbacks]}


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """Raise ValueError with the name of the field that the client rejects."""
    try:
        yield
    except ValueError:
        raise ValueError(field) from None


def _source_of(channel: Channel | None) -> str:
    return _id_in(channel, source_key(""))


def _alarm_of(channel: Channel | None) -> str:
    return _id_in(channel, alarm_key(""))


def _id_in(channel: Channel | None, prefix: str) -> str:
    """Return the vendor's id in a channel's key; raises ValueError for a channel of another kind."""
    if channel is None or not channel.key.startswith(prefix):
        raise ValueError("entity_id")
    return channel.key.removeprefix(prefix)


def _period(fields: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    start, end = fields.get("start"), fields.get("end")
    return (end - _WEEK if end and not start else start), end


def _origin(row: Measurement) -> str | None:
    return None if row.type is None else _ORIGINS.get(row.type, str(row.type))


def _point(date: datetime | None, value: float | None) -> dict[str, Any]:
    return {"time": date.astimezone(UTC).isoformat() if date else None, "value": value}


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "value": alarm.value,
        "direction": alarm.direction.value if alarm.direction else None,
        "delay": alarm.delay,
        "is_triggered": alarm.is_triggered,
    }


def _log(log: AlarmLog) -> dict[str, Any]:
    return {**_point(log.date, log.value), "alarm": log.alarm, "is_triggered": log.is_triggered}


def _renamed(title: str | None, asked: str) -> dict[str, Any]:
    name = title or asked
    return {"name": name, "renamed": name}


def _callback(callback: Callback, ours: Collection[str]) -> dict[str, Any]:
    """Describe a callback by its host alone: whoever knows the whole URL can post to it."""
    return {
        "id": callback.id,
        "events": list(_named(callback.types)),
        "host": _host(callback.url),
        "is_ours": callback.id in ours,
    }


def _named(types: CallbackTypes) -> Iterable[str]:
    return (name for event, name in _EVENTS.items() if event in types)


def _host(url: str | None) -> str | None:
    try:
        return URL(url or "").host
    except ValueError:
        return None
