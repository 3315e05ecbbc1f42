"""State of each camera from its messages: places, counts, and totals that are neither lost nor added twice.

Messages may arrive twice, late and in the wrong order. Pure; times are aware UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ...client.decode import Row, identifier, nested, to_datetime, to_number, to_text
from .messages import (
    BARRIER,
    MAX_COUNTERS,
    MAX_NUMBERS,
    MAX_PLACES,
    Content,
    Message,
    Place,
    Tally,
    Totals,
)

# Tolerated difference to the vendor's clock; a later time is replaced by the time of receipt.
_MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
# Maximum age of a barrier's counts: the digests that show a repetition are not stored for longer.
_MAX_DELAY: Final = timedelta(days=1)
_MAX_DIGESTS: Final = 256
# Numbers of one counter: classes times two directions.
_MAX_CLASSES: Final = 2 * MAX_NUMBERS
# Applications of one camera; the documentation names five.
_MAX_APPLICATIONS: Final = 16
# A place is removed after this many consecutive messages without it.
_MAX_ABSENCES: Final = 3

# Interval of keep-alives (documented).
KEEPALIVE: Final = timedelta(minutes=10)
MAX_MISSED: Final = 3


class MessageVerdict(StrEnum):
    """The classification of a message; the values are keys of the diagnostics."""

    NEW = "taken"
    REPEATED = "replayed"
    OUTDATED = "outdated"


@dataclass(slots=True)
class ApplicationState:
    """The state of one application of a camera; `is_live` means received since the last silence, so it can be shown.

    `digests` maps the newest messages to the times they were sent; `forgotten_at` is the newest dropped time.
    """

    sent_at: datetime | None = None
    digests: dict[str, datetime] = field(default_factory=dict)
    forgotten_at: datetime | None = None
    places: dict[str, Place] = field(default_factory=dict)
    absences: dict[str, int] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    tallies: dict[str, Tally] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    is_live: bool = False

    def classify(self, message: Message, received: datetime, *, are_totals: bool) -> MessageVerdict:
        """Classify a message as new, repeated or outdated."""
        if message.digest in self.digests:
            return MessageVerdict.REPEATED
        if self.sent_at is None or self._is_ahead(received):
            return MessageVerdict.NEW
        sent = sent_at(message, received)
        if message.type != BARRIER or are_totals:
            return MessageVerdict.OUTDATED if sent < self.sent_at else MessageVerdict.NEW
        # A message as old as a dropped digest may be the same message.
        is_forgotten = self.forgotten_at is not None and sent <= self.forgotten_at
        is_late = sent < self.sent_at - _MAX_DELAY
        return MessageVerdict.OUTDATED if is_forgotten or is_late else MessageVerdict.NEW

    def _is_ahead(self, received: datetime) -> bool:
        """Return whether our clock is or was wrong, so that the newest message lies in the future."""
        return self.sent_at is not None and self.sent_at > received + _MAX_CLOCK_SKEW

    def apply(
        self, message: Message, content: Content, received: datetime, *, are_totals: bool
    ) -> None:
        """Apply a new message; `are_totals` means that barriers send totals, not increments."""
        sent = sent_at(message, received)
        if self.sent_at is None or self._is_ahead(received):
            self.sent_at, self.forgotten_at = sent, None
        else:
            self.sent_at = max(sent, self.sent_at)
        self._store_digest(message.digest, sent)
        self.is_live = True
        if content.places is not None:
            self.totals = content.totals
            self._apply_places(content.places)
        if message.type == BARRIER and not are_totals:
            self._add_increments(content.counters)
        elif content.counters:
            self._replace_counts(content.counters, keeps_missing=message.type == BARRIER)
        if content.numbers:
            numbers = {**dict.fromkeys(self.numbers), **content.numbers}
            self.numbers = dict(list(numbers.items())[:MAX_NUMBERS])

    def _store_digest(self, digest: str, sent: datetime) -> None:
        """Store the digest of a message and drop the oldest beyond the maximum."""
        self.digests[digest] = sent
        while len(self.digests) > _MAX_DIGESTS:
            dropped_at = self.digests.pop(
                min(self.digests, key=lambda digest: self.digests[digest])
            )
            self.forgotten_at = (
                dropped_at if self.forgotten_at is None else max(dropped_at, self.forgotten_at)
            )

    def _apply_places(self, places: Iterable[Place]) -> None:
        """Apply the list of all places; remove a place after several lists without it."""
        listed = {place.id: place for place in places}
        for missing_id in self.places.keys() - listed.keys():
            self.absences[missing_id] = self.absences.get(missing_id, 0) + 1
            if self.absences[missing_id] >= _MAX_ABSENCES:
                del self.places[missing_id], self.absences[missing_id]
        for place_id in listed:
            self.absences.pop(place_id, None)
        self.places |= listed

    def _replace_counts(self, counters: Iterable[Tally], *, keeps_missing: bool) -> None:
        """Replace the counts of all counters.

        A missing class becomes 0, any other missing number unknown. With `keeps_missing`, for totals, missing numbers
        keep their values.
        """
        new = {tally.id: tally for tally in counters}
        updated: dict[str, Tally] = {}
        for counter_id, previous in self.tallies.items():
            tally = new.pop(counter_id, None)
            numbers: dict[str, float | None] = {
                name: value if keeps_missing else _missing_number(name, tally)
                for name, value in previous.numbers.items()
            }
            numbers |= tally.numbers if tally else {}
            updated[counter_id] = Tally(
                counter_id, tally.name if tally else previous.name, _bounded(numbers)
            )
        self.tallies = dict(list((updated | new).items())[:MAX_COUNTERS])

    def _add_increments(self, counters: Iterable[Tally]) -> None:
        """Add the increments of a message."""
        for tally in counters:
            previous = self.tallies.get(tally.id)
            if previous is None and len(self.tallies) >= MAX_COUNTERS:
                continue
            totals = dict(previous.numbers) if previous else {}
            for name, value in tally.numbers.items():
                totals[name] = (totals.get(name) or 0) + (value or 0)
            self.tallies[tally.id] = Tally(tally.id, tally.name, _bounded(totals))


def _missing_number(name: str, tally: Tally | None) -> float | None:
    """Return the value of a number that is missing in a counter's message: 0 for a class, else unknown."""
    group, _, cls = name.partition("-")
    is_counted = tally is not None and cls and not tally.unreadable & {name, group}
    return 0.0 if is_counted else None


def _bounded[T](numbers: Mapping[str, T]) -> dict[str, T]:
    """Bound the numbers of a counter; the known ones come first."""
    return dict(list(numbers.items())[:_MAX_CLASSES])


@dataclass(slots=True)
class CameraState:
    """The state of a camera by application, and the times of its last keep-alive and message.

    `are_totals`: its barriers send totals, not increments since the last message.
    """

    applications: dict[str, ApplicationState] = field(default_factory=dict)
    are_totals: bool = False
    keepalive_at: datetime | None = None
    contact_at: datetime | None = None

    def classify(self, message: Message, received: datetime) -> MessageVerdict:
        """Classify a message as new, repeated or outdated."""
        application = self.applications.get(message.type)
        if application is None:
            return MessageVerdict.NEW
        return application.classify(message, received, are_totals=self.are_totals)

    def apply(self, message: Message, content: Content, received: datetime) -> None:
        """Apply a new message, which also shows that the camera is connected."""
        self.record_contact(received)
        if message.type in self.applications or len(self.applications) < _MAX_APPLICATIONS:
            application = self.applications.setdefault(message.type, ApplicationState())
            application.apply(message, content, received, are_totals=self.are_totals)

    def record_contact(self, now: datetime) -> None:
        """Record a sign of life; hide values from before a silence, which may have changed since."""
        self.expire(now)
        self.contact_at = now

    def expire(self, now: datetime) -> None:
        """Hide the values of a camera that has been silent for too long."""
        if self.contact_at is not None and now - self.contact_at > MAX_MISSED * KEEPALIVE:
            for application in self.applications.values():
                application.is_live = False

    def is_silent(self, now: datetime) -> bool | None:
        """Return whether keep-alives were missed; None without any keep-alive since the start."""
        if self.keepalive_at is None:
            return None
        return (
            now - max(self.keepalive_at, self.contact_at or self.keepalive_at)
            > MAX_MISSED * KEEPALIVE
        )


def sent_at(message: Message, received: datetime) -> datetime:
    """Return the time a message was sent, or that of its receipt if it has none or a future one."""
    if message.sent_at is None or message.sent_at > received + _MAX_CLOCK_SKEW:
        return received
    return message.sent_at


# -- storage over restarts --


def to_stored(states: Mapping[str, CameraState]) -> dict[str, object]:
    """Return the stored form of camera states: places, counters, totals, and the digests of counted messages."""
    return {
        uuid: {
            kind: {
                "sent_at": application.sent_at.isoformat() if application.sent_at else None,
                "digests": {digest: at.timestamp() for digest, at in application.digests.items()},
                "forgotten_at": application.forgotten_at.isoformat()
                if application.forgotten_at
                else None,
                "places": {place.id: place.name for place in application.places.values()},
                "tallies": {
                    tally.id: {"name": tally.name, "numbers": dict(tally.numbers)}
                    for tally in application.tallies.values()
                },
                "numbers": list(application.numbers),
            }
            for kind, application in state.applications.items()
        }
        for uuid, state in states.items()
    }


def from_stored(stored: Row) -> dict[str, CameraState]:
    """Restore camera states, without invalid parts."""
    return {
        uuid: CameraState(
            {
                kind: _restore_application(nested(nested(stored, uuid), kind))
                for kind in nested(stored, uuid)
            }
        )
        for uuid in stored
        if identifier(uuid)
    }


def _restore_application(row: Row) -> ApplicationState:
    digests = {digest: to_datetime(at) for digest, at in nested(row, "digests").items()}
    names = row.get("numbers")
    tallies = {
        record_id: Tally(
            record_id,
            to_text(nested(counters, record_id).get("name")),
            _restore_numbers(nested(counters, record_id)),
        )
        for counters in (nested(row, "tallies"),)
        for record_id in counters
        if identifier(record_id)
    }
    return ApplicationState(
        sent_at=to_datetime(row.get("sent_at")),
        digests={digest: at for digest, at in digests.items() if at is not None},
        forgotten_at=to_datetime(row.get("forgotten_at")),
        places={
            record_id: Place(record_id, to_text(name))
            for record_id, name in list(nested(row, "places").items())[:MAX_PLACES]
            if identifier(record_id)
        },
        tallies=tallies,
        numbers={
            name: None
            for name in (names if isinstance(names, list) else [])[:MAX_NUMBERS]
            if isinstance(name, str)
        },
    )


def _restore_numbers(row: Row) -> dict[str, float | None]:
    return {name: to_number(value) for name, value in nested(row, "numbers").items()}
