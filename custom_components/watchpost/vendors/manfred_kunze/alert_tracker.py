"""Track which alerts are open, their events, and whether the lists are complete; no I/O."""

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
# All pages are fetched this often, whatever the newest ones show.
COMPLETE_EVERY: Final = timedelta(hours=6)
# An open alert that so many complete lists in a row lack is over: deleted, or only open alerts are listed.
MAX_ABSENCES: Final = 2
# Lists that follow one another more closely count as one: pushes and actions may cause several in a moment.
MIN_LIST_GAP: Final = timedelta(seconds=20)
MAX_UNDATED: Final = 100_000

# A smaller difference of the clocks is ignored: the vendor's `Date` is in whole seconds and some time old.
_TOLERATED: Final = timedelta(seconds=30)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AlertLocation:
    """Device of an alert, key of the channel that shows it, and the event data of its rule."""

    device: str
    channel: str | None = None
    data: Mapping[str, ReadingValue] | None = None


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """Open alerts, newest first; `is_on` is None where it is unknown whether any is open."""

    open: Sequence[Alert]
    is_on: bool | None

    @property
    def is_acknowledged(self) -> bool:
        """Return whether every open alert is acknowledged."""
        return all(alert.state is Lifecycle.ACKNOWLEDGED for alert in self.open)


class AlertTracker:
    """Alerts of one organisation, by the lists of them in order.

    `delivered_until` (UTC) is the time up to which events had been dispatched before the first list, `clock_skew` how
    far the vendor's clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.delivered_until: datetime = _LONG_AGO
        self.clock_skew = timedelta(0)
        self.open: dict[str, Alert] = {}
        self.is_complete = False
        self.has_list = False
        # By alert: how many complete lists in a row lacked it, and when the last counted one did.
        self._absent: dict[str, tuple[int, datetime]] = {}
        # By event id: since when (UTC) an event is known for which the vendor gives no usable time.
        self._noticed_at: dict[str, datetime] = {}
        self._newest: datetime | None = None
        self._complete_at: datetime | None = None

    # -- how many pages are needed --

    def is_enough(self, alerts: Sequence[Alert], now: datetime) -> bool:
        """Return whether these first alerts of a list contain all that are new and all that are open.

        The order of the list is not documented.
        """
        if (
            self._complete_at is None
            or now - self._complete_at >= COMPLETE_EVERY
            or self._newest is None
        ):
            return False
        times = [alert.raised_at for alert in alerts]
        if None in times or not self.open.keys() <= {alert.id for alert in alerts}:
            return False
        dated = [at for at in times if at is not None]
        is_newest_first = all(a >= b for a, b in pairwise(dated))
        return bool(dated) and is_newest_first and dated[-1] < self._newest - OVERLAP

    # -- lists --

    def apply_list(
        self, alerts: Iterable[Alert], now: datetime, *, is_all: bool, is_clean: bool
    ) -> list[Alert]:
        """Apply a list; return its alerts and those that ended by being absent.

        `is_all`: the list holds every alert, else the newest and all open ones. `is_clean`: every record could be
        parsed.
        """
        is_first, self.has_list = not self.has_list, True
        listed = {alert.id: alert for alert in alerts}
        gone = list(self._ended_by_absence(listed, now)) if is_all and is_clean else []
        self.open |= {alert.id: alert for alert in listed.values() if alert.is_open}
        for alert in (*listed.values(), *gone):
            if not alert.is_open:
                self.open.pop(alert.id, None)
                self._absent.pop(alert.id, None)
        current = [*listed.values(), *gone]
        if is_first:
            self._date_first_stages(current, now)
        if is_all:
            self._complete_at = now
        self._newest = max(
            (
                at
                for alert in current
                if (at := alert.raised_at) is not None and self._to_utc(at) <= now
            ),
            default=self._newest,
        )
        return current

    def _ended_by_absence(self, listed: Mapping[str, Alert], now: datetime) -> Iterator[Alert]:
        """Yield open alerts that enough complete lists lacked, as resolved."""
        for alert_id, alert in list(self.open.items()):
            if alert_id in listed:
                self._absent.pop(alert_id, None)
                continue
            times, last = self._absent.get(alert_id, (0, _LONG_AGO))
            if now - last >= MIN_LIST_GAP:
                self._absent[alert_id] = times, last = times + 1, now
            if times >= MAX_ABSENCES:
                yield replace(alert, state=Lifecycle.RESOLVED, resolved_at=now)

    def apply_change(self, alert: Alert) -> None:
        """Apply the new state of an alert that was acknowledged or resolved from here."""
        if alert.is_open:
            self.open[alert.id] = alert
        else:
            self.open.pop(alert.id, None)
            self._absent.pop(alert.id, None)

    # -- states --

    def summarize(self, alerts: Iterable[Alert], *, is_watched: bool = True) -> OpenAlerts:
        """Return the state of a rule with these open alerts; unknown where unwatched or not listed completely."""
        listed = sorted(alerts, key=lambda alert: alert.raised_at or _LONG_AGO, reverse=True)
        sure = [alert for alert in listed if alert.state and alert.id not in self._absent]
        if sure:
            return OpenAlerts(listed, is_on=True)
        is_known = self.is_complete and is_watched and not listed
        return OpenAlerts(listed, False if is_known else None)

    def by_rule(self) -> dict[str | None, list[Alert]]:
        """Return the open alerts of each rule."""
        alerts: dict[str | None, list[Alert]] = {}
        for alert in self.open.values():
            alerts.setdefault(alert.rule, []).append(alert)
        return alerts

    def count(self, severity: Severity | None, severities: Mapping[str, Severity]) -> int | None:
        """Return the number of open alerts of one severity or of any; None where that is not certain.

        `severities` are those of the rules, for alerts without their own.
        """
        if not self.is_complete:
            return None
        counted = 0
        for alert in self.open.values():
            known = alert.severity or severities.get(alert.rule or "")
            if severity is not None and known not in (severity, None):
                continue
            if alert.state is None or alert.id in self._absent or (severity and known is None):
                return None
            counted += 1
        return counted

    # -- events --

    def _date_first_stages(self, alerts: Iterable[Alert], now: datetime) -> None:
        """Date the stages of the first list that have no usable time: as old as the alert, or of unknown age."""
        for alert in alerts:
            raised = self._to_utc(alert.raised_at) if alert.raised_at else _LONG_AGO
            for _, stage, vendor_time in _stages(alert):
                at = self._to_utc(vendor_time) if vendor_time else None
                if at is None or at <= self.delivered_until:
                    self._noticed_at.setdefault(_event_id(alert, stage), min(at or raised, now))

    def vendor_events(
        self, alerts: Iterable[Alert], locate: Callable[[Alert], AlertLocation], now: datetime
    ) -> Iterator[VendorEvent]:
        """Yield the events of these alerts; each stage has an id that never changes."""
        for alert in alerts:
            location = locate(alert)
            data: dict[str, ReadingValue] = {
                **(location.data or {}),
                "alert_id": alert.id,
                "value": alert.value,
            }
            if alert.severity is not None:
                data["severity"] = alert.severity.lower()
            before = _LONG_AGO
            for kind, stage, vendor_time in _stages(alert):
                event_id = _event_id(alert, stage)
                at = before = max(self._event_time(event_id, vendor_time, now), before)
                yield VendorEvent(event_id, kind, at, location.device, location.channel, data)

    def _event_time(self, event_id: str, vendor_time: datetime | None, now: datetime) -> datetime:
        """Return the time of an event: the vendor's, unless unusable or before what was dispatched at the start.

        A stage that a later list shows for the first time is new, whatever the vendor's clock says.
        """
        at = self._to_utc(vendor_time) if vendor_time is not None else None
        if at is not None and at > self.delivered_until and event_id not in self._noticed_at:
            return min(at, now)
        if len(self._noticed_at) > MAX_UNDATED:
            del self._noticed_at[next(iter(self._noticed_at))]
        return self._noticed_at.setdefault(event_id, now)

    def _to_utc(self, at: datetime) -> datetime:
        """Convert a time of the vendor's clock to ours."""
        return at - self.clock_skew if abs(self.clock_skew) > _TOLERATED else at


def _event_id(alert: Alert, stage: str) -> str:
    return f"alert-{alert.id}-{stage}"


def _stages(alert: Alert) -> Iterator[tuple[VendorEventType, str, datetime | None]]:
    """Yield the stages of an alert with their times; a resolved one was acknowledged only if that has a time."""
    yield VendorEventType.ALARM_RAISED, "raised", alert.raised_at
    if alert.acknowledged_at is not None or alert.state is Lifecycle.ACKNOWLEDGED:
        yield VendorEventType.ALARM_ACKNOWLEDGED, "acknowledged", alert.acknowledged_at
    if alert.state is Lifecycle.RESOLVED:
        yield VendorEventType.ALARM_CLEARED, "cleared", alert.resolved_at
