"""Create the channels that set and command Sensorist's devices, and their readings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberEntityDescription, NumberMode
from homeassistant.const import EntityCategory, UnitOfTime

from ...models import Channel, ChannelId, Job, JobState, Reading
from .client import Command, SensoristClient
from .entities import INVENTORY, gateway_id, sensor_id
from .models import Gateway, Sensor, Workflow

SAMPLING_INTERVAL: Final = "sampling_interval"

# What the vendor calls a source that is sampled at the interval that can be set (dossier, section 4.2).
_SAMPLED: Final = "digital"

# The document gives no limits. These are a minute, below which no battery lasts, and a day.
_MIN_INTERVAL: Final = 60
_MAX_INTERVAL: Final = 86_400

_COMMANDS: Final = (
    (
        Command.REBOOT,
        ButtonEntityDescription(
            key="restart",
            device_class=ButtonDeviceClass.RESTART,
            entity_category=EntityCategory.CONFIG,
        ),
    ),
    (
        Command.PAIRING_START,
        ButtonEntityDescription(
            key="start_pairing",
            translation_key="start_pairing",
            entity_category=EntityCategory.CONFIG,
        ),
    ),
)
_SAMPLING_INTERVAL: Final = NumberEntityDescription(
    key=SAMPLING_INTERVAL,
    translation_key=SAMPLING_INTERVAL,
    device_class=NumberDeviceClass.DURATION,
    native_unit_of_measurement=UnitOfTime.SECONDS,
    native_min_value=_MIN_INTERVAL,
    native_max_value=_MAX_INTERVAL,
    native_step=1,
    mode=NumberMode.BOX,
    entity_category=EntityCategory.CONFIG,
    entity_registry_enabled_default=False,
)


@dataclass(slots=True)
class _Progress:
    """The progress of a workflow: first that of the response that started it, then polled."""

    client: SensoristClient
    workflow: Workflow
    is_reported: bool = False

    async def poll(self) -> JobState:
        if self.is_reported:
            self.workflow = (await self.client.get_workflow(self.workflow.id)).value
        self.is_reported = True
        if self.workflow.has_completed:
            return JobState.DONE
        return JobState.FAILED if self.workflow.has_failed else JobState.RUNNING


class SensoristControls:
    """The factory of button and number channels; each of their calls sends one request."""

    def __init__(self, client: SensoristClient) -> None:
        self._client = client

    def channels(self, gateways: Iterable[Gateway]) -> Iterator[Channel]:
        """Yield two buttons for each gateway and a number for each sensor that measures."""
        for gateway in gateways:
            device = gateway_id(gateway.id)
            for command, description in _COMMANDS:
                press = partial(self._command, gateway.id, command)
                yield Channel(device, description.key, description, INVENTORY, press=press)
            for sensor in gateway.sensors:
                if sensor.sources:
                    yield self._interval(sensor)

    def _interval(self, sensor: Sensor) -> Channel:
        return Channel(
            sensor_id(sensor.id),
            SAMPLING_INTERVAL,
            _SAMPLING_INTERVAL,
            INVENTORY,
            set_value=partial(self._set_interval, sensor.id),
        )

    async def _command(self, gateway: str, command: Command) -> Job | None:
        return self._work(await self._client.command_gateway(gateway, command))

    async def _set_interval(self, sensor: str, seconds: float) -> Job | None:
        _, workflow = await self._client.update_sensor(sensor, interval=round(seconds))
        return self._work(workflow)

    def _work(self, workflow: Workflow | None) -> Job | None:
        if workflow is None:
            return None
        return Job(f"workflow {workflow.id}", _Progress(self._client, workflow).poll)


def interval_readings(gateways: Iterable[Gateway]) -> dict[ChannelId, Reading]:
    """Return the sampling interval of each sensor in seconds: the shortest of its sampled sources."""
    return {
        ChannelId(sensor_id(sensor.id), SAMPLING_INTERVAL): Reading(_shortest(sensor))
        for gateway in gateways
        for sensor in gateway.sensors
        if sensor.sources
    }


def _shortest(sensor: Sensor) -> float | None:
    intervals = [
        source.interval.total_seconds()
        for source in sensor.sources
        if source.subtype == _SAMPLED and source.interval is not None
    ]
    return min(intervals, default=None)
