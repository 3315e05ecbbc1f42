"""Parse the parameters of the admin API: times, numbers and choices; raise 400 for invalid ones."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

from simulators.admin_api import refusal
from simulators.clock import Clock, from_micros, to_micros

from .config import ApiVariants


def number(body: Mapping[str, Any], name: str, default: float) -> float:
    """Return a number."""
    try:
        return float(body.get(name, default))
    except (TypeError, ValueError) as err:
        raise refusal(f"{name} is a number") from err


def instant(body: Mapping[str, Any], name: str, clock: Clock) -> int:
    """Return a time in microseconds since the epoch; now if it is not given."""
    if not body.get(name):
        return clock.micros()
    try:
        moment = datetime.fromisoformat(str(body[name]))
    except ValueError as err:
        raise refusal(str(err)) from err
    if moment.tzinfo is None:
        raise refusal(f"{name} needs a zone")
    return to_micros(moment)


def moment(body: Mapping[str, Any], name: str, clock: Clock) -> datetime:
    """Return a time; now if it is not given."""
    return from_micros(instant(body, name, clock))


def choice(body: Mapping[str, Any], name: str, choices: Mapping[str, object]) -> str:
    """Return a name that is among `choices`; the first of them if it is not given."""
    chosen = body.get(name, next(iter(choices)))
    if chosen not in choices:
        raise refusal(f"{name} is one of {', '.join(choices)}")
    return str(chosen)


def variant_choices() -> dict[str, tuple[object, ...]]:
    """Return what each field of Forms may be."""
    hints = get_type_hints(ApiVariants)
    return {spec.name: _choices(hints[spec.name]) for spec in fields(ApiVariants)}


def _choices(hint: Any) -> tuple[object, ...]:
    if hint is bool:
        return (False, True)
    hint = getattr(hint, "__value__", hint)
    return get_args(hint) if get_origin(hint) is Literal else ()
