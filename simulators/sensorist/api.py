"""The 16 calls of the API (document, sections 4 to 6), in the document's order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
import re
from urllib.parse import urlsplit

from simulators.clock import EPOCH, to_micros
from simulators.response import JsonObject, Response
from simulators.server import Call

from .alarms import Alarms
from .callbacks import Callbacks
from .fixtures import add_user, build_sensor
from .measurements_routes import measurements
from .parameters import ApiError, decimal, ids, is_set, moment, number, required, words
from .serializers import gateway_json, sensor_json, user_json
from .state import Gateway, Sensor, Source, User, World
from .workflows import Workflow, WorkflowError, WorkflowKind, Workflows


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call, the user it runs as and the id in its path, if it has one."""

    call: Call
    user: User
    id: int | None


type Method = Callable[[Api, ApiRequest], JsonObject]


@dataclass(slots=True)
class Api:
    """The calls of the API and the state they work on."""

    world: World
    alarms: Alarms
    callbacks: Callbacks
    workflows: Workflows

    def get_users(self, request: ApiRequest) -> JsonObject:
        """4.1: the user; with `list` all users in the hierarchy."""
        config = self.world.config
        if not is_set(request.call.query, "list"):
            return {"user": user_json(request.user, config)}
        users = self.world.below(request.user.id)
        if config.variants.list_own_user:
            users.insert(0, request.user)
        return {config.variants.list_key: [user_json(user, config) for user in users]}

    def get_gateways(self, request: ApiRequest) -> JsonObject:
        """4.2: the device tree."""
        query = request.call.query
        serials = words(query.get("serials", ""))
        since = moment(query.get("from"))
        slaves = is_set(query, "with_slaves")
        return {
            "gateways": [
                gateway_json(gateway)
                for gateway in self.world.gateways_of(request.user.id)
                if (slaves or gateway.master_id is None)
                and (not serials or gateway.serial in serials)
                and (since is None or gateway.added > to_micros(since))
            ]
        }

    def get_measurements(self, request: ApiRequest) -> JsonObject:
        """4.3: measurements of data sources of one gateway."""
        asked, kind = required(request.call.query, "data_sources", "type")
        found = (self.world.source_of(request.user.id, number) for number in ids(asked))
        sources = [source for source in found if source is not None]
        gateways = list(dict.fromkeys(source.sensor.gateway.id for source in sources))
        if len(gateways) > 1:
            if self.world.config.variants.mixed_gateways == "refused":
                raise ApiError(400, "The data sources must belong to the same gateway")
            sources = [source for source in sources if source.sensor.gateway.id == gateways[0]]
        now = self.world.clock.now()
        return measurements(kind, sources, request.call.query, now, self.world.config)

    def get_alarms(self, request: ApiRequest) -> JsonObject:
        """4.4: the alarms and their most recent logs."""
        config = self.world.config
        return {"alarms": [alarm.json(config) for alarm in self.alarms.of(request.user.id)]}

    def get_alarm_history(self, request: ApiRequest) -> JsonObject:
        """4.5: alarm logs, newest first; without a period all of them."""
        query = request.call.query
        wanted = ids(query.get("alarms", ""))
        since = moment(query.get("from")) or EPOCH
        until = moment(query.get("to")) or self.world.clock.now()
        logs = self.alarms.history(request.user.id, since, until)
        config = self.world.config
        return {"logs": [log.json(config) for log in logs if not wanted or log.alarm in wanted]}

    def get_callbacks(self, request: ApiRequest) -> JsonObject:
        """4.6: the registered callbacks."""
        return {"callbacks": [callback.json() for callback in self.callbacks.of(request.user.id)]}

    def get_workflow(self, request: ApiRequest) -> JsonObject:
        """4.7: one workflow."""
        flow = self.workflows.get(request.user.id, request.id or 0)
        if flow is None:
            raise ApiError(404, "No such workflow")
        return {"workflow": flow.json()}

    def post_user(self, request: ApiRequest) -> JsonObject:
        """5.1: a new user, below the one who creates it."""
        email, password, fname, lname = required(
            request.call.form, "email", "password", "fname", "lname"
        )
        if any(user.email == email for user in self.world.users.values()):
            raise ApiError(409, "The e-mail address is taken")
        user = add_user(self.world, email, password, fname, lname, parent=request.user.id)
        return {"user": user_json(user, self.world.config)}

    def post_gateway(self, request: ApiRequest) -> JsonObject:
        """5.2: claim a gateway by its serial number."""
        (serial,) = required(request.call.form, "serial")
        for gateway in self.world.gateways.values():
            if gateway.serial == serial:
                break
        else:
            raise ApiError(404, "No gateway has this serial number")
        if gateway.owner is not None:
            raise ApiError(409, "The gateway belongs to an account")
        gateway.owner = request.user.id
        gateway.added = to_micros(self.world.clock.now())
        gateway.title = request.call.form.get("name") or gateway.title
        return {"gateway": gateway_json(gateway)}

    def post_gateway_update(self, request: ApiRequest) -> JsonObject:
        """5.3: rename a gateway."""
        gateway = self._gateway(request)
        gateway.title = request.call.form.get("name") or gateway.title
        return {"gateway": gateway_json(gateway)}

    def post_command(self, request: ApiRequest) -> JsonObject:
        """5.4: reboot a gateway, or let it pair the sensors that wait for it."""
        gateway = self._gateway(request)
        (command,) = required(request.call.form, "command")
        if command not in ("reboot", "pairing_start"):
            raise ApiError(400, "command is reboot or pairing_start")

        def work() -> JsonObject:
            self._reach(gateway)
            paired = self.world.config.pairing_finds if command == "pairing_start" else 0
            new = [build_sensor(gateway).id for _ in range(paired)]
            return {"command": command, "sensors": new}

        return {"workflow": self._begin(request, "gateway_command", work).json()}

    def post_sensor(self, request: ApiRequest) -> JsonObject:
        """5.5: rename a sensor, or change how often it measures, which takes a workflow."""
        sensor = self._sensor(request)
        config, form = self.world.config, request.call.form
        interval = number(form, "interval")
        if interval is None:
            sensor.title = form.get("name") or sensor.title
            return {"sensor": sensor_json(sensor)}
        if not config.may_set_interval:
            raise ApiError(403, "Changing the interval needs a privilege")
        if interval <= 0:
            raise ApiError(400, "interval is a number of seconds above 0")
        sensor.title = form.get("name") or sensor.title
        flow = self._change_interval(request, sensor, interval)
        match config.variants.sensor_update:
            case "sensor":
                return {"sensor": sensor_json(sensor)}
            case "workflow":
                return {"workflow": flow.json()}
        return {"sensor": sensor_json(sensor), "workflow": flow.json()}

    def post_alarm(self, request: ApiRequest) -> JsonObject:
        """5.6: a new alarm."""
        form = request.call.form
        source_id, value, direction = required(form, "data_source", "value", "direction")
        delay = number(form, "delay") or 0
        if direction not in ("above", "below"):
            raise ApiError(400, "direction is above or below")
        if delay < 0:
            raise ApiError(400, "delay is a number of minutes")
        threshold = decimal(value)
        source = self.world.source_of(request.user.id, ids(source_id)[0])
        if source is None:
            raise ApiError(404, "No such data source")
        now = self.world.clock.now()
        alarm = self.alarms.create(
            request.user.id,
            source,
            value=threshold,
            direction="above" if direction == "above" else "below",
            delay=delay,
            now=now,
        )
        return {"alarm": alarm.json(self.world.config)}

    def post_callback(self, request: ApiRequest) -> JsonObject:
        """5.7: register a URL."""
        url, _ = required(request.call.form, "url", "type")
        kind = number(request.call.form, "type") or 0
        if urlsplit(url).scheme not in ("http", "https"):
            raise ApiError(400, "url is an http or https address")
        if not 1 <= kind <= 7:
            raise ApiError(400, "type is a sum of 1, 2 and 4")
        return {"callback": self.callbacks.create(request.user.id, url, kind).json()}

    def delete_alarms(self, request: ApiRequest) -> JsonObject:
        """6.1: one alarm; without an id all of them."""
        if not self.alarms.delete(request.user.id, request.id) and request.id is not None:
            raise ApiError(404, "No such alarm")
        return {}

    def delete_callbacks(self, request: ApiRequest) -> JsonObject:
        """6.2: one callback; without an id all of them."""
        if not self.callbacks.delete(request.user.id, request.id) and request.id is not None:
            raise ApiError(404, "No such callback")
        return {}

    def _gateway(self, request: ApiRequest) -> Gateway:
        gateway = self.world.gateways.get(request.id or 0)
        if gateway is None or gateway.owner != request.user.id:
            raise ApiError(404, "No such gateway")
        return gateway

    def _sensor(self, request: ApiRequest) -> Sensor:
        sensor = self.world.sensors.get(request.id or 0)
        if (
            sensor is None
            or sensor.gateway.owner != request.user.id
            or sensor.gateway.id not in self.world.gateways
        ):
            raise ApiError(404, "No such sensor")
        return sensor

    def _change_interval(self, request: ApiRequest, sensor: Sensor, interval: int) -> Workflow:
        """Show the new interval at once; the sensor keeps it when the workflow is done."""
        sampled = [source for source in sensor.sources if source.kind.subtype == "digital"]
        before = {source.id: source.interval for source in sampled}
        for source in sampled:
            source.interval = interval

        def work() -> JsonObject:
            try:
                self._reach(sensor.gateway)
            except WorkflowError:
                _restore(sampled, before)
                raise
            for source in sampled:
                sensor.set_cycle(source, interval)
            return {"interval": interval}

        return self._begin(request, "sensor_interval", work)

    def _begin(
        self, request: ApiRequest, kind: WorkflowKind, work: Callable[[], JsonObject]
    ) -> Workflow:
        now = self.world.clock.now()
        due = now + timedelta(seconds=self.world.config.command_seconds)
        return self.workflows.begin(request.user.id, kind, work, now=now, due=due)

    def _reach(self, gateway: Gateway) -> None:
        if not gateway.online:
            raise WorkflowError("The gateway is offline")
        if self.world.config.commands_fail:
            raise WorkflowError("The device did not answer")


def _restore(sources: list[Source], intervals: dict[int, int]) -> None:
    for source in sources:
        source.interval = intervals[source.id]


ROUTES: tuple[tuple[str, re.Pattern[str], Method], ...] = tuple(
    (method, re.compile(path.replace("<id>", r"(?P<id>\d+)")), call)
    for method, path, call in (
        ("GET", "/users", Api.get_users),
        ("GET", "/gateways", Api.get_gateways),
        ("GET", "/measurements", Api.get_measurements),
        ("GET", "/alarms", Api.get_alarms),
        ("GET", "/alarms/history", Api.get_alarm_history),
        ("GET", "/callbacks", Api.get_callbacks),
        ("GET", "/workflows/<id>", Api.get_workflow),
        ("POST", "/users", Api.post_user),
        ("POST", "/gateways", Api.post_gateway),
        ("POST", "/gateways/<id>", Api.post_gateway_update),
        ("POST", "/gateways/<id>/commands", Api.post_command),
        ("POST", "/sensors/<id>", Api.post_sensor),
        ("POST", "/alarms", Api.post_alarm),
        ("POST", "/callbacks", Api.post_callback),
        ("DELETE", "/alarms", Api.delete_alarms),
        ("DELETE", "/alarms/<id>", Api.delete_alarms),
        ("DELETE", "/callbacks", Api.delete_callbacks),
        ("DELETE", "/callbacks/<id>", Api.delete_callbacks),
    )
)


def route(call: Call) -> tuple[Method, int | None]:
    """Return the call's method and the id in its path; 404 or 405 if the document has none."""
    status = HTTPStatus.NOT_FOUND
    for method, pattern, api_method in ROUTES:
        if (found := pattern.fullmatch(call.path)) is None:
            continue
        if method == call.method:
            number = found.groupdict().get("id")
            return api_method, None if number is None else int(number)
        status = HTTPStatus.METHOD_NOT_ALLOWED
    raise ApiError(status, status.phrase)


def refusal(status: int, reason: str, form: str) -> Response:
    """Return an error reply in one of the forms of `Forms.error_body`."""
    headers = {"Cache-Control": "no-cache, private"}
    match form:
        case "bare":
            return Response(status, {"error": reason}, headers)
        case "html":
            headers["Content-Type"] = "text/html; charset=utf-8"
            return Response(
                status, headers=headers, body=f"<html><h1>{reason}</h1></html>".encode()
            )
        case "empty":
            return Response(status, headers=headers, body=b"")
    payload: JsonObject = {"code": status, "max_age": 0, "time": 0.001, "error": reason}
    return Response(status, payload, headers)
