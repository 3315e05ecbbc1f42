"""The feature of actions: commands, events, annotations, configuration, and records of any group."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.util import dt as dt_util

from ...client.decode import identifier, to_utc_text
from ...contract.actions import END, START
from ...contract.vendor import ActionCall, ActionHandler
from .client.alerts import CHANNELS, AlertingClient
from .client.api import PlatformApi
from .client.control import ControlClient
from .client.readings import ReadingsClient
from .commands import Commands
from .control_schemas import (
    ARTEFACT_ID,
    CHANNEL_ID,
    CLASS_ID,
    COMMAND,
    DATA,
    DEVICE_NAME,
    EVENT_TYPE,
    MESSAGE,
    PARAMS,
    QUERY,
    RECORD_ID,
    RESOURCE,
    SEVERITY,
    SITE_ID,
    TARGET_ID,
    TARGET_TYPE,
    TIME,
    TIMEOUT,
    VALUES,
)
from .endpoints import RESOURCES, redact
from .feature import Discovery, Feature
from .inventory import INVENTORY, OrganisationInventory, component_id, device_id, sensor_key
from .models.control import Annotation
from .reading_actions import ReadingActions

MAX_ROWS: Final = 2_000
SCHEMAS: Final = "schemas"


class ControlFeature(Feature):
    """Run the actions of an organisation, except those about alerts, cameras and exports."""

    title = "what can be controlled"

    def __init__(
        self, api: PlatformApi, inventory_tree: OrganisationInventory, readings: ReadingsClient
    ) -> None:
        self._client = ControlClient(api)
        self._alerting = AlertingClient(api)
        self._inventory_tree = inventory_tree
        self._commands = Commands(self._client, api.transport.budget.now)
        self._readings = ReadingActions(readings, inventory_tree)

    @override
    async def discover(self) -> Discovery:
        """Return a reboot button for each device."""
        devices = [(device_id(device), device) for device in self._inventory_tree.devices]
        return Discovery(channels=list(self._commands.buttons(devices, INVENTORY)))

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return {
            **self._readings.handlers,
            "send_command": self._send_command,
            "create_registration_token": self._create_token,
            "post_event": self._post_event,
            "create_annotation": self._create_annotation,
            "set_desired_state": self._set_desired_state,
            "request_artefact_upload": self._request_upload,
            "test_notification_channel": self._test_channel,
            "list_records": self._list_records,
            "save_record": self._save_record,
            "delete_record": self._delete_record,
        }

    # -- devices --

    async def _send_command(self, call: ActionCall) -> Mapping[str, Any]:
        """Send a command once and poll it; return its last state, and whether it timed out."""
        outcome = await self._commands.run(
            self._device_of(call), call.fields[COMMAND], call.fields[PARAMS], call.fields[TIMEOUT]
        )
        command = outcome.command
        return {
            "command_id": command.id if command else None,
            "state": command.state.lower() if command and command.state else None,
            "result": redact(command.result) if command else None,
            "has_ended": bool(command and command.has_ended),
            "timed_out": outcome.has_timed_out,
        }

    async def _create_token(self, call: ActionCall) -> Mapping[str, Any]:
        """Return a new registration token of a device; it is in this response and nowhere else."""
        token = await self._client.create_token(call.fields[DEVICE_NAME])
        return {
            "token": token.token,
            "device_id": token.device,
            "device_name": token.name,
            "provision_endpoint": token.endpoint,
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        }

    # -- events and annotations; the field names are inferred --

    async def _post_event(self, call: ActionCall) -> Mapping[str, Any]:
        kind = call.fields[EVENT_TYPE]
        message = call.fields.get(MESSAGE, kind)
        at = call.fields.get(TIME) or dt_util.utcnow()
        body: dict[str, Any] = {
            "type": kind,
            "timestamp": _to_utc_text(at),
            "title": message,
            "message": message,
        }
        if SEVERITY in call.fields:
            body["severity"] = call.fields[SEVERITY].upper()
        if DATA in call.fields:
            body["data"] = call.fields[DATA]
        event = await self._client.post_event(body | self._event_target(call))
        return {"event_id": identifier(event.get("id")) if event else None}

    def _event_target(self, call: ActionCall) -> dict[str, str]:
        """Return the id fields of an event: of the target, and of the device that it is part of."""
        if (scope := self._target_of(call)) is None:
            return {}
        kind, target_id = scope
        sensor = self._inventory_tree.sensors.get(target_id) if kind == "SENSOR" else None
        component = self._inventory_tree.components.get(target_id) if kind == "COMPONENT" else None
        device = self._inventory_tree.device_of(sensor) if sensor else None
        parent = device.id if device else component.device if component else None
        return {f"{kind.lower()}Id": target_id, **({"deviceId": parent} if parent else {})}

    async def _create_annotation(self, call: ActionCall) -> Mapping[str, Any]:
        site: str | None = call.fields.get(SITE_ID)
        scope = self._target_of(call)
        if site is not None:
            scope = ("SITE", site) if scope is None else None  # two targets are rejected
        if scope is None:
            raise ValueError(SITE_ID)
        kind, scope_id = scope
        start, end = call.fields.get(START) or dt_util.utcnow(), call.fields.get(END)
        row = await self._client.annotate(
            Annotation(
                label=call.fields[CLASS_ID],
                scope=kind,
                scope_id=scope_id,
                start=_to_utc_text(start),
                end=_to_utc_text(end) if end else None,
                values=call.fields[VALUES],
            )
        )
        return {"annotation_id": identifier(row.get("id")) if row else None}

    # -- configuration --

    async def _set_desired_state(self, call: ActionCall) -> Mapping[str, Any]:
        scope = self._target_of(call)
        if TARGET_ID in call.fields:
            named = (call.fields[TARGET_TYPE].upper(), call.fields[TARGET_ID])
            scope = named if scope is None else None  # two targets are rejected
        if scope is None or scope[0] == "SENSOR":
            raise ValueError(TARGET_ID)
        kind, target_id = scope
        row = await self._client.bind(kind, target_id, call.fields[ARTEFACT_ID])
        return {"binding": redact(row) if row else None}

    async def _request_upload(self, call: ActionCall) -> Mapping[str, Any]:
        """Return a short-lived upload URL of an artefact; it is in this response and nowhere else."""
        return {"upload_url": await self._client.request_upload(call.fields[DATA])}

    async def _test_channel(self, call: ActionCall) -> Mapping[str, Any]:
        await self._alerting.test_channel(call.fields[CHANNEL_ID])
        return {"channel_id": call.fields[CHANNEL_ID]}

    # -- records of any group --

    async def _list_records(self, call: ActionCall) -> Mapping[str, Any]:
        """Return the redacted records of a group, or one of them."""
        name, record_id = call.fields[RESOURCE], call.fields.get(RECORD_ID)
        if name == SCHEMAS:
            if record_id is None:
                raise ValueError(RECORD_ID)
            return {"record": redact(await self._client.schema(record_id))}
        resource = RESOURCES[name]
        if resource.needs_record_id and record_id is None:
            raise ValueError(RECORD_ID)
        if record_id is not None and not resource.needs_record_id:
            return {"record": redact(await self._client.read(f"{resource.path}/{record_id}"))}
        path = resource.path.format(record_id)
        if not resource.is_list:
            return {"record": redact(await self._client.read(path))}
        rows, is_whole = await self._client.rows(path, call.fields[QUERY], most=MAX_ROWS)
        return {"records": [redact(row) for row in rows], "truncated": not is_whole}

    async def _save_record(self, call: ActionCall) -> Mapping[str, Any]:
        """Create a record, or update the given fields of one."""
        path, record_id = RESOURCES[call.fields[RESOURCE]].path, call.fields.get(RECORD_ID)
        if record_id is None:
            row = await self._client.create(path, call.fields[DATA])
            return {"record_id": identifier(row.get("id")) if row else None}
        self._protect_own_channel(call, path, record_id)
        if not RESOURCES[call.fields[RESOURCE]].can_update:
            raise ValueError(RECORD_ID)
        await self._client.update(path, record_id, call.fields[DATA])
        return {"record_id": record_id}

    async def _delete_record(self, call: ActionCall) -> Mapping[str, Any]:
        path, record_id = RESOURCES[call.fields[RESOURCE]].path, call.fields[RECORD_ID]
        self._protect_own_channel(call, path, record_id)
        await self._client.delete(path, record_id)
        return {"record_id": record_id}

    @staticmethod
    def _protect_own_channel(call: ActionCall, path: str, record_id: str) -> None:
        """Raise ValueError for our own notification channel: the options manage it."""
        if path == CHANNELS and record_id in call.fields["ours"]:
            raise ValueError(RECORD_ID)

    # -- targets --

    def _device_of(self, call: ActionCall) -> str:
        """Return the platform's id of the targeted device, or of a targeted component's device."""
        kind, target_id = self._parse_device_id(call.device)
        if kind == "COMPONENT":
            component = self._inventory_tree.components.get(target_id)
            kind, target_id = "DEVICE", (component and component.device) or ""
        if kind != "DEVICE" or not target_id:
            raise ValueError("device_id")
        return target_id

    def _target_of(self, call: ActionCall) -> tuple[str, str] | None:
        """Return kind and platform's id of a call's target; None for the account."""
        if (channels := call.fields.get("channels")) is None:
            return None if call.device is None else self._parse_device_id(call.device)
        if len(channels) != 1:
            raise ValueError("entity_id")
        key, prefix = channels[0].key, sensor_key("")
        if key.startswith(prefix):
            return "SENSOR", key.removeprefix(prefix)
        return self._parse_device_id(channels[0].device)

    @staticmethod
    def _parse_device_id(device: str | None) -> tuple[str, str]:
        """Return kind and platform's id of a device of the model; raises ValueError for any other."""
        for kind, prefix in (("DEVICE", device_id("")), ("COMPONENT", component_id(""))):
            if device is not None and device.startswith(prefix):
                return kind, device.removeprefix(prefix)
        raise ValueError("device_id")


def _to_utc_text(at: Any) -> str:
    """Return a time in the format of the vendor's examples."""
    return to_utc_text(dt_util.as_utc(at))
