"""Finds replaced devices and the matching entities of their replacements. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from homeassistant.components.sensor.const import UNIT_CONVERTERS

# Devices of one set-up are registered within moments: neither of two such took the other's place.
_APART: Final = timedelta(minutes=1)


class Pair(NamedTuple):
    """A device that is no longer listed, and the one that seems to replace it."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The traits of a device; `parent` is the registry's id of its parent, `since` when it was registered."""

    id: str
    name: str | None
    serial: str | None
    model: str | None
    parent: str | None
    since: datetime | None = None


def find_pairs(
    old: Iterable[Seen], new: Iterable[Seen], declined: Collection[Pair] = ()
) -> list[Pair]:
    """Return the replaced devices with their replacements.

    A replacement has the same serial number, or the same name, model and parent where there is none.

    `old` are the devices that are no longer listed, `new` those that are. Where several match, none is chosen.
    """
    olds, news = _by_mark(old), _by_mark(new)
    found: list[Pair] = []
    for mark in olds.keys() & news.keys():
        later = [each for each in news[mark] if _is_later(each, olds[mark])]
        if len(olds[mark]) == 1 and len(later) == 1:
            pair = Pair(olds[mark][0].id, later[0].id)
            if pair not in declined:
                found.append(pair)
    return sorted(found)


def _by_mark(devices: Iterable[Seen]) -> dict[Hashable, list[Seen]]:
    found: dict[Hashable, list[Seen]] = defaultdict(list)
    for device in devices:
        if (mark := _mark(device)) is not None:
            found[mark].append(device)
    return found


def _mark(device: Seen) -> Hashable | None:
    """Return the key that a device and its replacement share, None without one."""
    kind = device.id.partition("-")[0]
    serial = (device.serial or "").strip().casefold()
    # Where the vendor's id is the serial number, another device has another one.
    if serial and not device.id.casefold().endswith(serial):
        return (kind, serial)
    name = (device.name or "").strip()
    return (kind, name, device.model, device.parent) if name else None


def _is_later(new: Seen, olds: Iterable[Seen]) -> bool:
    if new.since is None:
        return True
    return all(old.since is None or new.since - old.since > _APART for old in olds)


@dataclass(frozen=True, slots=True)
class Trait:
    """The traits by which an entity of a device differs from its others.

    `key` is the channel's. `native` is the vendor's unit, "" for none and None while that is not known; `unit` is what
    Home Assistant shows, which a person may have chosen (`is_unit_chosen`).
    """

    key: str
    domain: str
    device_class: str | None = None
    translation_key: str | None = None
    name: str | None = None
    unit: str | None = None
    native: str | None = None
    is_unit_chosen: bool = False

    def carries_on(self, other: Trait) -> bool:
        """Return whether both have values of one kind, in one unit or in convertible ones."""
        if self.device_class != other.device_class:
            return False
        if self.native is not None and other.native is not None:
            return self.native == other.native
        if self.unit == other.unit:
            return True
        converter = UNIT_CONVERTERS.get(self.device_class or "")
        is_chosen = self.is_unit_chosen or other.is_unit_chosen
        return (
            is_chosen and converter is not None and {self.unit, other.unit} <= converter.VALID_UNITS
        )


def pair_entities(old: Sequence[Trait], new: Sequence[Trait]) -> list[tuple[Trait, Trait]]:
    """Return the matching entities: by key, else by class and name, else by class if only one has it."""
    found: list[tuple[Trait, Trait]] = []
    left_old, left_new = list(old), list(new)
    for mark in (_by_key, _by_class_and_name, _by_class):
        for pair in _unique_pairs(left_old, left_new, mark):
            found.append(pair)
            left_old.remove(pair[0])
            left_new.remove(pair[1])
    return found


def _by_key(trait: Trait) -> Hashable:
    return (trait.domain, trait.key)


def _by_class_and_name(trait: Trait) -> Hashable:
    return (trait.domain, trait.device_class, trait.translation_key, trait.name)


def _by_class(trait: Trait) -> Hashable:
    return (trait.domain, trait.device_class, trait.translation_key)


def _unique_pairs(
    old: Iterable[Trait], new: Iterable[Trait], mark: Callable[[Trait], Hashable]
) -> list[tuple[Trait, Trait]]:
    olds: dict[Hashable, list[Trait]] = defaultdict(list)
    news: dict[Hashable, list[Trait]] = defaultdict(list)
    for trait in old:
        olds[mark(trait)].append(trait)
    for trait in new:
        news[mark(trait)].append(trait)
    both = (key for key in olds if len(olds[key]) == len(news.get(key, ())) == 1)
    return [(olds[key][0], news[key][0]) for key in both]
