"""What each camera has told so far: its last places and counts, and the totals that must never be lost or doubled.

Messages come over the internet, so they come twice, late, and in the wrong order. Pure; times are aware UTC.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from ..fields import Row, identifier, nested, number, text
from .messages import BARRIER, MOST_NUMBERS, MOST_PLACES, Content, Message, Place, Tally, Totals
from .records import instant

# The vendor's clock and ours may differ by so much; a later date is taken for the time of receipt.
_AHEAD: Final = timedelta(minutes=5)
# Counts of a barrier that come later than this are not counted any more: who repeats them is not known by then.
_LATEST: Final = timedelta(days=1)
_MOST_DIGESTS: Final = 256
# Applications on one camera; the documentation names five.
_MOST_VIEWS: Final = 16
# A place that so many messages in a row do not name is gone.
_PATIENCE: Final = 3

# A keep-alive comes every ten minutes.
KEEPALIVE: Final = timedelta(minutes=10)
MISSED: Final = 3


class Verdict(Enum):
    """What became of a message."""

    TAKEN = auto()
    REPLAYED = auto()
    OUTDATED = auto()


@dataclass(slots=True)
class View:
    """What one application on a camera has told. `is_live`: since this start, so that it can be shown as it is."""

    sent_at: datetime | None = None
    digests: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_DIGESTS))
    places: dict[str, Place] = field(default_factory=dict)
    absences: dict[str, int] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    tallies: dict[str, Tally] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    is_live: bool = False

    def judge(self, message: Message, received: datetime, *, are_totals: bool) -> Verdict:
        """Whether a message is news."""
        if message.digest in self.digests:
            return Verdict.REPLAYED
        if self.sent_at is None:
            return Verdict.TAKEN
        sent = sent_at(message, received)
        is_sum = message.type == BARRIER and not are_totals
        limit = self.sent_at - _LATEST if is_sum else self.sent_at
        return Verdict.OUTDATED if sent < limit else Verdict.TAKEN

    def take(
        self, message: Message, content: Content, received: datetime, *, are_totals: bool
    ) -> None:
        """Take a message that is news; `are_totals`: a barrier tells what it counted since ever."""
        self.digests.append(message.digest)
        sent = sent_at(message, received)
        self.sent_at = sent if self.sent_at is None else max(sent, self.sent_at)
        self.is_live = True
        if content.places is not None:
            self.totals = content.totals
            self._take_places(content.places)
        if message.type == BARRIER and not are_totals:
            self._add_up(content.counters)
        elif content.counters:
            self._replace(content.counters)
        if content.numbers:
            numbers = {**dict.fromkeys(self.numbers), **content.numbers}
            self.numbers = dict(list(numbers.items())[:MOST_NUMBERS])

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

    def _replace(self, counters: Iterable[Tally]) -> None:
        """Take what is counted now. A class that is not named any more counts nothing; what else is not is unknown."""
        told = {tally.id: tally for tally in counters}
        for found, before in self.tallies.items():
            tally = told.get(found)
            numbers: dict[str, float | None] = {
                name: 0.0 if tally and "-" in name else None for name in before.numbers
            }
            numbers |= tally.numbers if tally else {}
            told[found] = Tally(found, tally.name if tally else before.name, numbers)
        self.tallies = told

    def _add_up(self, counters: Iterable[Tally]) -> None:
        """Add what was counted since the message before."""
        for tally in counters:
            before = self.tallies.get(tally.id)
            totals = dict(before.numbers) if before else {}
            for name, value in tally.numbers.items():
                totals[name] = (totals.get(name) or 0) + (value or 0)
            self.tallies[tally.id] = Tally(tally.id, tally.name, totals)


@dataclass(slots=True)
class Scene:
    """What a camera has told, by application, and when it was heard of last.

    `are_totals`: its barriers tell what they counted since ever, not since the message before.
    """

    views: dict[str, View] = field(default_factory=dict)
    are_totals: bool = False
    keepalive_at: datetime | None = None
    heard_at: datetime | None = None

    def judge(self, message: Message, received: datetime) -> Verdict:
        """Whether a message is news."""
        view = self.views.get(message.type)
        if view is None:
            return Verdict.TAKEN
        return view.judge(message, received, are_totals=self.are_totals)

    def take(self, message: Message, content: Content, received: datetime) -> None:
        """Take a message that is news; a camera that sends it is alive."""
        if message.type in self.views or len(self.views) < _MOST_VIEWS:
            view = self.views.setdefault(message.type, View())
            view.take(message, content, received, are_totals=self.are_totals)
        self.heard_at = received

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


def to_memory(scenes: Mapping[str, Scene]) -> dict[str, object]:
    """What is to be remembered: which places and counters there are, totals, and what was counted already."""
    return {
        uuid: {
            kind: {
                "sent_at": view.sent_at.isoformat() if view.sent_at else None,
                "digests": list(view.digests),
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


def from_memory(memory: Row) -> dict[str, Scene]:
    """Scenes as they were remembered; whatever makes no sense is left out."""
    return {
        uuid: Scene(
            {kind: _view(nested(nested(memory, uuid), kind)) for kind in nested(memory, uuid)}
        )
        for uuid in memory
        if identifier(uuid)
    }


def _view(row: Row) -> View:
    digests = row.get("digests")
    names = row.get("numbers")
    tallies = {
        found: Tally(found, text(nested(held, found).get("name")), _numbers(nested(held, found)))
        for held in (nested(row, "tallies"),)
        for found in held
        if identifier(found)
    }
    return View(
        sent_at=instant(row.get("sent_at")),
        digests=deque(
            [each for each in digests if isinstance(each, str)]
            if isinstance(digests, list)
            else [],
            maxlen=_MOST_DIGESTS,
        ),
        places={
            found: Place(found, text(name))
            for found, name in list(nested(row, "places").items())[:MOST_PLACES]
            if identifier(found)
        },
        tallies=tallies,
        numbers={
            name: None
            for name in (names if isinstance(names, list) else [])[:MOST_NUMBERS]
            if isinstance(name, str)
        },
    )


def _numbers(row: Row) -> dict[str, float | None]:
    return {name: number(value) for name, value in nested(row, "numbers").items()}
