"""Parse the requests of clients."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
import json
import re

from simulators.response import Response
from simulators.server import Call

from .api_keys import ApiKey
from .errors import ApiError
from .state import Organisation
from .times import seconds_of

type Body = dict[str, object]

SINCE = ("from", "start", "since", "startTime", "fromTime", "startDate")
UNTIL = ("to", "end", "until", "endTime", "toTime", "endDate")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_NIL = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(slots=True)
class ApiRequest:
    """An API request with a valid key. now: seconds since the epoch. named: path parameters."""

    call: Call
    key: ApiKey
    now: int
    named: Mapping[str, str]
    body: Body = field(default_factory=dict)

    @property
    def organisation(self) -> Organisation:
        """Return the organisation of the key."""
        return self.key.organisation

    @property
    def query(self) -> Mapping[str, str]:
        """Return the query parameters."""
        return self.call.query

    def first(self, *names: str) -> str | None:
        """Return the first of these parameters that was sent."""
        return next((self.query[name] for name in names if self.query.get(name)), None)

    def period(self, default: int) -> tuple[int, int]:
        """Return the requested [since, until], under one of many names; by default the last `default` seconds."""
        since, until = (_moment(self._given(names)) for names in (SINCE, UNTIL))
        end = self.now if until is None else until
        return (end - default if since is None else since), end

    def length(self, *names: str, default: int) -> int:
        """Return a length of time: seconds, "15m", "1h", "PT1H", "1 hour" or "HOUR"."""
        text = self.first(*names)
        return default if text is None else length_of(text)

    def text(self, *names: str, optional: bool = False) -> str:
        """Return the first of these fields of the body as text; 400 if none is there."""
        for name in names:
            value = self.body.get(name)
            if isinstance(value, dict):
                value = value.get("id")
            if value not in (None, ""):
                return str(value)
        if optional:
            return ""
        raise ApiError(400, f"{names[0]} must not be blank")

    def literal(self, name: str, known: Container[str], otherwise: str | None, *more: str) -> str:
        """Return an enum literal; raise 400 if it is unknown, or missing and required."""
        text = self.text(name, *more, optional=otherwise is not None) or otherwise or ""
        if text not in known:
            raise ApiError(400, f"{name} is not one of the known")
        return text

    def moment(self, *names: str) -> int:
        """Return a time in one of these fields of the body; 400 if none is there."""
        found = _moment(self.text(*names))
        assert found is not None
        return found

    def _given(self, names: tuple[str, ...]) -> str | None:
        found = self.first(*names)
        if found is None:
            found = next((str(self.body[name]) for name in names if self.body.get(name)), None)
        return found


@dataclass(frozen=True, slots=True)
class Route:
    """A path below /api with its method and handler. group: its name in `CloudConfig.absent`."""

    method: str
    pattern: re.Pattern[str]
    group: str
    answer: Callable[[ApiRequest], Response]


def routes_of(table: Mapping[str, Callable[[ApiRequest], Response]]) -> Iterator[Route]:
    """Yield a route for each "METHOD /path/{name}", below /v1 unless it begins with two slashes.

    A third word is its group; else the path's first word is.
    """
    for written, answer in table.items():
        method, path, *group = written.split()
        whole = path[1:] if path.startswith("//") else f"/v1{path}"
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", whole) + "/?")
        first = path.lstrip("/").partition("/")[0]
        yield Route(method, pattern, group[0] if group else first, answer)


def body_of(call: Call) -> Body:
    """Return the JSON object in the body, {} for none; 415 or 400 for anything else."""
    if not call.body.strip():
        return {}
    if "json" not in call.headers.get("Content-Type", ""):
        raise ApiError(415)
    try:
        sent = json.loads(call.body)
    except ValueError as err:
        raise ApiError(400, "Failed to read request") from err
    if not isinstance(sent, dict):
        raise ApiError(400, "Failed to read request")
    return sent


def is_uuid(text: str) -> bool:
    """Return whether a text can be an id."""
    return _NIL.fullmatch(text) is not None


def length_of(text: str) -> int:
    """Return a length of time in seconds; 400 if it cannot be read."""
    word = text.strip().lower()
    if found := re.fullmatch(r"pt?(\d+)([smhdw])|(\d+)\s*([smhdw])?", word):
        return int(found[1] or found[3]) * _UNITS[found[2] or found[4] or "s"]
    if found := re.fullmatch(r"(?:last_)?(\d*)\s*(minute|hour|day|week)s?", word):
        return int(found[1] or 1) * _WORDS[found[2]]
    raise ApiError(400, "A length of time cannot be read")


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    found = seconds_of(text)
    if found is None:
        raise ApiError(400, "A time cannot be read")
    return found


def days(count: float) -> int:
    """Return days in seconds."""
    return round(timedelta(days=count).total_seconds())
