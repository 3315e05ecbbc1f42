"""Desired-state bindings, quarantined payloads and firmware artefacts.

Literals and concepts are the vendor's (Configure remotely, Export data); fields are read under their likely names.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ....client.decode import Row, nested, to_text
from .fields import member, reference, time_of, word, words

_ARTEFACTS: Final = ("artefact", "configArtefact", "artifact", "configArtifact")


class DesiredState(StrEnum):
    """The state that a device reported of its desired configuration."""

    ACCEPTED = "ACCEPTED"
    IN_PROGRESS = "IN_PROGRESS"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class Rejection(StrEnum):
    """Why a payload was quarantined; the vendor names three reasons."""

    UNKNOWN_SENSOR = "unknown_sensor"
    MISSING_PROFILE = "missing_profile"
    OUT_OF_RANGE = "out_of_range"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Binding:
    """Which version of which artefact is wanted where; `state` is None where nothing known was reported."""

    id: str
    name: str | None = None
    device: str | None = None
    component: str | None = None
    artefact: str | None = None
    state: DesiredState | None = None
    desired: str | None = None
    reported: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A payload that was rejected: why, and nothing of what was in it."""

    id: str
    reason: Rejection


@dataclass(frozen=True, slots=True)
class Firmware:
    """A firmware artefact, and the devices it is for as far as it says."""

    id: str
    version: str | None = None
    profile: str | None = None
    model: str | None = None
    created_at: datetime | None = None


def binding(record_id: str, row: Row) -> Binding:
    """Read a binding with what was reported of it, beside or below it."""
    target = word(row, "targetType", "target", "scopeType") or ""
    aim = reference(row, "target", "scope")
    reported = nested(row, "reported") or nested(row, "reportedState") or nested(row, "state")
    artefact = next((held for name in _ARTEFACTS if (held := nested(row, name))), {})
    is_device, is_component = target == "DEVICE", target == "COMPONENT"
    return Binding(
        id=record_id,
        name=words(artefact, "name", "key") or words(row, "artefactName", "configName", "name"),
        device=reference(row, "device") or (aim if is_device else None),
        component=reference(row, "component") or (aim if is_component else None),
        artefact=reference(row, *_ARTEFACTS),
        state=member(DesiredState, row, "status", "reportedStatus", "state")
        or member(DesiredState, reported, "status", "state"),
        desired=_version(row, "desiredVersion", "version", "artefactVersion")
        or _version(artefact, "version"),
        reported=_version(row, "reportedVersion") or _version(reported, "version"),
    )


def quarantined(record_id: str, row: Row) -> Quarantined:
    """Read why a payload was rejected."""
    said = (word(row, "reason", "reasonCode", "code", "error", "message") or "").lower()
    told = (
        ("unknown_sensor", Rejection.UNKNOWN_SENSOR),
        ("profile", Rejection.MISSING_PROFILE),
        ("range", Rejection.OUT_OF_RANGE),
    )
    return Quarantined(
        record_id, next((meant for mark, meant in told if mark in said), Rejection.OTHER)
    )


def firmware(record_id: str, row: Row) -> Firmware:
    """Read a firmware artefact."""
    return Firmware(
        id=record_id,
        version=_version(row, "version", "firmwareVersion"),
        profile=reference(row, "deviceProfile", "profile"),
        model=words(row, "model", "hardwareModel", "deviceType", "targetModel"),
        created_at=time_of(row, "createdAt", "releasedAt", "uploadedAt"),
    )


def _version(row: Row, *names: str) -> str | None:
    for name in names:
        value = row.get(name)
        if isinstance(value, dict):
            value = value.get("version")
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if (found := to_text(value, 64)) is not None:
            return found
    return None
