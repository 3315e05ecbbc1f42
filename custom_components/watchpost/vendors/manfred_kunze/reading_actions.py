"""What sensors measured in a period, as a response: every reading, groups, or statistics."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeassistant.const import CONF_TYPE
from homeassistant.util import dt as dt_util

from ...contract.actions import END, START
from ...contract.vendor import ActionCall, ActionHandler
from ...models import Channel
from .client.readings import ReadingsClient
from .control_schemas import AGGREGATED, RAW, WINDOW
from .inventory import OrganisationInventory, component_id, device_id, sensor_key
from .models.topology import Sensor

_USUAL_PERIOD: Final = timedelta(days=1)
# What one call asks for and returns at the most.
MAX_SENSORS: Final = 50
MAX_ROWS: Final = 50_000
_ENTITY_ID: Final = "entity_id"


class ReadingActions:
    """The action about readings of one organisation."""

    def __init__(self, client: ReadingsClient, inventory_tree: OrganisationInventory) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self.handlers: Mapping[str, ActionHandler] = {"get_readings": self._get_readings}

    async def _get_readings(self, call: ActionCall) -> Mapping[str, Any]:
        end: datetime = call.fields.get(END) or dt_util.utcnow()
        start: datetime = call.fields.get(START) or end - _USUAL_PERIOD
        meant = self._meant(call)
        kind, left = call.fields[CONF_TYPE], MAX_ROWS
        sensors: list[dict[str, Any]] = []
        for sensor in meant[:MAX_SENSORS]:
            if not left:
                break  # what is not shown is not asked for
            told = await self._told(kind, sensor, start, end)
            rows = told.get("readings", ())
            if len(rows) > left:
                told |= {"readings": rows[:left], "truncated": True}
            left -= min(len(rows), left)
            sensors.append({"sensor_id": sensor.id, **self._about(sensor), **told})
        return {"type": kind, "sensors": sensors, "truncated": len(meant) > len(sensors)}

    def _about(self, sensor: Sensor) -> dict[str, str | None]:
        field = self._inventory_tree.field_of(sensor)
        return {"name": sensor.name, "unit": sensor.unit or (field.unit if field else None)}

    async def _told(
        self, kind: str, sensor: Sensor, start: datetime, end: datetime
    ) -> dict[str, Any]:
        if kind in (RAW, WINDOW):
            raw = await (
                self._client.raw(sensor.id, start, end)
                if kind == RAW
                else self._client.window(sensor.id, end - start)
            )
            rows: list[dict[str, Any]] = [
                {"time": _text(one.at), "value": one.raw} for one in raw.value
            ]
            return {"readings": rows, "truncated": not raw.is_whole}
        if kind == AGGREGATED:
            grouped = await self._client.aggregated(sensor.id, start, end)
            rows = [
                {
                    "time": _text(one.start),
                    "mean": one.mean,
                    "min": one.least,
                    "max": one.greatest,
                }
                for one in grouped.value
            ]
            return {"readings": rows, "truncated": not grouped.is_whole}
        return {"stats": (await self._client.stats(sensor.id, start, end)).value}

    def _meant(self, call: ActionCall) -> list[Sensor]:
        """The sensors that a call is for: of entities, or of all that hangs from a device or component."""
        sensors = self._inventory_tree.sensors
        if (channels := call.fields.get("channels")) is not None:
            return [self._of(channel) for channel in channels]
        if call.device is None:
            raise ValueError(_ENTITY_ID)
        return [each for each in sensors.values() if call.device in self._homes(each)]

    def _of(self, channel: Channel) -> Sensor:
        prefix = sensor_key("")
        found = self._inventory_tree.sensors.get(channel.key.removeprefix(prefix))
        if found is None or not channel.key.startswith(prefix):
            raise ValueError(_ENTITY_ID)
        return found

    def _homes(self, sensor: Sensor) -> tuple[str, str]:
        """The model's ids of a sensor's device and component."""
        device = self._inventory_tree.device_of(sensor)
        return device_id(device.id if device else ""), component_id(sensor.component or "")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
