"""Calls for commands, registration tokens, configurations and what devices shall have."""

from collections.abc import Callable, Mapping
import json

from simulators.response import Reply
from simulators.server import Call

from .commands import TARGETS, Binding, Command, Commanding, Orders, Token
from .fixtures import add_device, equip
from .object_storage import UPLOADS, Storage
from .request import ApiError, Visit
from .responder import Desk
from .state import Organisation, Record
from .times import at

_ARTEFACTS = "config-artefacts"


class CommandCalls:
    """Answers them. origin: where the API is, for the address that devices are let in at."""

    def __init__(
        self, desk: Desk, commanding: Commanding, storage: Storage, origin: Callable[[], str]
    ) -> None:
        """Ask the desk."""
        self._desk = desk
        self._commanding = commanding
        self._storage = storage
        self._origin = origin
        self._forms = desk.world.plan.forms

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        return {
            "POST /devices/registration/tokens tokens": self.add_token,
            "GET /devices/registration/tokens tokens": self.tokens,
            "DELETE /devices/registration/tokens/{id} tokens": self.revoke_token,
            "POST /devices/{id}/commands commands": self.send,
            "GET /devices/{id}/commands commands": self.commands,
            "GET /devices/{id}/commands/{command} commands": self.command,
            f"GET /{_ARTEFACTS}": self.artefacts,
            f"POST /{_ARTEFACTS}": self.add_artefact,
            f"POST /{_ARTEFACTS}/upload-url": self.upload,
            f"GET /{_ARTEFACTS}/{{id}}": self.artefact,
            f"DELETE /{_ARTEFACTS}/{{id}}": self.remove_artefact,
            "GET /desired-state-bindings": self.bindings,
            "PUT /desired-state-bindings": self.bind,
            "GET /desired-state-bindings/{id}": self.binding,
            "PUT /desired-state-bindings/{id}": self.rebind,
            "DELETE /desired-state-bindings/{id}": self.unbind,
        }

    def add_token(self, visit: Visit) -> Reply:
        """Make a device that is PENDING, and a token that lets it in; shown this once."""
        name = visit.text("deviceName")
        device = add_device(self._desk.world, visit.organisation, name=name, status="PENDING")
        token = self._commanding.invite(self._orders(visit), device)
        record: Record = {
            "token": token.secret,
            "deviceId": device.id,
            "deviceName": device.name,
            "provisionEndpoint": f"{self._origin()}/api/v1/devices/provision",
            "expiresAt": at(token.ends),
        }
        return self._desk.one(visit, "tokens", record, created=True)

    def tokens(self, visit: Visit) -> Reply:
        """List the tokens that can still be used, without what opens anything."""
        found = self._orders(visit).tokens.values()
        records = [_token_record(one) for one in found if _is_good(one, visit.now)]
        return self._desk.many(visit, "registration-tokens", records)

    def revoke_token(self, visit: Visit) -> Reply:
        """Take a token back."""
        orders = self._orders(visit)
        for token in list(orders.tokens.values()):
            number = token.id if self._forms.revoked_by == "id" else token.device.id
            if number == visit.named["id"]:
                del orders.tokens[token.id]
                return Reply(204, body=b"")
        raise ApiError(404, "Not found")

    def provision(self, body: Mapping[str, object], now: int) -> Reply:
        """Let a device in: a token and a request for a certificate against a certificate."""
        if "BEGIN CERTIFICATE REQUEST" not in str(body.get("csr")):
            raise ApiError(400, "csr is not a certificate request")
        for organisation in self._desk.world.organisations:
            for token in self._commanding.of(organisation).tokens.values():
                if token.secret == body.get("token") and _is_good(token, now):
                    return self._let_in(organisation, token, now)
        raise ApiError(401, "The token is not valid")

    def send(self, visit: Visit) -> Reply:
        """Give a device an instruction."""
        device = self._desk.found(visit, visit.organisation.devices)
        params = visit.body.get("params") or visit.body.get("payload") or {}
        if not isinstance(params, dict):
            raise ApiError(400, "params is not an object")
        method = visit.text(self._forms.command_name)
        command = self._commanding.send(self._orders(visit), device, method, params)
        return self._desk.one(visit, "commands", self._command_record(command), created=True)

    def commands(self, visit: Visit) -> Reply:
        """List a device's instructions."""
        device = self._desk.found(visit, visit.organisation.devices)
        if self._forms.command_track == "item":
            raise ApiError(405, "Method is not supported")
        found = [one for one in self._orders(visit).commands.values() if one.device is device]
        records = [self._command_record(one) for one in found]
        return self._desk.many(visit, "commands", self._desk.in_order(records, "createdAt"))

    def command(self, visit: Visit) -> Reply:
        """Show one instruction."""
        device = self._desk.found(visit, visit.organisation.devices)
        if self._forms.command_track == "list":
            raise ApiError(404, "No such resource")
        command = self._desk.found(visit, self._orders(visit).commands, "command")
        if command.device is not device:
            raise ApiError(404, "Not found")
        return self._desk.one(visit, "commands", self._command_record(command))

    def artefacts(self, visit: Visit) -> Reply:
        """List the configurations, each version of them."""
        records = list(visit.organisation.table(_ARTEFACTS).values())
        return self._desk.many(visit, _ARTEFACTS, records)

    def artefact(self, visit: Visit) -> Reply:
        """Show one version."""
        found = self._desk.found(visit, visit.organisation.table(_ARTEFACTS))
        return self._desk.one(visit, _ARTEFACTS, found)

    def add_artefact(self, visit: Visit) -> Reply:
        """Keep a version."""
        content = visit.body.get("content", visit.body.get("payload"))
        if not isinstance(content, dict) or not content:
            raise ApiError(400, "content must not be empty")
        name = visit.text("name")
        record = self._commanding.add_artefact(self._orders(visit), name, content, visit.now)
        return self._desk.one(visit, _ARTEFACTS, record, created=True)

    def upload(self, visit: Visit) -> Reply:
        """Give a link that a large version can be put to; then it is there."""
        orders, name = self._orders(visit), visit.text("name", "fileName")
        path = f"{UPLOADS}{visit.organisation.new_id()}"

        def put(call: Call) -> Reply:
            try:
                content = json.loads(call.body)
            except ValueError:
                content = call.body.hex()
            self._commanding.add_artefact(orders, name, content, self._desk.world.now)
            return Reply(200, body=b"")

        self._storage.objects[path] = put
        link, until = self._storage.link(path, self._desk.world.plan.link_seconds)
        return self._desk.one(visit, "links", {"uploadUrl": link, "expiresAt": at(until)})

    def remove_artefact(self, visit: Visit) -> Reply:
        """Delete a version that nothing shall have."""
        table = visit.organisation.table(_ARTEFACTS)
        artefact = self._desk.found(visit, table)
        if any(one.artefact is artefact for one in self._orders(visit).bindings.values()):
            raise ApiError(409, "The artefact is bound")
        del table[str(artefact["id"])]
        return Reply(204, body=b"")

    def bindings(self, visit: Visit) -> Reply:
        """List what targets shall have, and what they reported."""
        found = self._orders(visit).bindings.values()
        records = [self._binding_record(one) for one in found]
        return self._desk.many(visit, "desired-state-bindings", records)

    def binding(self, visit: Visit) -> Reply:
        """Show one of them."""
        return self._show(visit, self._desk.found(visit, self._orders(visit).bindings))

    def bind(self, visit: Visit) -> Reply:
        """Assign a configuration to a target."""
        target_type = visit.literal("targetType", TARGETS, None)
        target, organisation = visit.text("targetId"), visit.organisation
        among: dict[str, Mapping[str, object]] = {
            "DEVICE": organisation.devices,
            "COMPONENT": organisation.components,
            "DEVICE_GROUP": organisation.table("device-groups"),
            "DEVICE_PROFILE": organisation.table("device-profiles"),
            "SENSOR_PROFILE": organisation.table("sensor-profiles"),
        }
        self._desk.by_id(visit, among[target_type], target)
        return self._bound(visit, target_type, target)

    def rebind(self, visit: Visit) -> Reply:
        """Assign another configuration to the same target."""
        before = self._desk.found(visit, self._orders(visit).bindings)
        return self._bound(visit, before.target_type, before.target)

    def unbind(self, visit: Visit) -> Reply:
        """Let a target have no configuration."""
        orders = self._orders(visit)
        binding = self._desk.found(visit, orders.bindings)
        del orders.bindings[binding.id]
        if binding.device is not None:
            params: Record = {"artefactId": binding.artefact["id"]}
            self._commanding.send(orders, binding.device, "UNBIND_CONFIG", params)
        return Reply(204, body=b"")

    def _orders(self, visit: Visit) -> Orders:
        return self._commanding.of(visit.organisation)

    def _let_in(self, organisation: Organisation, token: Token, now: int) -> Reply:
        token.used, device = True, token.device
        device.restarted, device.firmware = now, "1.4.2"
        equip(self._desk.world, organisation, device)
        device.become("ACTIVE", now)
        return Reply(
            201,
            {
                "deviceId": device.id,
                "certificate": "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n",
            },
        )

    def _bound(self, visit: Visit, target_type: str, target: str) -> Reply:
        number = visit.text("artefactId", "configArtefactId")
        artefact = self._desk.by_id(visit, visit.organisation.table(_ARTEFACTS), number)
        orders = self._orders(visit)
        return self._show(
            visit, self._commanding.bind(orders, target_type, target, artefact, visit.now)
        )

    def _show(self, visit: Visit, binding: Binding) -> Reply:
        record = self._binding_record(binding)
        return self._desk.one(visit, "desired-state-bindings", record)

    def _binding_record(self, binding: Binding) -> Record:
        version, status, known = binding.reported
        record: Record = {
            "id": binding.id,
            "targetType": binding.target_type,
            "targetId": binding.target,
            "artefactId": binding.artefact["id"],
            "desiredVersion": binding.artefact["version"],
            "updatedAt": at(binding.asked),
        }
        if self._forms.reported == "nested":
            return record | {"reported": {"version": version, "status": status, "hash": known}}
        reported: Record = {"reportedVersion": version, "status": status, "reportedHash": known}
        return record | reported

    def _command_record(self, command: Command) -> Record:
        now = self._desk.world.now
        status = command.status(now)
        over = status in ("SUCCESS", "FAILED", "TIMEOUT")
        ended = command.gives_up if status == "TIMEOUT" else command.done
        return {
            "id": command.id,
            "deviceId": command.device.id,
            self._forms.command_name: command.method,
            "params": command.params,
            "status": status,
            "result": {"code": 7} if status == "FAILED" else {} if status == "SUCCESS" else None,
            "createdAt": at(command.asked),
            "completedAt": at(ended) if over else None,
        }


def _is_good(token: Token, now: int) -> bool:
    return not token.used and now < token.ends


def _token_record(token: Token) -> Record:
    return {
        "id": token.id,
        "deviceId": token.device.id,
        "deviceName": token.device.name,
        "expiresAt": at(token.ends),
        "createdAt": at(token.created),
    }
