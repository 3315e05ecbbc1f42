"""What each camera has told so far: its last places and counts, and the totals that must never be lost or doubled.

Messages come over the internet, so they come twice, late, and in the wrong order. Pure; times are aware UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
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

# The vendor's clock and ours may differ by so much; a later date is taken for the time of receipt.
_AHEAD: Final = timedelta(minutes=5)
# Counts of a barrier that come later than this are not counted any more: who repeats them is not known by then.
_LATEST: Final = timedelta(days=1)
_MAX_DIGESTS: Final = 256
# Classes by direction that one counter can have told in all.
_MAX_CLASSES: Final = 2 * MAX_NUMBERS
# Applications on one camera; the documentation names five.
_MAX_VIEWS: Final = 16
# A place that so many messages in a row do not name is gone.
_PATIENCE: Final = 3

# A keep-alive comes every ten minutes.
KEEPALIVE: Final = timedelta(minutes=10)
MISSED: Final = 3


class MessageVerdict(Enum):
    """What became of a message."""

    TAKEN = auto()
    REPLAYED = auto()
    OUTDATED = auto()


@dataclass(slots=True)
class ApplicationState:
    """What one application on a camera has told. `is_live`: since it is heard of, so that it can be shown as it is.

    `digests` are the newest messages and when they were sent; `forgotten_at` is the newest of those left out.
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

    def judge(self, message: Message, received: datetime, *, are_totals: bool) -> MessageVerdict:
        """Whether a message is news."""
        if message.digest in self.digests:
            return MessageVerdict.REPLAYED
        if self.sent_at is None or self._is_ahead(received):
            return MessageVerdict.TAKEN
        sent = sent_at(message, received)
        if message.type != BARRIER or are_totals:
            return MessageVerdict.OUTDATED if sent < self.sent_at else MessageVerdict.TAKEN
        # What is as old as a message that was left out may be that very message.
        is_forgotten = self.forgotten_at is not None and sent <= self.forgotten_at
        is_late = sent < self.sent_at - _LATEST
        return MessageVerdict.OUTDATED if is_forgotten or is_late else MessageVerdict.TAKEN

    def _is_ahead(self, received: datetime) -> bool:
        """Whether the clock of this machine was wrong when the newest message came, or is now."""
        return self.sent_at is not None and self.sent_at > received + _AHEAD

    def take(
        self, message: Message, content: Content, received: datetime, *, are_totals: bool
    ) -> None:
        """Take a message that is news; `are_totals`: a barrier tells what it counted since ever."""
        sent = sent_at(message, received)
        if self.sent_at is None or self._is_ahead(received):
            self.sent_at, self.forgotten_at = sent, None
        else:
            self.sent_at = max(sent, self.sent_at)
        self._note(message.digest, sent)
        self.is_live = True
        if content.places is not None:
            self.totals = content.totals
            self._take_places(content.places)
        if message.type == BARRIER and not are_totals:
            self._add_up(content.counters)
        elif content.counters:
            self._replace(content.counters, stands=message.type == BARRIER)
        if content.numbers:
            numbers = {**dict.fromkeys(self.numbers), **content.numbers}
            self.numbers = dict(list(numbers.items())[:MAX_NUMBERS])

    def _note(self, digest: str, sent: datetime) -> None:
        """Remember a message; the oldest goes where there are too many."""
        self.digests[digest] = sent
        while len(self.digests) > _MAX_DIGESTS:
            at = self.digests.pop(min(self.digests, key=lambda each: self.digests[each]))
            self.forgotten_at = at if self.forgotten_at is None else max(at, self.forgotten_at)

    def _take_places(self, places: Iterable[Place]) -> None:
        """Take the list of all places; one that is missing goes when the next ones miss it too."""
        listed = {place.id: place for place in places}
        for gone in self.places.keys() - listed.keys():
            self.absences[gone] = self.absences.get(gone, 0) + 1
            if self.absences[gone] >= _PATIENCE:
                del self.places[gone], self.absences[gone]
        for found in listed:
            self.absences.pop(found, None)
        self.places |= listed

    def _replace(self, counters: Iterable[Tally], *, stands: bool) -> None:
        """Take what is counted now.

        A class that is not named any more counts nothing; what else is not is unknown. If it `stands`, because it was
        counted since ever, either stays what it was.
        """
        told = {tally.id: tally for tally in counters}
        kept: dict[str, Tally] = {}
        for found, before in self.tallies.items():
            tally = told.pop(found, None)
            numbers: dict[str, float | None] = {
                name: value if stands else _unnamed(name, tally)
                for name, value in before.numbers.items()
            }
            numbers |= tally.numbers if tally else {}
            kept[found] = Tally(found, tally.name if tally else before.name, _most(numbers))
        self.tallies = dict(list((kept | told).items())[:MAX_COUNTERS])

    def _add_up(self, counters: Iterable[Tally]) -> None:
        """Add what was counted since the message before."""
        for tally in counters:
            before = self.tallies.get(tally.id)
            if before is None and len(self.tallies) >= MAX_COUNTERS:
                continue
            totals = dict(before.numbers) if before else {}
            for name, value in tally.numbers.items():
                totals[name] = (totals.get(name) or 0) + (value or 0)
            self.tallies[tally.id] = Tally(tally.id, tally.name, _most(totals))


def _unnamed(name: str, tally: Tally | None) -> float | None:
    """What a number is that a counter's message does not tell."""
    what, _, cls = name.partition("-")
    is_counted = tally is not None and cls and not tally.unread & {name, what}
    return 0.0 if is_counted else None


def _most[T](numbers: Mapping[str, T]) -> dict[str, T]:
    """Keep a counter from having ever more classes; those that are known come first."""
    return dict(list(numbers.items())[:_MAX_CLASSES])


@dataclass(slots=True)
class CameraState:
    """What a camera has told, by application, and when it was heard of last.

    `are_totals`: its barriers tell what they counted since ever, not since the message before.
    """

    views: dict[str, ApplicationState] = field(default_factory=dict)
    are_totals: bool = False
    keepalive_at: datetime | None = None
    heard_at: datetime | None = None

    def judge(self, message: Message, received: datetime) -> MessageVerdict:
        """Whether a message is news."""
        view = self.views.get(message.type)
        if view is None:
            return MessageVerdict.TAKEN
        return view.judge(message, received, are_totals=self.are_totals)

    def take(self, message: Message, content: Content, received: datetime) -> None:
        """Take a message that is news; a camera that sends it is alive."""
        self.hear(received)
        if message.type in self.views or len(self.views) < _MAX_VIEWS:
            view = self.views.setdefault(message.type, ApplicationState())
            view.take(message, content, received, are_totals=self.are_totals)

    def hear(self, now: datetime) -> None:
        """Note that the camera is alive. What it said before a silence may have changed, so that is not shown."""
        self.expire(now)
        self.heard_at = now

    def expire(self, now: datetime) -> None:
        """Show nothing that was said before a silence that is not over."""
        if self.heard_at is not None and now - self.heard_at > MISSED * KEEPALIVE:
            for view in self.views.values():
                view.is_live = False

    def is_silent(self, now: datetime) -> bool | None:
        """Whether keep-alives were missed; None where none ever came since the start."""
        if self.keepalive_at is None:
            return None
        return now - max(self.keepalive_at, self.heard_at or self.keepalive_at) > MISSED * KEEPALIVE


def sent_at(message: Message, received: datetime) -> datetime:
    """When a message was sent; its receipt where it says nothing or a time that is yet to come."""
    if message.sent_at is None or message.sent_at > received + _AHEAD:
        return received
    return message.sent_at


# -- over restarts --


def to_memory(scenes: Mapping[str, CameraState]) -> dict[str, object]:
    """What is to be remembered: which places and counters there are, totals, and what was counted already."""
    return {
        uuid: {
            kind: {
                "sent_at": view.sent_at.isoformat() if view.sent_at else None,
                "digests": {each: at.timestamp() for each, at in view.digests.items()},
                "forgotten_at": view.forgotten_at.isoformat() if view.forgotten_at else None,
                "places": {place.id: place.name for place in view.places.values()},
                "tallies": {
                    tally.id: {"name": tally.name, "numbers": dict(tally.numbers)}
                    for tally in view.tallies.values()
                },
                "numbers": list(view.numbers),
            }
            for kind, view in scene.views.items()
        }
        for uuid, scene in scenes.items()
    }


def from_memory(memory: Row) -> dict[str, CameraState]:
    """Scenes as they were remembered; whatever makes no sense is left out."""
    return {
        uuid: CameraState(
            {kind: _view(nested(nested(memory, uuid), kind)) for kind in nested(memory, uuid)}
        )
        for uuid in memory
        if identifier(uuid)
    }


def _view(row: Row) -> ApplicationState:
    digests = {each: to_datetime(at) for each, at in nested(row, "digests").items()}
    names = row.get("numbers")
    tallies = {
        found: Tally(found, to_text(nested(held, found).get("name")), _numbers(nested(held, found)))
        for held in (nested(row, "tallies"),)
        for found in held
        if identifier(found)
    }
    return ApplicationState(
        sent_at=to_datetime(row.get("sent_at")),
        digests={each: at for each, at in digests.items() if at is not None},
        forgotten_at=to_datetime(row.get("forgotten_at")),
        places={
            found: Place(found, to_text(name))
            for found, name in list(nested(row, "places").items())[:MAX_PLACES]
            if identifier(found)
        },
        tallies=tallies,
        numbers={
            name: None
            for name in (names if isinstance(names, list) else [])[:MAX_NUMBERS]
            if isinstance(name, str)
        },
    )


def _numbers(row: Row) -> dict[str, float | None]:
    return {name: to_number(value) for name, value in nested(row, "numbers").items()}
