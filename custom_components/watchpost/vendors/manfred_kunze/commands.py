"""Send commands to devices and poll their state."""

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
# Seconds before each poll; the last is repeated.
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """State of a command at its last poll.

    `command` is None where the response to sending did not name it. `has_timed_out`: it had not ended in time.
    """

    command: Command | None
    has_timed_out: bool = False


class Commands:
    """Send the commands of one organisation; `monotonic` gives seconds."""

    def __init__(self, client: ControlClient, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic

    def buttons(self, devices: Iterable[tuple[str, str]], feed: str) -> Iterator[Channel]:
        """Yield a button to reboot for each device, given as the model's id and the platform's."""
        for device, vendor_id in devices:
            press = partial(self._reboot, vendor_id)
            yield Channel(device, _KEY, _BUTTON, feed, press=press)

    async def _reboot(self, device: str) -> Job | None:
        command = await self._client.send_command(device, REBOOT, {})
        if command is None:
            return None
        return Job(f"command {command.id}", _CommandJob(self._client, device, command).poll)

    async def run(
        self, device: str, method: str, params: Mapping[str, Any], max_seconds: float
    ) -> Outcome:
        """Send a command once, and poll it until it has ended or after `max_seconds`."""
        deadline = self._monotonic() + max_seconds
        command = await self._client.send_command(device, method, params)
        if command is None:
            return Outcome(None)
        for pause in _pauses():
            if command.has_ended:
                return Outcome(command)
            left = deadline - self._monotonic()
            if left <= 0:
                break
            await asyncio.sleep(min(pause, left))
            try:
                command = await self._client.get_command(device, command.id) or command
            except UnreachableError, RateLimitedError:
                continue  # the command was sent; the next poll may succeed
            except VendorError:
                return Outcome(command)
        return Outcome(command, has_timed_out=not command.has_ended)


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


@dataclass(slots=True)
class _CommandJob:
    """Poll a command as a job; the first poll returns the state from the response to sending."""

    client: ControlClient
    device: str
    command: Command
    is_first_done: bool = False

    async def poll(self) -> JobState:
        if self.is_first_done:
            polled = await self.client.get_command(self.device, self.command.id)
            self.command = polled or self.command
        self.is_first_done = True
        if self.command.state is CommandState.SUCCESS:
            return JobState.DONE
        return JobState.FAILED if self.command.has_ended else JobState.RUNNING
