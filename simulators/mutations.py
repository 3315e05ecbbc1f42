"""Provide named mutations of a JSON response: (payload) -> payload, which may change it in place."""

from collections.abc import Callable
import math
from typing import Any

type Mutation = Callable[[Any], Any]

_ENVELOPE = frozenset({"code", "max_age", "time"})
_LONG_TITLE = "Længste titel " * 1000


def named_mutation(name: str) -> Mutation:
    """Return the mutation of that name; ``missing_field:<path>`` takes a dotted path.

    In a path, lists are passed through and ``*`` stands for any key, e.g.
    ``gateways.devices.title`` or ``measurements.*.value``. Raises ValueError for a name that does
    not exist.
    """
    kind, _, path = name.partition(":")
    if kind == "missing_field" and path:
        return lambda payload: _without(payload, path.split("."))
    if kind not in MUTATIONS:
        raise ValueError(f"No such mutation: {name}")
    return MUTATIONS[kind]


def ids_as_strings(payload: Any) -> Any:
    """Write every id as text."""
    return _each_field(
        payload, lambda key, value: str(value) if _is_id(key) and _is_number(value) else value
    )


def numbers_as_strings(payload: Any) -> Any:
    """Write every number outside the envelope as text."""
    return _each_field(payload, lambda key, value: str(value) if _is_number(value) else value)


def nulls(payload: Any) -> Any:
    """Make every value null that is neither an object, a list nor an id."""
    return _each_field(
        payload,
        lambda key, value: value if isinstance(value, dict | list) or _is_id(key) else None,
    )


def extra_fields(payload: Any) -> Any:
    """Give every object, except those keyed by number, undocumented fields."""
    if isinstance(payload, list):
        return [extra_fields(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    grown = {key: extra_fields(value) for key, value in payload.items()}
    if not any(str(key).isdigit() for key in grown):
        grown |= {"added_later": {"list": [1, None, "x"]}, "": 0}
    return grown


def duplicate_ids(payload: Any) -> Any:
    """Repeat the first object of every list."""
    if isinstance(payload, dict):
        return {key: duplicate_ids(value) for key, value in payload.items()}
    if not isinstance(payload, list):
        return payload
    items = [duplicate_ids(item) for item in payload]
    return items[:1] + items


def long_titles(payload: Any) -> Any:
    """Make every title and name 14,000 characters long, not all of them ASCII."""
    return _each_field(
        payload, lambda key, value: _LONG_TITLE if key in ("title", "name") else value
    )


def nan(payload: Any) -> Any:
    """Make every measured value NaN, which is not valid JSON."""
    return _measured(payload, math.nan)


def infinity(payload: Any) -> Any:
    """Make every measured value Infinity, which is not valid JSON."""
    return _measured(payload, math.inf)


MUTATIONS: dict[str, Mutation] = {
    "ids_as_strings": ids_as_strings,
    "numbers_as_strings": numbers_as_strings,
    "nulls": nulls,
    "extra_fields": extra_fields,
    "duplicate_ids": duplicate_ids,
    "long_titles": long_titles,
    "nan": nan,
    "infinity": infinity,
}


def _measured(payload: Any, value: float) -> Any:
    return _each_field(payload, lambda key, old: value if key == "value" else old)


def _each_field(payload: Any, change: Callable[[str, Any], Any], *, outermost: bool = True) -> Any:
    if isinstance(payload, list):
        return [_each_field(item, change, outermost=False) for item in payload]
    if not isinstance(payload, dict):
        return payload
    return {
        key: value
        if outermost and key in _ENVELOPE
        else _each_field(change(key, value), change, outermost=False)
        for key, value in payload.items()
    }


def _without(payload: Any, path: list[str]) -> Any:
    if isinstance(payload, list):
        return [_without(item, path) for item in payload]
    if not isinstance(payload, dict):
        return payload
    first, *rest = path
    if not rest:
        return {key: value for key, value in payload.items() if first not in ("*", key)}
    return {
        key: _without(value, rest) if first in ("*", key) else value
        for key, value in payload.items()
    }


def _is_id(key: str) -> bool:
    return key == "id" or key.endswith("_id")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
