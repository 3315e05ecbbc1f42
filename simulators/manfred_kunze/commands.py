"""Model device commands, desired configurations and registration tokens."""

from dataclasses import dataclass, field
import hashlib
from typing import Literal

from .state import Device, Organisation, Record, World
from .times import at

TARGETS = ("DEVICE", "COMPONENT", "DEVICE_GROUP", "DEVICE_PROFILE", "SENSOR_PROFILE")
_CONNECTED = ("ACTIVE", "MAINTENANCE")
_SENT_AFTER, _KNOWN_AFTER = 1, 3

type Fate = Literal["success", "fail", "hang"]
type DesiredFate = Literal["accept", "reject", "fail", "hang"]


@dataclass(slots=True, kw_only=True)
class Command:
    """A command. connected: whether its device was connected when it was sent."""

    id: str
    device: Device
    method: str
    params: Record
    asked: int
    done: int
    gives_up: int
    fate: Fate
    connected: bool
    applied: bool = False

    def status(self, now: int) -> str:
        """Return its status."""
        age = now - self.asked
        if not self.connected or self.fate == "hang":
            if now >= self.gives_up and not self.connected:
                return "TIMEOUT"
            return "PENDING" if age < _SENT_AFTER or not self.connected else "SENT"
        if now >= self.done:
            return "SUCCESS" if self.fate == "success" else "FAILED"
        if age >= _KNOWN_AFTER:
            return "ACKNOWLEDGED"
        return "SENT" if age >= _SENT_AFTER else "PENDING"


@dataclass(slots=True, kw_only=True)
class Binding:
    """A desired configuration of a target. device: the one that reports its status, if there is one.

    reported: version, status and hash as the device reported them last.
    """

    id: str
    target_type: str
    target: str
    artefact: Record
    device: Device | None
    asked: int
    done: int
    fate: DesiredFate
    reported: tuple[object, str | None, object] = (None, None, None)

    def settle(self, now: int) -> None:
        """Update the reported status, if the device is connected."""
        if self.device is None or self.device.status not in _CONNECTED:
            return
        version, _, known = self.reported
        if self.asked + _KNOWN_AFTER <= now < self.done or (
            self.fate == "hang" and now >= self.done
        ):
            self.reported = version, "IN_PROGRESS", known
        elif now >= self.done and self.fate == "accept":
            self.reported = self.artefact["version"], "ACCEPTED", self.artefact["hash"]
        elif now >= self.done:
            self.reported = version, "REJECTED" if self.fate == "reject" else "FAILED", known


@dataclass(slots=True, kw_only=True)
class Token:
    """A registration token, which provisions one device once."""

    id: str
    secret: str
    device: Device
    created: int
    ends: int
    used: bool = False


@dataclass(slots=True)
class CommandStore:
    """The commands, bindings and tokens of one organisation by id, oldest first."""

    organisation: Organisation
    commands: dict[str, Command] = field(default_factory=dict)
    bindings: dict[str, Binding] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Register the records with the organisation, so that their ids are known."""
        self.organisation.more += [self.commands, self.bindings, self.tokens]


class CommandEngine:
    """The commands of all organisations."""

    def __init__(self, world: World) -> None:
        """Assign a configuration to the main organisation's first device, which has accepted it."""
        self._world = world
        self.by_id = {one.id: CommandStore(one) for one in world.organisations}
        main = self.by_id[world.main.id]
        if devices := list(world.main.devices.values()):
            artefact = self.add_artefact(
                main, "report-interval", {"reportInterval": 60}, world.since
            )
            binding = self.bind(main, "DEVICE", devices[0].id, artefact, world.since)
            binding.fate = "accept"
            binding.settle(world.now)

    def of(self, organisation: Organisation) -> CommandStore:
        """Return the command store of an organisation."""
        return self.by_id[organisation.id]

    def send(self, store: CommandStore, device: Device, method: str, params: Record) -> Command:
        """Send a command to a device."""
        config, now = self._world.config, self._world.now
        command = Command(
            id=store.organisation.new_id(),
            device=device,
            method=method,
            params=params,
            asked=now,
            done=now + config.command_seconds,
            gives_up=now + config.command_timeout,
            fate=config.command_fate,
            connected=device.status in _CONNECTED,
        )
        store.commands[command.id] = command
        return command

    def add_artefact(self, store: CommandStore, name: str, content: object, now: int) -> Record:
        """Store the next version of a configuration."""
        known = store.organisation.table("config-artefacts").values()
        version = 1 + sum(one["name"] == name for one in known)
        written = repr(content).encode()
        return store.organisation.add(
            "config-artefacts",
            {
                "name": name,
                "version": version,
                "content": content,
                "sizeBytes": len(written),
                "hash": hashlib.sha256(written).hexdigest(),
                "createdAt": at(now),
            },
        )

    def bind(
        self, store: CommandStore, target_type: str, target: str, artefact: Record, now: int
    ) -> Binding:
        """Assign a configuration to a target; it replaces the one that the target had."""
        before = next(
            (
                one
                for one in store.bindings.values()
                if (one.target_type, one.target) == (target_type, target)
            ),
            None,
        )
        config = self._world.config
        device = store.organisation.devices.get(target)
        if component := store.organisation.components.get(target):
            device = component.device
        binding = Binding(
            id=before.id if before else store.organisation.new_id(),
            target_type=target_type,
            target=target,
            artefact=artefact,
            device=device,
            asked=now,
            done=now + config.desired_seconds,
            fate=config.desired_fate,
            reported=before.reported if before else (None, None, None),
        )
        store.bindings[binding.id] = binding
        if device is not None and now != self._world.since:
            params: Record = {"artefactId": artefact["id"], "version": artefact["version"]}
            self.send(store, device, "BIND_CONFIG", params)
        return binding

    def invite(self, store: CommandStore, device: Device) -> Token:
        """Create a registration token for a PENDING device."""
        now, number = self._world.now, store.organisation.new_id()
        secret = hashlib.sha256(f"token {number}".encode()).hexdigest()[:40]
        token = Token(
            id=number,
            secret=f"{number}.{device.id}.{secret}",
            device=device,
            created=now,
            ends=now + self._world.config.token_seconds,
        )
        store.tokens[token.id] = token
        return token

    def settle(self) -> None:
        """Apply the commands and configurations that are due."""
        now = self._world.now
        for store in self.by_id.values():
            for binding in store.bindings.values():
                binding.settle(now)
            for command in store.commands.values():
                if command.applied or command.status(now) != "SUCCESS":
                    continue
                command.applied = True
                if command.method == "REBOOT":
                    command.device.restarted = command.done
                elif command.method == "UPDATE_FIRMWARE" and "version" in command.params:
                    command.device.firmware = str(command.params["version"])
