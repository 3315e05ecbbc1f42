"""Serve the routes for commands, registration tokens, configurations and desired states."""

from collections.abc import Callable, Mapping
import json

from simulators.response import Response
from simulators.server import Call

from .commands import TARGETS, Binding, Command, CommandEngine, CommandStore, Token
from .errors import ApiError
from .fixtures import add_device, equip
from .object_storage import UPLOADS, ObjectStorage
from .request import ApiRequest
from .responder import Responder
from .state import Organisation, Record
from .times import at

_ARTEFACTS = "config-artefacts"


class CommandRoutes:
    """The routes for commands and configurations; `origin` is the URL that devices are provisioned at."""

    def __init__(
        self,
        responder: Responder,
        command_engine: CommandEngine,
        storage: ObjectStorage,
        origin: Callable[[], str],
    ) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._command_engine = command_engine
        self._storage = storage
        self._origin = origin
        self._variants = responder.world.config.variants

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
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

    def add_token(self, request: ApiRequest) -> Response:
        """Create a PENDING device and a registration token, which is shown only once."""
        name = request.text("deviceName")
        device = add_device(
            self._responder.world, request.organisation, name=name, status="PENDING"
        )
        token = self._command_engine.invite(self._store(request), device)
        record: Record = {
            "token": token.secret,
            "deviceId": device.id,
            "deviceName": device.name,
            "provisionEndpoint": f"{self._origin()}/api/v1/devices/provision",
            "expiresAt": at(token.ends),
        }
        return self._responder.one(request, "tokens", record, created=True)

    def tokens(self, request: ApiRequest) -> Response:
        """List the usable tokens without their secrets."""
        found = self._store(request).tokens.values()
        records = [_token_record(one) for one in found if _is_good(one, request.now)]
        return self._responder.many(request, "registration-tokens", records)

    def revoke_token(self, request: ApiRequest) -> Response:
        """Revoke a token."""
        store = self._store(request)
        for token in list(store.tokens.values()):
            number = token.id if self._variants.revoked_by == "id" else token.device.id
            if number == request.named["id"]:
                del store.tokens[token.id]
                return Response(204, body=b"")
        raise ApiError(404, "Not found")

    def provision(self, body: Mapping[str, object], now: int) -> Response:
        """Provision a device: exchange a token and a certificate request for a certificate."""
        if "BEGIN CERTIFICATE REQUEST" not in str(body.get("csr")):
            raise ApiError(400, "csr is not a certificate request")
        for organisation in self._responder.world.organisations:
            for token in self._command_engine.of(organisation).tokens.values():
                if token.secret == body.get("token") and _is_good(token, now):
                    return self._let_in(organisation, token, now)
        raise ApiError(401, "The token is not valid")

    def send(self, request: ApiRequest) -> Response:
        """Send a command to a device."""
        device = self._responder.find(request, request.organisation.devices)
        params = request.body.get("params") or request.body.get("payload") or {}
        if not isinstance(params, dict):
            raise ApiError(400, "params is not an object")
        method = request.text(self._variants.command_name)
        command = self._command_engine.send(self._store(request), device, method, params)
        return self._responder.one(request, "commands", self._command_record(command), created=True)

    def commands(self, request: ApiRequest) -> Response:
        """List a device's commands."""
        device = self._responder.find(request, request.organisation.devices)
        if self._variants.command_track == "item":
            raise ApiError(405, "Method is not supported")
        found = [one for one in self._store(request).commands.values() if one.device is device]
        records = [self._command_record(one) for one in found]
        return self._responder.many(
            request, "commands", self._responder.in_order(records, "createdAt")
        )

    def command(self, request: ApiRequest) -> Response:
        """Return one command."""
        device = self._responder.find(request, request.organisation.devices)
        if self._variants.command_track == "list":
            raise ApiError(404, "No such resource")
        command = self._responder.find(request, self._store(request).commands, "command")
        if command.device is not device:
            raise ApiError(404, "Not found")
        return self._responder.one(request, "commands", self._command_record(command))

    def artefacts(self, request: ApiRequest) -> Response:
        """List all versions of the configurations."""
        records = list(request.organisation.table(_ARTEFACTS).values())
        return self._responder.many(request, _ARTEFACTS, records)

    def artefact(self, request: ApiRequest) -> Response:
        """Return one version."""
        found = self._responder.find(request, request.organisation.table(_ARTEFACTS))
        return self._responder.one(request, _ARTEFACTS, found)

    def add_artefact(self, request: ApiRequest) -> Response:
        """Store a version."""
        content = request.body.get("content", request.body.get("payload"))
        if not isinstance(content, dict) or not content:
            raise ApiError(400, "content must not be empty")
        name = request.text("name")
        record = self._command_engine.add_artefact(self._store(request), name, content, request.now)
        return self._responder.one(request, _ARTEFACTS, record, created=True)

    def upload(self, request: ApiRequest) -> Response:
        """Return an upload link for a large version."""
        store, name = self._store(request), request.text("name", "fileName")
        path = f"{UPLOADS}{request.organisation.new_id()}"

        def put(call: Call) -> Response:
            try:
                content = json.loads(call.body)
            except ValueError:
                content = call.body.hex()
            self._command_engine.add_artefact(store, name, content, self._responder.world.now)
            return Response(200, body=b"")

        self._storage.objects[path] = put
        link, until = self._storage.link(path, self._responder.world.config.link_seconds)
        return self._responder.one(request, "links", {"uploadUrl": link, "expiresAt": at(until)})

    def remove_artefact(self, request: ApiRequest) -> Response:
        """Delete a version that is not bound."""
        table = request.organisation.table(_ARTEFACTS)
        artefact = self._responder.find(request, table)
        if any(one.artefact is artefact for one in self._store(request).bindings.values()):
            raise ApiError(409, "The artefact is bound")
        del table[str(artefact["id"])]
        return Response(204, body=b"")

    def bindings(self, request: ApiRequest) -> Response:
        """List the desired-state bindings."""
        found = self._store(request).bindings.values()
        records = [self._binding_record(one) for one in found]
        return self._responder.many(request, "desired-state-bindings", records)

    def binding(self, request: ApiRequest) -> Response:
        """Return one binding."""
        return self._show(request, self._responder.find(request, self._store(request).bindings))

    def bind(self, request: ApiRequest) -> Response:
        """Assign a configuration to a target."""
        target_type = request.literal("targetType", TARGETS, None)
        target, organisation = request.text("targetId"), request.organisation
        among: dict[str, Mapping[str, object]] = {
            "DEVICE": organisation.devices,
            "COMPONENT": organisation.components,
            "DEVICE_GROUP": organisation.table("device-groups"),
            "DEVICE_PROFILE": organisation.table("device-profiles"),
            "SENSOR_PROFILE": organisation.table("sensor-profiles"),
        }
        self._responder.by_id(request, among[target_type], target)
        return self._bound(request, target_type, target)

    def rebind(self, request: ApiRequest) -> Response:
        """Assign another configuration to the same target."""
        before = self._responder.find(request, self._store(request).bindings)
        return self._bound(request, before.target_type, before.target)

    def unbind(self, request: ApiRequest) -> Response:
        """Delete a binding."""
        store = self._store(request)
        binding = self._responder.find(request, store.bindings)
        del store.bindings[binding.id]
        if binding.device is not None:
            params: Record = {"artefactId": binding.artefact["id"]}
            self._command_engine.send(store, binding.device, "UNBIND_CONFIG", params)
        return Response(204, body=b"")

    def _store(self, request: ApiRequest) -> CommandStore:
        return self._command_engine.of(request.organisation)

    def _let_in(self, organisation: Organisation, token: Token, now: int) -> Response:
        token.used, device = True, token.device
        device.restarted, device.firmware = now, "1.4.2"
        equip(self._responder.world, organisation, device)
        device.become("ACTIVE", now)
        return Response(
            201,
            {
                "deviceId": device.id,
                "certificate": "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n",
            },
        )

    def _bound(self, request: ApiRequest, target_type: str, target: str) -> Response:
        number = request.text("artefactId", "configArtefactId")
        artefact = self._responder.by_id(request, request.organisation.table(_ARTEFACTS), number)
        store = self._store(request)
        return self._show(
            request, self._command_engine.bind(store, target_type, target, artefact, request.now)
        )

    def _show(self, request: ApiRequest, binding: Binding) -> Response:
        record = self._binding_record(binding)
        return self._responder.one(request, "desired-state-bindings", record)

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
        if self._variants.reported == "nested":
            return record | {"reported": {"version": version, "status": status, "hash": known}}
        reported: Record = {"reportedVersion": version, "status": status, "reportedHash": known}
        return record | reported

    def _command_record(self, command: Command) -> Record:
        now = self._responder.world.now
        status = command.status(now)
        over = status in ("SUCCESS", "FAILED", "TIMEOUT")
        ended = command.gives_up if status == "TIMEOUT" else command.done
        return {
            "id": command.id,
            "deviceId": command.device.id,
            self._variants.command_name: command.method,
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
