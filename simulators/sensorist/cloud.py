"""The simulated Sensorist cloud: sign-in, envelope, cache headers, handles for tests."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
import hashlib
from http import HTTPStatus
from time import perf_counter

from simulators.clock import Clock, to_micros
from simulators.faults import http_date
from simulators.response import JsonObject, Response, encode
from simulators.server import Call, VendorCloud

from .alarms import Alarm, AlarmLog, Alarms
from .api import Api, ApiRequest, refusal, route
from .callbacks import ALARM, BUTTON, SYSTEM, Callbacks
from .config import CloudConfig
from .fixtures import build_gateway, build_world
from .parameters import ApiError
from .serializers import measurement_json
from .state import BUTTON as PRESSED
from .state import Gateway, Measurement, Sensor, Source, User, World
from .workflows import Workflows


class SensoristCloud(VendorCloud):
    """A simulated Sensorist cloud with one default account (`username`, `password`)."""

    name = "sensorist"
    base_path = "/v1"

    def __init__(self, config: CloudConfig | None = None, clock: Clock | None = None) -> None:
        """Build the world of `config` as it is now by `clock`."""
        super().__init__(clock)
        self.config = config or CloudConfig()
        self.world: World = build_world(self.config, self.clock)
        self.callbacks = Callbacks(self.config)
        self.alarms = Alarms(self.config, self._notify_alarm)
        self.world.revised = lambda source: self.alarms.recheck(source, self.clock.now())
        self.workflows = Workflows()
        self._api = Api(self.world, self.alarms, self.callbacks, self.workflows)
        self._changed: dict[tuple[int, str], tuple[str, datetime]] = {}

    @property
    def username(self) -> str:
        """The default account's e-mail address."""
        return self.user.email

    @property
    def password(self) -> str:
        """The default account's password."""
        return self.user.password

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials of the default account."""
        return {"username": self.username, "password": self.password}

    @property
    def user(self) -> User:
        """The default account's user."""
        return next(iter(self.world.users.values()))

    @property
    def users(self) -> list[User]:
        """Every user, the default one first."""
        return list(self.world.users.values())

    @property
    def gateways(self) -> list[Gateway]:
        """The default account's gateways, slaves too; live objects."""
        return self.world.gateways_of(self.user.id)

    @property
    def spare_gateways(self) -> list[Gateway]:
        """Gateways that nobody has claimed yet; their serial numbers may be posted."""
        return [gateway for gateway in self.world.gateways.values() if gateway.owner is None]

    def gateways_of(self, user: User) -> list[Gateway]:
        """Return a user's gateways, slaves too; live objects."""
        return self.world.gateways_of(user.id)

    def sources(self, kind: str | None = None) -> list[Source]:
        """Return the default account's data sources, all or of one kind."""
        return [
            source
            for gateway in self.gateways
            for source in gateway.sources
            if kind in (None, source.kind.name)
        ]

    def find_source(self, kind: str = "temp", n: int = 0) -> Source:
        """Return the n-th data source of a kind."""
        return self.sources(kind)[n]

    def add_gateway(
        self,
        title: str | None = None,
        sensors: int | None = None,
        kinds: tuple[str, ...] | None = None,
        master_id: int | None = None,
        user: User | None = None,
    ) -> Gateway:
        """Give a user (default: the default one) a new gateway, which reports from now on."""
        owner = (user or self.user).id
        gateway = build_gateway(self.world, owner, self.clock.micros(), sensors, kinds)
        gateway.title = title or gateway.title
        gateway.master_id = master_id
        return gateway

    def remove_gateway(self, gateway_id: int) -> Gateway:
        """Take a gateway off its account; KeyError if there is none."""
        gateway = self.world.gateways.pop(gateway_id)
        self.world.removed[gateway_id] = gateway
        return gateway

    def restore_gateway(self, gateway_id: int) -> Gateway:
        """Put a removed gateway back."""
        gateway = self.world.removed.pop(gateway_id)
        self.world.gateways[gateway_id] = gateway
        self.world.gateways = dict(sorted(self.world.gateways.items()))
        return gateway

    def truth(self, source_id: int) -> Measurement | None:
        """Return the newest measurement that a client could see now."""
        source = self.world.sources[source_id]
        if source.sensor.gateway.id not in self.world.gateways:
            return None
        return source.newest(self.clock.micros())

    def history(self, source_id: int, since: datetime, until: datetime) -> list[Measurement]:
        """Return the measurements dated in [since, until] that a client could see now."""
        source = self.world.sources[source_id]
        if source.sensor.gateway.id not in self.world.gateways:
            return []
        return source.between(to_micros(since), to_micros(until), self.clock.micros())

    def report(self, source_id: int, value: object) -> Measurement | None:
        """Store one extra regular measurement dated now."""
        row = self.world.sources[source_id].add(1, value)
        self.settle()
        return row

    def press_button(self, sensor: Sensor) -> list[Measurement]:
        """Press a sensor's button: it measures at once, and callbacks of type 1 are called."""
        now = self.clock.now()
        rows: list[Measurement] = []
        for source in sensor.sources:
            if source.kind.subtype is None or (row := source.add(PRESSED)) is None:
                continue
            rows.append(row)
            data: JsonObject = {"data_source": source.id, "measurement": measurement_json(row)}
            self._notify(sensor.gateway, BUTTON, data, now)
        self.settle()
        return rows

    def system_notice(
        self,
        device: Sensor | Gateway,
        code: str = "battery_low",
        message: str = "The battery is low",
    ) -> None:
        """Tell callbacks of type 4 something about a device."""
        gateway = device.gateway if isinstance(device, Sensor) else device
        data: JsonObject = {"device": device.id, "code": code, "message": message}
        self._notify(gateway, SYSTEM, data, self.clock.now())
        self.settle()

    def settle(self) -> None:
        """Finish workflows, evaluate alarms and post notifications, as far as the clock says."""
        now = self.clock.now()
        self.workflows.settle(now)
        self.alarms.settle(now)
        self.callbacks.settle(now)

    async def settled(self) -> None:
        """Settle, and wait until what was posted has arrived."""
        self.settle()
        await self.callbacks.drain()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on `port` (0: a free one)."""
        await self.callbacks.start()
        await super().start(port, host)

    async def stop(self) -> None:
        """Stop listening and sending."""
        await super().stop()
        await self.callbacks.stop()

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return the name in the Authorization header."""
        credentials = _basic(headers)
        return None if credentials is None else credentials[0]

    def refused(self, status: int) -> Response:
        """Return the vendor's error response to a request that a fault rejects."""
        return refusal(status, "The request was refused", self.config.variants.error_body)

    def answer(self, call: Call) -> Response:
        """Answer one call."""
        began = perf_counter()
        try:
            user = self._acting_user(call)
            method, number = route(call)
            payload = method(self._api, ApiRequest(call, user, number))
        except ApiError as err:
            response = refusal(err.status, err.reason, self.config.variants.error_body)
            if err.status == HTTPStatus.UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = 'Basic realm="Sensorist"'
            return response
        return self._enveloped(call, user, payload, began)

    def _enveloped(self, call: Call, user: User, payload: JsonObject, began: float) -> Response:
        exact = self.world.has_overrides
        payload = {self.config.variants.keys.get(key, key): value for key, value in payload.items()}
        if call.method == "DELETE" and self.config.variants.delete_body == "none":
            return Response(204, body=b"")
        if call.method != "GET":
            envelope: JsonObject = {"code": 200, "max_age": 0, "time": _took(began)}
            return Response(200, envelope | payload, {"Cache-Control": "no-cache, private"})
        max_age = self.config.max_age_of(call.path)
        headers = {"Cache-Control": f"max-age={max_age}, private"}
        if (self.config.etag or self.config.last_modified) and self._unchanged(
            call, user, payload, headers
        ):
            return Response(304, headers=headers, body=b"")
        envelope = {"code": 200, "max_age": max_age, "time": _took(began)}
        return Response(200, envelope | payload, headers, exact=exact)

    def _unchanged(
        self, call: Call, user: User, payload: JsonObject, headers: dict[str, str]
    ) -> bool:
        """Put the validators into `headers`; tell whether the client has sent the same ones."""
        resource = (user.id, f"{call.path}?{sorted(call.query.items())}")
        content = encode(payload, exact=self.world.has_overrides)
        tag = f'"{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"'
        if resource not in self._changed or self._changed[resource][0] != tag:
            self._changed[resource] = tag, self.clock.now()
        modified = http_date(self._changed[resource][1])
        if self.config.etag:
            headers["ETag"] = tag
        if self.config.last_modified:
            headers["Last-Modified"] = modified
        if "If-None-Match" in call.headers:
            return self.config.etag and tag in call.headers["If-None-Match"]
        return self.config.last_modified and call.headers.get("If-Modified-Since") == modified

    def _acting_user(self, call: Call) -> User:
        """Return the user a call runs as, `impersonate` considered."""
        credentials = _basic(call.headers)
        user = next(
            (
                user
                for user in self.world.users.values()
                if (user.email, user.password) == credentials
            ),
            None,
        )
        if user is None:
            raise ApiError(401, "Wrong e-mail address or password")
        wanted = call.query.get("impersonate") or call.form.get("impersonate")
        if not wanted:
            return user
        other = self.world.users.get(int(wanted)) if wanted.isdecimal() else None
        allowed = self.config.may_impersonate and other in (user, *self.world.below(user.id))
        if other is not None and allowed:
            return other
        if self.config.variants.refused_impersonation == "ignored":
            return user
        raise ApiError(403, "Not allowed to impersonate this user")

    def _notify_alarm(self, alarm: Alarm, log: AlarmLog) -> None:
        data: JsonObject = {"alarm": alarm.json(self.config), "log": log.json(self.config)}
        self.callbacks.notify(alarm.owner, ALARM, data, self.clock.now())

    def _notify(self, gateway: Gateway, kind: int, data: JsonObject, now: datetime) -> None:
        if gateway.owner is not None:
            self.callbacks.notify(gateway.owner, kind, data, now)


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return name and password, which may hold colons, from a Basic header in UTF-8."""
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = b64decode(encoded).decode().partition(":")
    except Base64Error, UnicodeDecodeError:
        return None
    return (name, password) if colon else None


def _took(began: float) -> float:
    return round(max(0.001, perf_counter() - began), 3)
