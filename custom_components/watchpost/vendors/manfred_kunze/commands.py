"""Sends commands to devices and follows them politely."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory

from ...client.errors import RateLimitedError, UnreachableError, VendorError
from ...models import Channel, Job, JobState
from .client.control import ControlClient
from .models.control import Command, CommandState

REBOOT: Final = "REBOOT"
_KEY: Final = "reboot"

_BUTTON: Final = ButtonEntityDescription(
    key=_KEY, device_class=ButtonDeviceClass.RESTART, entity_category=EntityCategory.CONFIG
)
# Seconds before each question; the last is repeated.
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a command was when it was asked about last.

    `command` is None where the reply to sending did not name it. `has_timed_out`: it had not ended in time.
    """

    command: Command | None
    has_timed_out: bool = False


class Commands:
    """The commands of one organisation; `clock` gives monotonic seconds."""

    def __init__(self, client: ControlClient, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock

    def buttons(self, devices: Iterable[tuple[str, str]], feed: str) -> Iterator[Channel]:
        """Yield a button to reboot for each device, given as the model's id and the platform's."""
        for device, vendor_id in devices:
            press = partial(self._reboot, vendor_id)
            yield Channel(device, _KEY, _BUTTON, feed, press=press)

    async def _reboot(self, device: str) -> Job | None:
        command = await self._client.send_command(device, REBOOT, {})
        if command is None:
            return None
        return Job(f"command {command.id}", _Progress(self._client, device, command).poll)

    async def run(
        self, device: str, method: str, params: Mapping[str, Any], patience: float
    ) -> Outcome:
        """Send a command once, and ask how far it is until it has ended or time is up."""
        deadline = self._clock() + patience
        command = await self._client.send_command(device, method, params)
        if command is None:
            return Outcome(None)
        for pause in _pauses():
            if command.has_ended:
                return Outcome(command)
            left = deadline - self._clock()
            if left <= 0:
                break
            await asyncio.sleep(min(pause, left))
            try:
                command = await self._client.get_command(device, command.id) or command
            except UnreachableError, RateLimitedError:
                continue  # it was sent; that nobody can be asked for a while changes nothing
            except VendorError:
                return Outcome(command)
        return Outcome(command, has_timed_out=not command.has_ended)


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


@dataclass(slots=True)
class _Progress:
    """How far a command is: at first as the reply said that took it, then as the vendor says."""

    client: ControlClient
    device: str
    command: Command
    is_told: bool = False

    async def poll(self) -> JobState:
        if self.is_told:
            found = await self.client.get_command(self.device, self.command.id)
            self.command = found or self.command
        self.is_told = True
        if self.command.state is CommandState.SUCCESS:
            return JobState.DONE
        return JobState.FAILED if self.command.has_ended else JobState.RUNNING
