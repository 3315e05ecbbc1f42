"""Schedule the messages of devices: keep-alives every ten minutes, a message after a change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from simulators.clock import EPOCH

from .delivery import Proof, WebhookSender
from .payloads import Crossings, message, payload_of
from .state import Device, World

KEEPALIVE_SECONDS = 600


@dataclass(slots=True)
class _LastReport:
    """The last report of a device. `checked_at`, `reported_at`: seconds since the epoch."""

    keepalives: int
    checked_at: int
    reported_at: float
    state: object
    crossed: dict[str, Crossings]


@dataclass(slots=True)
class Scheduler:
    """Lets the devices speak. What a clock jumps over is not made up for: one message says how it is."""

    world: World
    sender: WebhookSender
    _last_reports: dict[str, _LastReport] = field(default_factory=dict)

    def settle(self, now: datetime) -> None:
        """Let every device of the account say what it has to say by now."""
        at = (now - EPOCH).total_seconds()
        for device in self.world.visible("user"):
            last = self._of(device, at)
            if device.online and not device.silent:
                self._keep_alive(device, last, now, at)
                self._report(device, last, now, at)

    def recheck(self, device: Device) -> None:
        """Notice at once that somebody changed what stands before a device."""
        if device.uuid in self._last_reports:
            self._last_reports[device.uuid].checked_at = 0

    def report(
        self, device: Device, now: datetime, ago: float = 0.0, proof: Proof = "right"
    ) -> None:
        """Say how it was `ago` seconds before now, dated then, whether anything changed or not."""
        at, variants = (now - EPOCH).total_seconds(), self.world.config.variants
        crossings = self._crossings(device, at)
        for kind in device.applications:
            payload = payload_of(device, kind, self.world, at - ago, crossings)
            body = message(device, kind, payload, at - ago, variants)
            self.sender.payload(body, device.uuid, now, proof)

    def _of(self, device: Device, at: float) -> _LastReport:
        if device.uuid not in self._last_reports:
            self._last_reports[device.uuid] = _LastReport(
                keepalives=_beats(device, at),
                checked_at=int(at),
                reported_at=0.0,
                state=_state(device, self.world),
                crossed={line.id: self.world.crossed(line) for line in device.lines},
            )
        return self._last_reports[device.uuid]

    def _keep_alive(self, device: Device, last: _LastReport, now: datetime, at: float) -> None:
        beats = _beats(device, at)
        if beats > last.keepalives:
            last.keepalives = beats
            self.sender.keepalive(self._name(device), device.uuid, now)

    def _report(self, device: Device, last: _LastReport, now: datetime, at: float) -> None:
        """Send a message if something changed and the last one is long enough ago."""
        if last.checked_at == int(at) or at - last.reported_at < self.world.config.message_seconds:
            return
        last.checked_at = int(at)
        state = _state(device, self.world)
        if state == last.state:
            return
        last.state = state
        self.report(device, now)
        last.reported_at = at

    def _crossings(self, device: Device, at: float) -> Mapping[str, Crossings]:
        """Return who crossed each line since the message before, or ever."""
        last = self._of(device, at)
        ever: dict[str, Crossings] = {line.id: self.world.crossed(line) for line in device.lines}
        if self.world.config.variants.barrier == "total":
            return ever
        before, last.crossed = last.crossed, ever
        return {
            line: {key: n - before.get(line, {}).get(key, 0) for key, n in crossings.items()}
            for line, crossings in ever.items()
        }

    def _name(self, device: Device) -> str:
        by_customer = self.world.config.variants.stream_id == "client_identifier"
        return device.client_identifier if by_customer else device.uuid


def _beats(device: Device, at: float) -> int:
    return int((at + device.seed % KEEPALIVE_SECONDS) // KEEPALIVE_SECONDS)


def _state(device: Device, world: World) -> object:
    """Return what a message of a device would be about."""
    return (
        [(world.standing(place).cls, place.deactivated) for place in device.places],
        [world.counts(area) for area in device.areas],
        [world.crossed(line) for line in device.lines],
    )
