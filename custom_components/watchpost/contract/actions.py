"""Declaration of a vendor's actions: name, target, permission and fields; and the fields that several share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

START: Final = "start"
END: Final = "end"

TEXT: Final = vol.All(cv.string, vol.Strip, vol.Length(min=1, max=255))
DATE: Final = vol.All(cv.datetime, dt_util.as_utc)
PERIOD: Final = {vol.Optional(START): DATE, vol.Optional(END): DATE}


class Permission(Enum):
    """The permission that a person needs for the target of an action; an automation has all.

    READ and CONTROL are those of Home Assistant for the target's entities. A whole account is read by who may read all
    of its entities, and written by administrators alone. ADMIN: what deletes, writes files or statistics, concerns the
    whole account, or answers with what may name people.
    """

    READ = auto()
    CONTROL = auto()
    ADMIN = auto()


class TargetKind(Enum):
    """The kind of target of an action."""

    ENTITY = auto()
    DEVICE = auto()
    ACCOUNT = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True, eq=False)
class ServiceAction:
    """One action. `check` names a field that contradicts the others; `is_read` has nothing but its response.

    `response_required`: the action writes, and its result is shown in its response and never again.
    An action that several vendors take is declared once, here, since Home Assistant knows it by its name alone.
    """

    name: str
    target: TargetKind
    permission: Permission
    fields: Mapping[vol.Marker, Any]
    is_read: bool = False
    response_required: bool = False
    check: Callable[[Mapping[str, Any]], str | None] = lambda fields: None


def wrong_period(fields: Mapping[str, Any]) -> str | None:
    """Return the name of the invalid date field, if the period is empty."""
    is_none = START in fields and fields[START] >= fields.get(END, dt_util.utcnow())
    return (END if END in fields else START) if is_none else None
