"""Serialize records in the variants of `ApiVariants`.

No shape here is stated by the vendor, but for people assets and that some of V2 is JSON:API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
import re
from urllib.parse import urlencode

from simulators.response import JsonObject, Response
from simulators.signing import sealed

from .config import CloudConfig, Pages
from .geometry import Position

API_TYPE = "application/vnd.api+json"
_UNDERSCORE = re.compile("_([a-z0-9])")


@dataclass(frozen=True, slots=True)
class Ref:
    """A record that another one names."""

    kind: str
    id: int
    name: str | None = None


@dataclass(slots=True)
class Record:
    """A record before it has a shape. kind: in snake_case, for one of it. refs: by their role."""

    kind: str
    id: int
    fields: JsonObject = field(default_factory=dict)
    refs: dict[str, Ref | list[Ref] | None] = field(default_factory=dict)


class Serializer:
    """Gives records the shape that the plan wants."""

    def __init__(self, config: CloudConfig) -> None:
        """Read the plan's forms at every record."""
        self._config = config

    def time(self, at: int | None) -> object:
        """Return a moment in the plan's form."""
        if at is None:
            return None
        match self._config.variants.times:
            case "s":
                return at
            case "ms":
                return at * 1000
            case "offset":
                zone = timezone(timedelta(hours=self._config.offset_hours))
                return datetime.fromtimestamp(at, zone).isoformat(timespec="milliseconds")
            case "naive":
                return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def place(self, position: Position | None) -> JsonObject:
        """Return the fields of a position."""
        latitude, longitude = position or (None, None)
        match self._config.variants.positions:
            case "nested":
                return {"position": position and {"lat": latitude, "lng": longitude}}
            case "geojson":
                point = {"type": "Point", "coordinates": [longitude, latitude]}
                return {"location": position and point}
        return {"latitude": latitude, "longitude": longitude}

    def length(self, seconds: int | None) -> JsonObject:
        """Return the field of a length, or none."""
        match self._config.variants.durations:
            case "ms":
                return {"duration_ms": None if seconds is None else seconds * 1000}
            case "none":
                return {}
        return {"duration": seconds}

    def runtime(self, seconds: float) -> JsonObject:
        """Return the field of a runtime."""
        if self._config.variants.runtime == "seconds":
            return {"runtime_seconds": round(seconds)}
        return {"runtime_hours": round(seconds / 3600, 3)}

    def acknowledgement(self, at: int | None) -> JsonObject:
        """Return the fields that say whether the driver has acknowledged, and when."""
        told = {"acknowledged_at": self.time(at)}
        match self._config.variants.acknowledgement:
            case "time":
                return told
            case "word":
                return told | {"status": "unacknowledged" if at is None else "acknowledged"}
        return {"acknowledged": at is not None} | told

    def shown(self, record: Record, *, is_api: bool = False) -> JsonObject:
        """Return a record as JSON; `is_api`: as JSON:API, whatever the plan says."""
        if is_api or self._config.variants.lists == "jsonapi":
            return self.keyed(_resource(record))
        shown: JsonObject = {"id": self.id(record.id)} | record.fields
        for role, ref in record.refs.items():
            shown |= self._reference(role, ref)
        return self.keyed(shown)

    def bare(self, record: Record) -> JsonObject:
        """Return a record as the vendor states it for people assets: without anything around it."""
        return {"id": record.id} | record.fields

    def one(self, record: Record, *, is_api: bool = False, status: int = 200) -> Response:
        """Return the reply with one record."""
        shown = self.shown(record, is_api=is_api)
        if is_api or self._config.variants.lists == "jsonapi":
            return Response(status, {"data": shown}, {"Content-Type": API_TYPE})
        return Response(status, {"data": shown} if self._config.variants.lists == "data" else shown)

    def many(
        self,
        kind: str,
        records: Sequence[Record],
        query: Mapping[str, str],
        address: str,
        *,
        is_api: bool = False,
    ) -> Response:
        """Return the reply with a page of records, or all. address: without its query."""
        page = Page.of(records, query, self._config, is_api=is_api)
        shown = [self.shown(record, is_api=is_api) for record in page.records]
        following = page.address(address, query, self._config.variants.links)
        if following and self._config.variants.signing == "exact":
            following = sealed(str(self._config.seed), following)
        form = "jsonapi" if is_api else self._config.variants.lists
        headers = {"Content-Type": API_TYPE} if form == "jsonapi" else {}
        is_in_header = self._config.variants.links == "header" and not is_api
        if following and (is_in_header or form == "bare"):
            headers["Link"] = f'<{following}>; rel="next"'
        if form == "bare":
            return Response(200, shown, headers | page.headers)
        payload: JsonObject = {plural(kind) if form == "named" else "data": shown}
        if page.meta:
            payload["meta"] = self.keyed(page.meta)
        if page.pages == "link" and not is_in_header:
            payload["links"] = {"next": following}
        return Response(200, payload, headers)

    def keyed(self, payload: JsonObject) -> JsonObject:
        """Return an object with its keys in the plan's form."""
        if self._config.variants.keys == "snake":
            return payload
        return {_camel(key): self._deep(value) for key, value in payload.items()}

    def _deep(self, value: object) -> object:
        if isinstance(value, dict):
            return self.keyed(value)
        return [self._deep(item) for item in value] if isinstance(value, list) else value

    def _reference(self, role: str, ref: Ref | list[Ref] | None) -> JsonObject:
        if isinstance(ref, list):
            if self._config.variants.references == "flat":
                return {f"{role}_ids": [self.id(one.id) for one in ref]}
            return {plural(role): [{"id": self.id(one.id), "name": one.name} for one in ref]}
        if self._config.variants.references == "flat":
            return {f"{role}_id": None if ref is None else self.id(ref.id)}
        return {role: None if ref is None else {"id": self.id(ref.id), "name": ref.name}}

    def id(self, number: int) -> int | str:
        """Return an id in the plan's form."""
        return str(number) if self._config.variants.ids == "text" else number


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list. pages: how there are pages at all."""

    records: Sequence[Record]
    number: int
    size: int
    total: int
    pages: Pages

    @classmethod
    def of(
        cls,
        records: Sequence[Record],
        query: Mapping[str, str],
        config: CloudConfig,
        *,
        is_api: bool,
    ) -> Page:
        """Return the page that a query asks for."""
        pages = config.variants.api_paging if is_api else config.variants.paging
        if pages == "none":
            return cls(records, 1, len(records), len(records), pages)
        asked = _number(query, "per_page", "page[size]", "limit") or config.page_size
        size = max(1, min(config.max_page_size, asked))
        number = max(1, _number(query, "page", "page[number]") or 1)
        first = (number - 1) * size
        last = first + size
        if config.oddities.repeated and 0 < first < len(records):
            first -= 1
        return cls(records[first:last], number, size, len(records), pages)

    @property
    def count(self) -> int:
        """Return the number of pages."""
        return max(1, -(-self.total // self.size)) if self.size else 1

    @property
    def meta(self) -> JsonObject:
        """Return the paging fields."""
        if self.pages != "page":
            return {}
        return {
            "page": self.number,
            "per_page": self.size,
            "total": self.total,
            "total_pages": self.count,
        }

    @property
    def headers(self) -> dict[str, str]:
        """Return the paging headers beside a bare list."""
        return {"X-" + key.title().replace("_", "-"): str(n) for key, n in self.meta.items()}

    def address(self, address: str, query: Mapping[str, str], form: str) -> str | None:
        """Return where the next page is, if links are given."""
        if self.pages != "link" or self.number >= self.count:
            return None
        more = {
            name: value
            for name, value in query.items()
            if name not in ("page", "page[number]", "k", "seal")
        }
        asked = urlencode({**more, "page": str(self.number + 1)})
        if form == "relative":
            address = "/" + address.split("/", 3)[-1]
        return f"{address}?{asked}"


def plural(kind: str) -> str:
    """Return the name of a list of a kind."""
    if kind.endswith("y"):
        return kind[:-1] + "ies"
    irregular = {"person": "people", "device_status": "device_statuses"}
    return irregular.get(kind, f"{kind}s")


def _resource(record: Record) -> JsonObject:
    relations: JsonObject = {}
    for role, ref in record.refs.items():
        if isinstance(ref, list):
            relations[plural(role)] = {"data": [_identifier(one) for one in ref]}
        else:
            relations[role] = {"data": None if ref is None else _identifier(ref)}
    shown: JsonObject = {
        "type": plural(record.kind),
        "id": str(record.id),
        "attributes": record.fields,
    }
    return shown | ({"relationships": relations} if relations else {})


def _identifier(ref: Ref) -> JsonObject:
    return {"type": plural(ref.kind), "id": str(ref.id)}


def _camel(key: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), key)


def _number(query: Mapping[str, str], *names: str) -> int | None:
    for name in names:
        if (text := query.get(name, "")).isdecimal():
            return int(text)
    return None
