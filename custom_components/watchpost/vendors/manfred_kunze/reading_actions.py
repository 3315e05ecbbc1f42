"""Run the action that returns the readings of a period: raw, aggregated, or statistics."""

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

_DEFAULT_PERIOD: Final = timedelta(days=1)
# Limits of the requests and of the response of one call.
MAX_SENSORS: Final = 50
MAX_ROWS: Final = 50_000
_ENTITY_ID: Final = "entity_id"


class ReadingActions:
    """Run the action about readings of one organisation."""

    def __init__(self, client: ReadingsClient, inventory_tree: OrganisationInventory) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self.handlers: Mapping[str, ActionHandler] = {"get_readings": self._get_readings}

    async def _get_readings(self, call: ActionCall) -> Mapping[str, Any]:
        end: datetime = call.fields.get(END) or dt_util.utcnow()
        start: datetime = call.fields.get(START) or end - _DEFAULT_PERIOD
        targeted = self._targeted_sensors(call)
        kind, left = call.fields[CONF_TYPE], MAX_ROWS
        sensors: list[dict[str, Any]] = []
        for sensor in targeted[:MAX_SENSORS]:
            if not left:
                break  # readings that would not be returned are not requested
            result = await self._fetch_readings(kind, sensor, start, end)
            rows = result.get("readings", ())
            if len(rows) > left:
                result |= {"readings": rows[:left], "truncated": True}
            left -= min(len(rows), left)
            sensors.append({"sensor_id": sensor.id, **self._describe(sensor), **result})
        return {"type": kind, "sensors": sensors, "truncated": len(targeted) > len(sensors)}

    def _describe(self, sensor: Sensor) -> dict[str, str | None]:
        field = self._inventory_tree.field_of(sensor)
        return {"name": sensor.name, "unit": sensor.unit or (field.unit if field else None)}

    async def _fetch_readings(
        self, kind: str, sensor: Sensor, start: datetime, end: datetime
    ) -> dict[str, Any]:
        if kind in (RAW, WINDOW):
            raw = await (
                self._client.raw(sensor.id, start, end)
                if kind == RAW
                else self._client.window(sensor.id, end - start)
            )
            rows: list[dict[str, Any]] = [
                {"time": _to_text(each.at), "value": each.raw} for each in raw.value
            ]
            return {"readings": rows, "truncated": not raw.is_whole}
        if kind == AGGREGATED:
            grouped = await self._client.aggregated(sensor.id, start, end)
            rows = [
                {
                    "time": _to_text(each.start),
                    "mean": each.mean,
                    "min": each.least,
                    "max": each.greatest,
                }
                for each in grouped.value
            ]
            return {"readings": rows, "truncated": not grouped.is_whole}
        return {"stats": (await self._client.stats(sensor.id, start, end)).value}

    def _targeted_sensors(self, call: ActionCall) -> list[Sensor]:
        """Return the targeted sensors: those of entities, or all of a device or component."""
        sensors = self._inventory_tree.sensors
        if (channels := call.fields.get("channels")) is not None:
            return [self._sensor_of(channel) for channel in channels]
        if call.device is None:
            raise ValueError(_ENTITY_ID)
        return [each for each in sensors.values() if call.device in self._parents(each)]

    def _sensor_of(self, channel: Channel) -> Sensor:
        prefix = sensor_key("")
        sensor = self._inventory_tree.sensors.get(channel.key.removeprefix(prefix))
        if sensor is None or not channel.key.startswith(prefix):
            raise ValueError(_ENTITY_ID)
        return sensor

    def _parents(self, sensor: Sensor) -> tuple[str, str]:
        """Return the model's ids of a sensor's device and component."""
        device = self._inventory_tree.device_of(sensor)
        return device_id(device.id if device else ""), component_id(sensor.component or "")


def _to_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
