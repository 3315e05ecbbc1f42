"""The calls of the SENSIT Connect API, in the order of the vendor's instructions."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from simulators.clock import from_micros
from simulators.response import JsonObject
from simulators.schedule import Report
from simulators.server import Call

from .config import TYPES, CloudConfig, MonitorType, Wrapper
from .malformed import DEVICE_QUIRKS, RECORD_QUIRKS, spoiled
from .monitors import FOR_EVER, Monitor
from .records import date_json, flattened, record_json, shown_date, values
from .state import World, object_id
from .time_windows import GIVEN_HOUR, ApiError, required, window, zone
from .tokens import Tokens, User

_OTHER: dict[MonitorType, MonitorType] = {"SPOD": "FMD", "FMD": "RAMP", "RAMP": "SPOD"}
_WRONG_RECORDS: dict[str, object] = {
    "null": None,
    "empty": {},
    "text": "no record",
    "number": 17,
    "list": [],
}


@dataclass(slots=True)
class Counts:
    """The number of successful and of rejected sign-ins."""

    sign_ins: int = 0
    refused_sign_ins: int = 0


class Api:
    """Answers the calls; each returns what is sent as JSON, or raises ApiError."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        """Work on a world."""
        self._world = world
        self._tokens = tokens
        self.counts = Counts()

    @property
    def _config(self) -> CloudConfig:
        return self._world.config

    def answer(self, call: Call) -> object:
        """Answer one call."""
        if (call.method, call.path) == ("POST", "/users/signin"):
            return self.sign_in(call)
        answer = self._routes().get((call.method, call.path))
        if answer is None:
            raise ApiError(404, f"Cannot {call.method} {call.path}")
        return answer(call, self._user(call))

    def sign_in(self, call: Call) -> JsonObject:
        """POST /users/signin, a JSON object or a form."""
        config = self._config
        user = self._world.users.get(call.form.get("email", ""))
        if user is None or user.locked or call.form.get("password") != user.password:
            self.counts.refused_sign_ins += 1
            raise ApiError(int(config.variants.refused_sign_in), "Invalid email or password")
        self.counts.sign_ins += 1
        shown: JsonObject = {"id": user.id, "role": user.role}
        if config.variants.user == "full":
            shown |= {"email": user.email, "displayName": user.name, "status": "Active"}
        now = self._world.clock.micros() // 1_000_000
        return {
            "accessToken": self._tokens.issue(user, now),
            "user": shown,
            "message": "Signed in successfully",
        }

    def get_devices(self, call: Call, user: User) -> object:
        """GET /clients/getDevicesFromDeviceTypeAndRole: what the user sees."""
        kind = required(call.query, "DeviceType")
        if required(call.query, "Role") != user.role:
            raise ApiError(403, "This role is not yours")
        if required(call.query, "UserId") != user.id:
            raise ApiError(403, "This user is not you")
        listed: list[object] = []
        for monitor in self._world.visible(user):
            if kind in ("ALL", monitor.type):
                listed += self._listed(monitor)
        return self._wrapped(listed, self._config.variants.devices)

    def get_log(self, kind: MonitorType, most: timedelta | None, call: Call, user: User) -> object:
        """POST /sensors-data/get<TYPE>DeviceLogForGivenHour and ...BetweenTimePeriod."""
        variants = self._config.variants
        since, until = window(call.form, variants, most)
        monitor = self._monitor(kind, call, user)
        if monitor is None:
            return self._wrapped([], variants.logs)
        now = self._world.clock.micros()
        records: list[object] = []
        for report in monitor.reports(since, until, now):
            record = self._record(monitor, report)
            records += [record, record] if "twice" in monitor.quirks else [record]
        return self._wrapped(self._ordered(records), variants.logs)

    def get_dates(self, kind: MonitorType, call: Call, user: User) -> object:
        """POST /sensors-data/get<TYPE>DataAvailableDates: days of a time zone, with counts."""
        local = zone(required(call.form, "Timezone"))
        variants = self._config.variants
        monitor = self._monitor(kind, call, user)
        if monitor is None:
            return self._wrapped([], variants.dates)
        now = self._world.clock.micros()
        counts: Counter[tuple[int, int, int]] = Counter()
        last: dict[tuple[int, int, int], datetime] = {}
        for report in monitor.reports(0, FOR_EVER, now):
            moment = shown_date(monitor, report)
            there = moment.astimezone(local)
            day = (there.year, there.month, there.day)
            counts[day] += 1
            last[day] = moment
        days: list[object] = [
            {
                "_id": {"month": month, "day": day, "year": year},
                "count": counts[year, month, day],
                "date": date_json(last[year, month, day], variants.date),
            }
            for year, month, day in counts
        ]
        return self._wrapped(self._ordered(days), variants.dates)

    def _routes(self) -> dict[tuple[str, str], Callable[[Call, User], object]]:
        routes: dict[tuple[str, str], Callable[[Call, User], object]] = {
            ("GET", "/clients/getDevicesFromDeviceTypeAndRole"): self.get_devices
        }
        for kind in TYPES:
            path = f"/sensors-data/get{kind}"
            routes |= {
                ("POST", f"{path}DeviceLogForGivenHour"): partial(self.get_log, kind, GIVEN_HOUR),
                ("POST", f"{path}DeviceLogBetweenTimePeriod"): partial(self.get_log, kind, None),
                ("POST", f"{path}DataAvailableDates"): partial(self.get_dates, kind),
            }
        return routes

    def _user(self, call: Call) -> User:
        """Return whose token it is; 401 without one that works."""
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        now = self._world.clock.micros() // 1_000_000
        email = self._tokens.email(token.strip(), now) if scheme.lower() == "bearer" else None
        user = self._world.users.get(email or "")
        if user is None or user.locked:
            raise ApiError(401, "The token is missing, invalid or expired")
        return user

    def _monitor(self, kind: MonitorType, call: Call, user: User) -> Monitor | None:
        """Return the monitor that is asked for; None if there is none of that type."""
        uuid = required(call.form, "DeviceId")
        monitor = self._world.monitors.get(uuid)
        if monitor is None or monitor.type != kind:
            return None
        if not user.may_see(uuid):
            raise ApiError(403, "This device is not yours")
        return monitor

    def _listed(self, monitor: Monitor) -> list[object]:
        """Return a monitor's entry in the device list; two of one uuid if it is ordered so."""
        entry = self._device(monitor)
        listed = [spoiled(entry, monitor.quirks, DEVICE_QUIRKS)]
        if "same_uuid" in monitor.quirks:
            listed.append(entry | {"_id": "0" * 24, "name": "The other one"})
        return listed

    def _device(self, monitor: Monitor) -> JsonObject:
        now = self._world.clock.micros()
        newest = monitor.newest(now)
        volts, charging = self._power(monitor, now)
        percent = max(0, min(100, round((volts - 11.8) / 1.4 * 100)))
        device: JsonObject = {
            "_id": object_id(monitor.seed, 0),
            "uuid": monitor.uuid,
            "key": monitor.key,
            "name": monitor.name,
            "location": monitor.location,
            "picture": monitor.picture,
            "status": monitor.status,
            "type": monitor.type,
            "isUTCTimeZone": False,
            "isFirmwareUpdateRequire": monitor.firmware_update,
            "isCharging": charging,
            "lastReceivedRecord": None,
            "battery": {"percent": percent, "zero": 0, "volts": volts}[
                self._config.variants.battery
            ],
        }
        form = monitor.last_record or self._config.variants.last_record
        if form == "absent":
            del device["lastReceivedRecord"]
        else:
            device["lastReceivedRecord"] = self._last_record(monitor, newest, form, now)
        return device

    def _last_record(self, monitor: Monitor, newest: Report | None, form: str, now: int) -> object:
        if form in _WRONG_RECORDS:
            return _WRONG_RECORDS[form]
        report = monitor.received(now) if form == "received" else newest
        if report is None:
            return None
        if form == "other_type":
            return record_json(monitor, report, self._config.variants, _OTHER[monitor.type])
        return self._record(monitor, report)

    def _record(self, monitor: Monitor, report: Report) -> object:
        record = record_json(monitor, report, self._config.variants)
        return spoiled(record, monitor.quirks, RECORD_QUIRKS)

    def _power(self, monitor: Monitor, now: int) -> tuple[float, bool]:
        """Return a monitor's battery in volts, and whether the sun charges it."""
        sun = monitor.air(now).sun
        return round(12.35 + 0.75 * sun, 2), sun > 0.05

    def _ordered[Item](self, items: list[Item]) -> list[Item]:
        """Put what is oldest first into the order that the plan wants."""
        match self._config.variants.order:
            case "newest":
                return items[::-1]
            case "mixed":
                return items[1::2] + items[::2][::-1]
        return items

    def _wrapped(self, items: list[object], wrapper: Wrapper) -> object:
        shown = None if not items and self._config.variants.empty == "null" else items
        return {"data": shown} if wrapper == "data" else shown


def truth_json(monitor: Monitor, report: Report) -> JsonObject:
    """Return what a record says, whatever the forms: times in UTC, fields by dotted path."""
    return {
        "date": shown_date(monitor, report).isoformat(),
        "received": from_micros(report.stored).isoformat(),
        "values": flattened(values(monitor, report.date, monitor.config.variants)),
    }
