"""Provisioning, commands, configuration, and every group of which only the paths are known.

One method per call of the vendor's text. A record whose form is not documented is passed on as it comes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp.hdrs import METH_DELETE, METH_POST, METH_PUT

from ....client.decode import Row, identifier
from ....client.errors import InvalidFieldsError, UnexpectedResponseError, VendorError
from ....client.transport import loose
from ..models.control import (
    Annotation,
    Command,
    RegistrationToken,
    annotation_forms,
    masked_fields,
    read_command,
    read_token,
    read_upload,
)
from .api import Params, PlatformApi, is_missing, single

TOKENS: Final = "/devices/registration/tokens"
ARTEFACTS: Final = "/config-artefacts"
BINDINGS: Final = "/desired-state-bindings"
ANNOTATIONS: Final = "/annotations"
EVENTS: Final = "/events"

_MAX_COMMANDS: Final = 1_000
_MALFORMED: Final = frozenset({400, 422})


class ControlClient:
    """Commands and configuration of devices. Every method raises a `VendorError`; writes are never repeated."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        # How commands are asked for: all of a device's, or one by its id. The text shows the beginning of a path.
        self._has_list, self._has_single = True, True
        # Which of the likely forms of a body was taken, by what it is for.
        self._taken: dict[str, int] = {}

    # -- provisioning --

    async def create_token(self, device_name: str) -> RegistrationToken:
        """Make a token for a device to register with: POST /devices/registration/tokens."""
        body = {"deviceName": device_name}
        held = await self._api.send(
            METH_POST, TOKENS, body, permission="create registration tokens"
        )
        token = read_token(single(held) or {})
        if token is None:
            raise UnexpectedResponseError("the reply shows no token")
        return token

    # -- commands --

    async def send_command(
        self, device: str, method: str, params: Mapping[str, Any]
    ) -> Command | None:
        """Send a command: POST /devices/{id}/commands; None where the reply does not name it.

        The body's form is that of the command that the device gets by MQTT, or else has another word for its method.
        """
        path = f"/devices/{device}/commands"
        forms = [{name: method, "params": dict(params)} for name in ("method", "type", "command")]
        return _command(await self._offer("command", METH_POST, path, forms, "send commands"))

    async def get_command(self, device: str, command: str) -> Command | None:
        """Ask how far a command is: GET /devices/{id}/commands, or by the command's id where that is a call."""
        if self._has_single:
            try:
                return await self._one(device, command)
            except UnexpectedResponseError as err:
                if not is_missing(err):
                    raise
                self._has_single = not self._has_list
        if not self._has_list:
            return None
        try:
            return await self._listed(device, command)
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise
            self._has_list = False
            return None

    async def _listed(self, device: str, command: str) -> Command | None:
        path = f"/devices/{device}/commands"
        listed = await self._api.rows(path, permission="read commands", most=_MAX_COMMANDS)
        for row in listed.rows:
            if isinstance(row, dict) and identifier(row.get("id")) == command:
                return _command(row)
        return None

    async def _one(self, device: str, command: str) -> Command | None:
        path = f"/devices/{device}/commands/{command}"
        reply = await self._api.get(path, permission="read commands")
        return _command(single(loose(reply.body)))

    # -- configuration --

    async def request_upload(self, body: Mapping[str, Any]) -> str:
        """Ask where a large artefact can be put: POST /config-artefacts/upload-url; a signed address."""
        path = f"{ARTEFACTS}/upload-url"
        held = await self._api.send(METH_POST, path, body, permission="upload configuration")
        if isinstance(held, str):
            return held
        if (url := read_upload(single(held) or {})) is None:
            raise UnexpectedResponseError("the reply shows no address to upload to")
        return url

    async def bind(self, kind: str, target: str, artefact: str) -> Row | None:
        """Assign an artefact to a target: PUT /desired-state-bindings; the binding, where the reply shows it."""
        named = {"targetType": kind, "targetId": target}
        forms: list[dict[str, Any]] = [
            {**named, "artefactId": artefact},
            {**named, "configArtefactId": artefact},
            {"target": {"type": kind, "id": target}, "artefactId": artefact},
        ]
        return await self._offer("binding", METH_PUT, BINDINGS, forms, "assign configuration")

    # -- events and annotations --

    async def post_event(self, event: Mapping[str, Any]) -> Row | None:
        """Put an event onto the organisation's timeline: POST /events; the event, where the reply shows it."""
        plain = {key: value for key, value in event.items() if key != "title"}
        kind = plain.pop("type")
        forms = [dict(event), {**plain, "eventType": kind}, {**plain, "type": kind}]
        return await self._offer("event", METH_POST, EVENTS, forms, "post events")

    async def annotate(self, note: Annotation) -> Row | None:
        """Label a moment or a period: POST /annotations; the annotation, where the reply shows it."""
        forms = list(annotation_forms(note))
        return await self._offer("annotation", METH_POST, ANNOTATIONS, forms, "add annotations")

    # -- any group --

    async def rows(
        self, path: str, query: Params | None = None, *, most: int
    ) -> tuple[Sequence[object], bool]:
        """Return the records of a list, at most so many, and whether they are all there are."""
        listed = await self._api.rows(path, query, permission=_right("read", path), most=most)
        return listed.rows, listed.is_whole

    async def read(self, path: str) -> object:
        """Return what is at a path, whatever it is."""
        return loose((await self._api.get(path, permission=_right("read", path))).body)

    async def schema(self, profile: str) -> object:
        """Return a sensor profile as a DTDL interface: GET /api/schemas/sensor-profile/{id}, outside `/v1`."""
        path = f"/schemas/sensor-profile/{profile}"
        return loose((await self._api.raw(path, permission="read schemas")).body)

    async def create(self, path: str, body: Mapping[str, Any]) -> Row | None:
        """Add a record; the record, where the reply shows it."""
        return single(await self._api.send(METH_POST, path, body, permission=_right("add", path)))

    async def update(self, path: str, found: str, changes: Mapping[str, Any]) -> None:
        """Change some fields of a record and put all others back as they are at this moment.

        Raises Invalid, and writes nothing, where others are masked: the mask would take the place of what it hides.
        """
        self._api.forget(f"{path}/{found}")
        held = single(await self.read(f"{path}/{found}"))
        if held is None:
            raise UnexpectedResponseError("the reply is not of the expected shape")
        body = {**held, **changes}
        if masked := masked_fields(body):
            raise InvalidFieldsError(dict.fromkeys(masked, "is masked and has to be given"))
        await self._api.send(METH_PUT, f"{path}/{found}", body, permission=_right("change", path))

    async def delete(self, path: str, found: str) -> None:
        """Delete one record."""
        await self._api.send(METH_DELETE, f"{path}/{found}", permission=_right("delete", path))

    async def _offer(
        self,
        name: str,
        method: str,
        path: str,
        forms: Sequence[Mapping[str, Any]],
        permission: str,
    ) -> Row | None:
        """Send the first form of a body that is taken: what is refused for its form was not done.

        Raises the first refusal where none is taken.
        """
        taken = self._taken.get(name)
        refusal: VendorError | None = None
        for number in range(len(forms)) if taken is None else (taken,):
            try:
                row = single(
                    await self._api.send(method, path, forms[number], permission=permission)
                )
            except (UnexpectedResponseError, InvalidFieldsError) as err:
                if isinstance(err, UnexpectedResponseError) and err.status not in _MALFORMED:
                    raise
                refusal = refusal or err
            else:
                self._taken[name] = number
                return row
        raise refusal or UnexpectedResponseError("there is no form to be sent")


def _right(verb: str, path: str) -> str:
    """Return the permission that a path needs, in a few words, without any id."""
    words = [part for part in path.split("/") if part.replace("-", "").isalpha()]
    return f"{verb} {' '.join(words).replace('-', ' ')}"


def _command(row: Row | None) -> Command | None:
    if row is None:
        return None
    found = identifier(row.get("id")) or identifier(row.get("commandId"))
    return read_command(found, row) if found is not None else None
