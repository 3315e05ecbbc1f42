"""A deployment's own OpenAPI document: paths, paging and fields, where it publishes one.

It is published at `/api/v3/api-docs` in environments configured to expose it (REST API page, "OpenAPI"). What it says
goes before our defaults; nothing depends on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
import re
from typing import Final
from urllib.parse import urlsplit

from ....client.decode import Row, nested
from ....client.errors import UnexpectedResponseError
from ....client.transport import loose
from .documented_paths import FIELDS, STATED
from .pagination import DIALECTS, PageStyle

PATH: Final = "/v3/api-docs"
VERSION: Final = "v1"

_MAX_PATHS: Final = 5_000
_MAX_DEEP: Final = 12
# A schema is made of so few parts, a record has so few fields, and a parameter so few values; more are left out.
_MAX_PARTS: Final = 50
_MAX_FIELDS: Final = 500
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_LISTS: Final = ("content", "data", "items", "results")
_VERSIONED: Final = re.compile(r"(?:/api)?/(v\d+)(/.+)")
_PLAIN: Final = re.compile(r"[A-Za-z0-9/_{}.~-]{1,200}")
# Steps up or nowhere, and halves of a parameter, lead to no place that could be meant.
_ODD: Final = re.compile(r"//|/\.{1,2}(/|$)|\{[^}]*(\{|/|$)|(^|/|\})[^{/]*\}")
_PARAMETER: Final = re.compile(r"\{[^}/]*\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One path below its version, ids left blank: who may call it how, with which parameters, and what comes.

    `query` maps a parameter's name to the values it may have, where they are listed. `fields` are those of a record,
    `times` the ones among them that are dates with a time; none where the document does not say.
    """

    version: str
    methods: frozenset[str]
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    starts_with_one: bool = False
    fields: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()


class OpenApiDocument:
    """A deployment's document, reduced to what is asked of it."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self.operations = dict(operations)
        self._moved: dict[str, str | None] = {}

    @classmethod
    def read(cls, body: bytes) -> OpenApiDocument:
        """Read a document; raises UnexpectedResponseError for what is none."""
        document = loose(body)
        if not isinstance(document, dict) or not nested(document, "paths"):
            raise UnexpectedResponseError("the reply is no OpenAPI document")
        operations: dict[str, Operation] = {}
        for shape, said in _operations(document):
            # Of several versions the one that the vendor's pages are about is the one that is understood.
            if shape not in operations or said.version == VERSION:
                operations[shape] = said
        return cls(operations)

    def place(self, shape: str) -> tuple[str, str]:
        """Return version and path template of the operation that the vendor's pages call `shape`."""
        known = shape if shape in self.operations else self._elsewhere(shape)
        if known is None:
            return VERSION, shape
        return self.operations[known].version, known

    def operation(self, shape: str) -> Operation | None:
        """Return the operation of a path template, also if the document has it elsewhere."""
        return self.operations.get(self.place(shape)[1])

    def dialect(self, shape: str) -> PageStyle | None:
        """Return the page style of a list; None where the document does not say."""
        said = self.operation(shape)
        if said is None or "get" not in said.methods:
            return None
        first = 1 if said.starts_with_one else 0
        if "pageable" in said.query:  # what springdoc makes of Spring's page, size and sort
            return PageStyle(first=first)
        for known in DIALECTS:
            if {known.page, known.size} <= said.query.keys():
                return replace(known, first=first)
        return None

    def _elsewhere(self, shape: str) -> str | None:
        """Return the one path that ends in the same way and takes as many ids."""
        if shape not in self._moved:
            tail = _tail(shape)
            alike = [
                known
                for known in self.operations
                if _tail(known) == tail and known.count("{}") == shape.count("{}")
            ]
            self._moved[shape] = alike[0] if len(alike) == 1 else None
        return self._moved[shape]

    def contradictions(self) -> list[str]:
        """Return where the document differs from the vendor's pages or from our guesses, in a few words each."""
        return sorted(self._contradictions())

    def _contradictions(self) -> Iterator[str]:
        for shape, methods in STATED.items():
            version, place = self.place(shape)
            said = self.operations.get(place)
            if said is None:
                yield f"{shape}: not there"
                continue
            if place != shape or version != VERSION:
                yield f"{shape}: at /{version}{place}"
            lacking = [method for method in methods if method not in said.methods]
            if lacking:
                yield f"{shape}: without {', '.join(lacking)}"
            for names in FIELDS.get(shape, ()):
                if said.fields and said.fields.isdisjoint(names):
                    yield f"{shape}: no field {names[0]}"
            dialect = self.dialect(shape)
            if shape in FIELDS and dialect is not None and dialect != PageStyle():
                yield f"{shape}: pages by {dialect.page}/{dialect.size} from {dialect.first}"


def shape_of(path: str) -> str:
    """Return a path with {} in place of each parameter."""
    return _PARAMETER.sub("{}", path)


def _tail(shape: str) -> str:
    """Return a path from its last word on, with the parameter before it, if any."""
    parts = shape.split("/")
    words = [number for number, part in enumerate(parts) if part not in ("", "{}")]
    if not words:
        return shape
    last = words[-1]
    return "/".join(parts[last - 1 if parts[last - 1] == "{}" else last :])


def _operations(document: Row) -> Iterator[tuple[str, Operation]]:
    base = _base(document)
    for path, item in islice(nested(document, "paths").items(), _MAX_PATHS):
        is_plain = _PLAIN.fullmatch(path) and not _ODD.search(path)
        if not is_plain or not isinstance(item, dict):
            continue
        found = _VERSIONED.fullmatch(path) or _VERSIONED.fullmatch(base + path)
        if found is None:
            continue
        methods = frozenset(method for method in _METHODS if isinstance(item.get(method), dict))
        yield shape_of(found[2]), _operation(document, found[1], methods, item)


def _base(document: Row) -> str:
    """Return the path of the first server, without a slash at its end."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, dict) else None
    try:
        return urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
    except ValueError:
        return ""


def _operation(document: Row, version: str, methods: frozenset[str], item: Row) -> Operation:
    get = nested(item, "get")
    query: dict[str, tuple[str, ...]] = {}
    starts_with_one = False
    for listed in (item.get("parameters"), get.get("parameters")):
        for entry in listed[:_MAX_PARTS] if isinstance(listed, list) else ():
            said = _resolved(document, entry)
            name, schema = said.get("name"), _resolved(document, said.get("schema"))
            if said.get("in") != "query" or not isinstance(name, str):
                continue
            values = schema.get("enum")
            query[name] = tuple(
                value
                for value in (values[:_MAX_FIELDS] if isinstance(values, list) else ())
                if isinstance(value, str)
            )
            is_from_one = schema.get("minimum") == 1 or schema.get("default") == 1
            starts_with_one |= name in ("page", "pageNumber") and is_from_one
    record = _record(document, get)
    times = frozenset(
        name
        for name, held in record.items()
        if _resolved(document, held).get("format") == "date-time"
    )
    return Operation(version, methods, query, starts_with_one, frozenset(record), times)


def _record(document: Row, get: Row) -> Row:
    """Return the properties of a record in the response of a GET."""
    responses = nested(get, "responses")
    answer = _resolved(document, responses.get("200") or responses.get("default"))
    contents = [held for held in nested(answer, "content").values() if isinstance(held, dict)]
    schema: object = contents[0].get("schema") if contents else None
    for _ in range(_MAX_DEEP):
        said = _resolved(document, schema)
        if isinstance(said.get("items"), dict):
            schema = said["items"]
            continue
        properties = _properties(document, said)
        inside = next(
            (properties[name] for name in _LISTS if _is_list(document, properties, name)), None
        )
        if inside is None:
            return properties
        schema = inside
    return {}


def _is_list(document: Row, properties: Row, name: str) -> bool:
    return isinstance(_resolved(document, properties.get(name)).get("items"), dict)


def _properties(document: Row, schema: Row) -> Row:
    """Return the properties of a schema and of its parts, its own before theirs."""
    made_of = [schema]
    for part in made_of:  # which grows meanwhile
        parts = part.get("allOf")
        for further in parts if isinstance(parts, list) else ():
            if len(made_of) == _MAX_PARTS:
                break
            made_of.append(_resolved(document, further))
    found: dict[str, object] = {}
    for part in reversed(made_of):
        found |= islice(nested(part, "properties").items(), _MAX_FIELDS)
    return found


def _resolved(document: Row, held: object) -> Row:
    """Resolve references inside the document; {} for one that leads out of it or in a circle."""
    for _ in range(_MAX_DEEP):
        if not isinstance(held, dict):
            return {}
        link = held.get("$ref")
        if not isinstance(link, str):
            return held
        held = _linked(document, link)
    return {}


def _linked(document: Row, link: str) -> object:
    if not link.startswith("#/"):
        return None
    found: object = document
    for part in link[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found
