"""Parse the requests of clients, and reject them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import json
import re
from typing import Literal

from simulators.response import JsonObject, Response
from simulators.server import Call

from .config import ApiVariants
from .movement import DAY
from .serializers import API_TYPE
from .state import Brand, Tester, User

type SignIn = Literal["open", "v1", "v2", "tester"]

SINCE = ("from", "since", "start", "start_date", "start_time", "date_from", "started_after")
UNTIL = ("to", "until", "end", "end_date", "end_time", "date_to", "started_before")
_SECONDS_AT_MOST = 100_000_000_000


class ApiError(Exception):
    """A rejected call. fields: problems by field of the body."""

    def __init__(
        self, status: int, reason: str = "", fields: Mapping[str, list[str]] | None = None
    ) -> None:
        """Refuse with a status, and a reason for people."""
        super().__init__(reason)
        self.status = status
        self.reason = reason or HTTPStatus(status).phrase
        self.fields = dict(fields or {})


@dataclass(slots=True)
class ApiRequest:
    """An API request of a signed-in user or tester.

    user, tester: one of them, by the sign-in. id, sub: the ids or names in the path. query: its
    parameters; those of JSON:API as `filter[x]` are also there as `x`. body: the fields sent, out
    of JSON:API or of an object around them.
    """

    call: Call
    now: int
    offset: int
    ignores_filters: bool
    user: User | None = None
    tester: Tester | None = None
    id: str = ""
    sub: str = ""
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, object] = field(default_factory=dict)

    @property
    def brand(self) -> Brand:
        """The brand that the call is about."""
        somebody = self.user or self.tester
        if somebody is None:
            raise ApiError(401)
        return somebody.brand

    @property
    def who(self) -> str:
        """The name of who calls."""
        somebody = self.user or self.tester
        return "" if somebody is None else somebody.name

    @property
    def number(self) -> int:
        """The id in the path as a number; 0 if it is none."""
        return int(self.id) if self.id.isdecimal() else 0

    def need_admin(self) -> None:
        """Refuse a standard user."""
        if self.user is not None and self.user.role != "admin":
            raise ApiError(403, "Only an administrator may do this")

    def filter(self, *names: str) -> set[str]:
        """Return what a filter names, an empty set for no filter."""
        if self.ignores_filters:
            return set()
        for name in names:
            for key in (name, f"{name}[]", f"{name}s", f"{name}s[]"):
                if value := self.query.get(key):
                    return {word.strip() for word in value.split(",") if word.strip()}
        return set()

    def period(self, default_days: float) -> tuple[int, int]:
        """Return [since, until) as asked for in one of many names; until now by default."""
        since, until = None, None
        if not self.ignores_filters:
            since = self._moment(SINCE, whole_day=False)
            until = self._moment(UNTIL, whole_day=True)
        end = self.now + 1 if until is None else until
        return (end - round(default_days * DAY) if since is None else since), end

    def text(self, name: str, *, most: int = 255) -> str:
        """Return a field of the body as text; 422 if it is missing or too long."""
        value = self.body.get(name)
        text = value.strip() if isinstance(value, str) else str(value or "")
        if not text:
            raise ApiError(422, "Validation failed", {name: ["can't be blank"]})
        if len(text) > most:
            problem = f"is too long (maximum is {most} characters)"
            raise ApiError(422, "Validation failed", {name: [problem]})
        return text

    def ids(self, name: str) -> list[int]:
        """Return the ids in a field, whatever their form."""
        value = self.body.get(name)
        items = value if isinstance(value, list) else [value]
        return [int(str(item)) for item in items if str(item).isdecimal()]

    def _moment(self, names: tuple[str, ...], *, whole_day: bool) -> int | None:
        for name in names:
            if text := self.query.get(name):
                return _moment(text, self.offset, whole_day=whole_day)
        return None


@dataclass(frozen=True, slots=True)
class Route:
    """A path, its method and what answers. resource: its name in `CloudConfig.absent`."""

    method: str
    pattern: re.Pattern[str]
    sign_in: SignIn
    resource: str
    answer: Callable[[ApiRequest], Response]


def route(
    method: str,
    paths: str,
    sign_in: SignIn,
    resource: str,
    answer: Callable[[ApiRequest], Response],
) -> Iterator[Route]:
    """Yield a route for each of the paths, parted by blanks; <id> and <sub> stand for words."""
    for path in paths.split():
        pattern = re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path) + "/?")
        yield Route(method, pattern, sign_in, resource, answer)


def body_of(call: Call) -> dict[str, object]:
    """Return the fields of a body: of a form, of JSON, of JSON:API, or of an object in JSON."""
    if "json" not in call.headers.get("Content-Type", ""):
        return {_inner(name): value for name, value in call.form.items()}
    try:
        sent = json.loads(call.body or b"{}")
    except ValueError as err:
        raise ApiError(400, "The body is not JSON") from err
    if not isinstance(sent, dict):
        raise ApiError(400, "The body is not a JSON object")
    if isinstance(data := sent.get("data"), dict):
        return _fields_of_resource(data)
    if len(sent) == 1 and isinstance(only := next(iter(sent.values())), dict):
        return only
    return sent


def query_of(call: Call) -> dict[str, str]:
    """Return the parameters, those in `filter[...]` also by their names."""
    query = dict(call.query)
    return {_inner(name): value for name, value in query.items() if "[" in name} | query


def refusal(err: ApiError, variants: ApiVariants, *, is_api: bool = False) -> Response:
    """Return the reply to a call that is refused."""
    reasons = [f"{_human(name)} {text}" for name, texts in err.fields.items() for text in texts]
    form = "jsonapi" if is_api and variants.errors != "html" else variants.errors
    match form:
        case "list":
            return Response(err.status, {"errors": reasons or [err.reason]})
        case "fields":
            return Response(err.status, {"errors": err.fields or {"base": [err.reason]}})
        case "jsonapi":
            return Response(err.status, {"errors": _api_errors(err)}, {"Content-Type": API_TYPE})
        case "html":
            page = f"<!DOCTYPE html><html><body><h1>{err.reason}</h1></body></html>".encode()
            return Response(err.status, None, {"Content-Type": "text/html; charset=utf-8"}, page)
    return Response(err.status, {"error": ", ".join(reasons) or err.reason})


def _api_errors(err: ApiError) -> list[JsonObject]:
    if not err.fields:
        return [{"status": str(err.status), "title": err.reason}]
    return [
        {
            "status": str(err.status),
            "title": err.reason,
            "detail": f"{_human(name)} {text}",
            "source": {"pointer": f"/data/attributes/{name}"},
        }
        for name, texts in err.fields.items()
        for text in texts
    ]


def _human(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _inner(name: str) -> str:
    """Return `x` for `filter[x]` or `session[x]`."""
    found = re.fullmatch(r"(?!page)\w+\[(\w+)\]", name)
    return found[1] if found else name


def _fields_of_resource(data: dict[str, object]) -> dict[str, object]:
    attributes, relations = data.get("attributes"), data.get("relationships")
    fields = dict(attributes) if isinstance(attributes, dict) else {}
    for role, relation in (relations if isinstance(relations, dict) else {}).items():
        if not isinstance(relation, dict):
            continue
        linked = relation.get("data")
        if isinstance(linked, dict):
            fields[f"{role}_id"] = linked.get("id")
        elif isinstance(linked, list):
            fields[f"{role.removesuffix('s')}_ids"] = [
                one.get("id") for one in linked if isinstance(one, dict)
            ]
    return fields


def _moment(text: str, offset: int, *, whole_day: bool) -> int:
    """Return a moment given as an ISO date or time, or as seconds or milliseconds."""
    try:
        if text.isdecimal():
            number = int(text)
            return number if number < _SECONDS_AT_MOST else number // 1000
        moment = datetime.fromisoformat(text)
        if len(text) == 10:
            moment = moment.replace(tzinfo=UTC) + timedelta(days=1 if whole_day else 0)
            return int(moment.timestamp()) - offset
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as err:
        raise ApiError(400, "A date or a time cannot be read") from err
