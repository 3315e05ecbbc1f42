"""What is known of the alerts: which are open, what happened to each, and whether that is all there is. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from ...models import ReadingValue, VendorEvent, VendorEventType
from .models.alerts import Alert, Lifecycle, Severity

# An alert may be dated by a reading that a device delivers long after it was measured.
OVERLAP: Final = timedelta(days=1)
# All pages are read so often, whatever the newest ones show.
WHOLE_EVERY: Final = timedelta(hours=6)
# An open alert that so many whole lists in a row lack is over: deleted, or the list names open ones alone.
ABSENCES: Final = 2
# Lists that follow one another more closely count as one: calls and actions may have several asked for in a moment.
APART: Final = timedelta(seconds=20)
MAX_NOTICED: Final = 100_000

# Clocks that differ by less are one: the vendor tells its time in whole seconds, and some time after it read it.
_TOLERATED: Final = timedelta(seconds=30)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Where:
    """What an alert belongs to: a device, the key of the channel that shows it, and what is told of its rule."""

    device: str
    channel: str | None = None
    data: Mapping[str, ReadingValue] | None = None


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """How it stands with some alerts: those that are open, newest first; `is_on` is None where nobody knows."""

    open: Sequence[Alert]
    is_on: bool | None

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody has seen every open one."""
        return all(alert.state is Lifecycle.ACKNOWLEDGED for alert in self.open)


class AlertTracker:
    """The alerts of one organisation, as lists of them came, one after the other.

    `told_until` (UTC) is up to when occurrences had been told before the first list, `ahead` how far the vendor's clock
    goes before ours.
    """

    def __init__(self) -> None:
        self.delivered_until: datetime = _LONG_AGO
        self.ahead = timedelta(0)
        self.open: dict[str, Alert] = {}
        self.is_whole = False
        self.has_looked = False
        # How many whole lists in a row lacked it, and when the last one that counted did.
        self._absent: dict[str, tuple[int, datetime]] = {}
        # Since when (UTC) it is known what the vendor gives no usable time for, by the occurrence's id.
        self._noticed: dict[str, datetime] = {}
        self._newest: datetime | None = None
        self._whole_at: datetime | None = None

    # -- how much is to be read --

    def is_enough(self, alerts: Sequence[Alert], now: datetime) -> bool:
        """Whether what came of a list, whose order is not documented, tells all that is new and all that is open."""
        if self._whole_at is None or now - self._whole_at >= WHOLE_EVERY or self._newest is None:
            return False
        times = [alert.raised_at for alert in alerts]
        if None in times or not self.open.keys() <= {alert.id for alert in alerts}:
            return False
        dated = [at for at in times if at is not None]
        is_newest_first = all(a >= b for a, b in pairwise(dated))
        return bool(dated) and is_newest_first and dated[-1] < self._newest - OVERLAP

    # -- what came --

    def take(
        self, alerts: Iterable[Alert], now: datetime, *, is_all: bool, is_clean: bool
    ) -> list[Alert]:
        """Take a list; returns those that are to be told of, with what was given up as over.

        `is_all`: it holds every alert, else those that were asked for and all open ones. `is_clean`: every record of it
        could be read.
        """
        is_first, self.has_looked = not self.has_looked, True
        listed = {alert.id: alert for alert in alerts}
        gone = list(self._missed(listed, now)) if is_all and is_clean else []
        self.open |= {alert.id: alert for alert in listed.values() if alert.is_open}
        for alert in (*listed.values(), *gone):
            if not alert.is_open:
                self.open.pop(alert.id, None)
                self._absent.pop(alert.id, None)
        told = [*listed.values(), *gone]
        if is_first:
            self._remember_old(told, now)
        if is_all:
            self._whole_at = now
        self._newest = max(
            (at for alert in told if (at := alert.raised_at) is not None and self._here(at) <= now),
            default=self._newest,
        )
        return told

    def _missed(self, listed: Mapping[str, Alert], now: datetime) -> Iterator[Alert]:
        """Those that were open and are not listed any more, once that is sure."""
        for known, alert in list(self.open.items()):
            if known in listed:
                self._absent.pop(known, None)
                continue
            times, last = self._absent.get(known, (0, _LONG_AGO))
            if now - last >= APART:
                self._absent[known] = times, last = times + 1, now
            if times >= ABSENCES:
                yield replace(alert, state=Lifecycle.RESOLVED, resolved_at=now)

    def changed(self, alert: Alert) -> None:
        """Take note of one alert that was acknowledged or resolved from here."""
        if alert.is_open:
            self.open[alert.id] = alert
        else:
            self.open.pop(alert.id, None)
            self._absent.pop(alert.id, None)

    # -- how it stands --

    def standing(self, alerts: Iterable[Alert], *, is_watched: bool = True) -> OpenAlerts:
        """How it stands with these open alerts; nobody knows of what is not watched, or not listed completely."""
        listed = sorted(alerts, key=lambda alert: alert.raised_at or _LONG_AGO, reverse=True)
        sure = [alert for alert in listed if alert.state and alert.id not in self._absent]
        if sure:
            return OpenAlerts(listed, is_on=True)
        is_known = self.is_whole and is_watched and not listed
        return OpenAlerts(listed, False if is_known else None)

    def by_rule(self) -> dict[str | None, list[Alert]]:
        """The open alerts of each rule."""
        found: dict[str | None, list[Alert]] = {}
        for alert in self.open.values():
            found.setdefault(alert.rule, []).append(alert)
        return found

    def count(self, severity: Severity | None, severities: Mapping[str, Severity]) -> int | None:
        """How many are open, of one severity or of any; None where that is not certain.

        `severities` are those of the rules, for alerts that tell none.
        """
        if not self.is_whole:
            return None
        counted = 0
        for alert in self.open.values():
            its = alert.severity or severities.get(alert.rule or "")
            if severity is not None and its not in (severity, None):
                continue
            if alert.state is None or alert.id in self._absent or (severity and its is None):
                return None
            counted += 1
        return counted

    # -- what happened --

    def _remember_old(self, alerts: Iterable[Alert], now: datetime) -> None:
        """What the first list shows without a time is as old as the alert, or nobody knows how old."""
        for alert in alerts:
            raised = self._here(alert.raised_at) if alert.raised_at else _LONG_AGO
            for _, stage, told in _stages(alert):
                at = self._here(told) if told else None
                if at is None or at <= self.delivered_until:
                    self._noticed.setdefault(_name(alert, stage), min(at or raised, now))

    def vendor_events(
        self, alerts: Iterable[Alert], where: Callable[[Alert], Where], now: datetime
    ) -> Iterator[VendorEvent]:
        """What happened to these alerts, each stage with an id that it has for ever."""
        for alert in alerts:
            place = where(alert)
            data: dict[str, ReadingValue] = {
                **(place.data or {}),
                "alert_id": alert.id,
                "value": alert.value,
            }
            if alert.severity is not None:
                data["severity"] = alert.severity.lower()
            before = _LONG_AGO
            for kind, stage, told in _stages(alert):
                name = _name(alert, stage)
                at = before = max(self._at(name, told, now), before)
                yield VendorEvent(name, kind, at, place.device, place.channel, data)

    def _at(self, name: str, told: datetime | None, now: datetime) -> datetime:
        """When it happened: as the vendor says, unless that is no time, or before what had been told at the start.

        What a later list shows for the first time is new, whatever the vendor's clock says.
        """
        at = self._here(told) if told is not None else None
        if at is not None and at > self.delivered_until and name not in self._noticed:
            return min(at, now)
        if len(self._noticed) > MAX_NOTICED:
            del self._noticed[next(iter(self._noticed))]
        return self._noticed.setdefault(name, now)

    def _here(self, at: datetime) -> datetime:
        """A time of the vendor's by our clock."""
        return at - self.ahead if abs(self.ahead) > _TOLERATED else at


def _name(alert: Alert, stage: str) -> str:
    return f"alert-{alert.id}-{stage}"


def _stages(alert: Alert) -> Iterator[tuple[VendorEventType, str, datetime | None]]:
    """Yield the stages that an alert has come to, and when; only its time tells whether one that is over was seen."""
    yield VendorEventType.ALARM_RAISED, "raised", alert.raised_at
    if alert.acknowledged_at is not None or alert.state is Lifecycle.ACKNOWLEDGED:
        yield VendorEventType.ALARM_ACKNOWLEDGED, "acknowledged", alert.acknowledged_at
    if alert.state is Lifecycle.RESOLVED:
        yield VendorEventType.ALARM_CLEARED, "cleared", alert.resolved_at
