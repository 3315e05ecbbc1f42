"""Register Sensorist's callbacks, and confirm by the API what a call claims.

A call only hints at what to fetch. Readings and events come from the API; only the code and date of a notice are
taken from the call, since the API lists no notices.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, override

from msgspec.structs import replace

from ...client.errors import UnexpectedResponseError, VendorError
from ...contract.push import ChangeHint, PushMessage, PushProvider, Subscription
from ...models import Call, ChannelId, FeedUpdate, Freshness, Reading, VendorEvent, VendorEventType
from .alarm_feed import AlarmPoller
from .client import SensoristClient
from .entities import ACCOUNT, PUSH, measurement_readings, sensor_id
from .events import alarm_readings
from .models import BUTTON, Alarm, AlarmLog, CallbackTypes, Gateway, Measurement
from .notices import NoticeLog, is_plausible
from .webhook_payload import ALARM, ANY, SYSTEM, CallbackParser

ALL_TYPES: Final = CallbackTypes.BUTTON | CallbackTypes.ALARM | CallbackTypes.SYSTEM

# The date in a call may be slightly later than that of its cause.
MARGIN: Final = timedelta(minutes=2)
# Rows of one press may differ so much in date from source to source.
ONE_PRESS: Final = timedelta(seconds=1)

# The start of a request is rounded to these seconds: a call with a date may be about another press than the last,
# calls without one are about the same within a minute.
DATED: Final = 10
UNDATED: Final = 60

MAX_ALARMS: Final = 100  # in one URL


@dataclass(slots=True)
class _Claim:
    """The claims of a hint that are not confirmed yet: their earliest date, and the notices."""

    since: datetime
    notices: list[VendorEvent] = field(default_factory=list)


@dataclass(slots=True)
class _LastRequest:
    """The start of a hint's last request, and the newest date in its response."""

    start: datetime
    newest: datetime | None = None


type FetchAlarms = Callable[[frozenset[ChannelId]], Awaitable[FeedUpdate]]


class SensoristPush(PushProvider):
    """The callbacks of one account.

    `gateways` returns the known gateways, `fetch_alarms` polls the alarms' feed, `clock` is the budget's monotonic
    one, `notices` limits the accepted notices.
    """

    channel = ChannelId(ACCOUNT, PUSH)
    urgent_kinds = frozenset({ALARM, ANY})

    def __init__(
        self,
        client: SensoristClient,
        alarms: AlarmPoller,
        gateways: Callable[[], Iterable[Gateway]],
        fetch_alarms: FetchAlarms,
        clock: Callable[[], float],
        *,
        notices: NoticeLog,
    ) -> None:
        self._client = client
        self._alarms = alarms
        self._notices = notices
        self._fetch_alarms = fetch_alarms
        self._clock = clock
        self._parser = CallbackParser(gateways, alarms.places)
        self._claims: dict[ChangeHint, _Claim] = {}
        self._asked: dict[ChangeHint, _LastRequest] = {}

    # -- registration --

    @override
    async def registrations(self) -> Sequence[Subscription]:
        listed = (await self._client.list_callbacks()).value
        return [Subscription(found.id, found.url or "") for found in listed]

    @override
    async def register(self, url: str, kind: str = "") -> Subscription:
        created = await self._client.create_callback(url, ALL_TYPES)
        if created is not None:
            return Subscription(created.id, url)
        # The response need not show the result; the list does.
        for found in await self.registrations():
            if found.url == url:
                return found
        raise UnexpectedResponseError("the callback is not listed after it was registered")

    @override
    async def remove(self, registration_id: str) -> None:
        try:
            await self._client.delete_callback(registration_id)
        except ValueError:
            raise UnexpectedResponseError("the callback has no number") from None
        except UnexpectedResponseError as err:
            if err.status != 404:  # gone already
                raise

    # -- receiving --

    @override
    def receive(self, call: Call) -> PushMessage | None:
        claimed = self._parser.read(call.body)
        if claimed is None:
            return None
        received = call.received_at or datetime.now(UTC)
        dates = [date for date in claimed.dates if is_plausible(date, received)]
        since = _floor(min(dates), DATED) if dates else _floor(received, UNDATED)
        notice: VendorEvent | None = None
        if claimed.hint.kind == SYSTEM:
            date = dates[0] if dates else None
            notice = self._notices.filter_new(claimed.hint.subject, claimed.code, date, received)
            if notice is None:
                return PushMessage()
        claim = self._claims.setdefault(claimed.hint, _Claim(since))
        claim.since = min(claim.since, since)
        claim.notices += [notice] if notice else []
        return PushMessage(claimed.hint)

    # -- confirming --

    @override
    async def confirm(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        now = _floor(datetime.now(UTC), UNDATED)
        claims = {hint: self._claims.pop(hint, _Claim(now)) for hint in hints}
        alarms = sorted(hint.subject for hint in hints if hint.kind == ALARM)
        questions = [
            self._ask_history(alarms[first : first + MAX_ALARMS], claims)
            for first in range(0, len(alarms), MAX_ALARMS)
        ]
        questions += [
            self._ask(hint, claim) for hint, claim in claims.items() if hint.kind != ALARM
        ]
        results = await asyncio.gather(*questions, return_exceptions=True)
        updates = [result for result in results if isinstance(result, FeedUpdate)]
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            self._restore(claims)
        for failure in failures:
            if not updates or not isinstance(failure, VendorError):
                raise failure
        return _merged(
            updates, next((err for err in failures if isinstance(err, VendorError)), None)
        )

    async def confirm_press(self, sensor: str, date: datetime) -> FeedUpdate:
        """Confirm a press that a poll found, with the same event as a call leads to."""
        hint = ChangeHint("button", sensor)
        claim = self._claims.setdefault(hint, _Claim(_floor(date, DATED)))
        claim.since = min(claim.since, _floor(date, DATED))
        return await self.confirm(frozenset({hint}))

    def _restore(self, claims: Mapping[ChangeHint, _Claim]) -> None:
        """Restore the claims of a failed request."""
        for hint, claim in claims.items():
            newer = self._claims.setdefault(hint, claim)
            newer.since = min(newer.since, claim.since)
            if newer is not claim:
                newer.notices = claim.notices + newer.notices

    async def _ask(self, hint: ChangeHint, claim: _Claim) -> FeedUpdate:
        match hint.kind:
            case "button":
                return await self._ask_button(hint, claim)
            case "system":
                return await self._ask_device(hint.subject, claim)
            case _:
                return await self._ask_alarms()

    def _start(self, hint: ChangeHint, claim: _Claim) -> datetime:
        """Return the start of a request, rounded, so that a burst is one URL in the cache.

        A repeated request starts at the newest known date, so that it has another URL than the cached one.
        """
        start = claim.since - MARGIN
        asked = self._asked.setdefault(hint, _LastRequest(start))
        if asked.start != start:
            self._asked[hint] = _LastRequest(start, asked.newest)
            return start
        return max(start, asked.newest or start)

    def _note_newest(self, hint: ChangeHint, dates: Iterable[datetime]) -> None:
        asked = self._asked[hint]
        asked.newest = max(dates, default=asked.newest)

    async def _ask_alarms(self) -> FeedUpdate:
        """Poll the alarms now; a response from the cache has no new readings."""
        asked_at = self._clock()
        update = await self._fetch_alarms(frozenset())
        if any(response.received < asked_at for response in update.freshness):
            return FeedUpdate(vendor_events=update.vendor_events)
        return update

    async def _ask_history(
        self, alarm_ids: Sequence[str], claims: Mapping[ChangeHint, _Claim]
    ) -> FeedUpdate:
        """Fetch the newest logs of these alarms; the newest of each is its state."""
        hints = [ChangeHint(ALARM, alarm_id) for alarm_id in alarm_ids]
        start = min(self._start(hint, claims[hint]) for hint in hints)
        response = await self._client.alarm_history(alarm_ids, start=start)
        logs = [log for log in response.value if log.alarm in alarm_ids]
        for hint in hints:
            self._note_newest(hint, (log.date for log in logs if log.alarm == hint.subject))
        changed = [
            changed
            for alarm_id in alarm_ids
            if (known := self._alarms.alarms.get(alarm_id)) is not None
            and (changed := _with_logs(known, logs)) is not known
        ]
        self._alarms.update(changed)
        return FeedUpdate(
            readings=alarm_readings(changed, self._alarms.places),
            vendor_events=list(self._alarms.vendor_events(logs)),
            freshness=(response.freshness,),
            rejected=response.rejected,
        )

    async def _ask_button(self, hint: ChangeHint, claim: _Claim) -> FeedUpdate:
        """Fetch the measurements of a sensor since shortly before the claimed press of its button."""
        sensor = self._parser.sensors().get(hint.subject)
        if sensor is None or not sensor.sources:
            return FeedUpdate()
        start = self._start(hint, claim)
        rows: dict[str, tuple[Measurement, ...]] = {}
        rejected: Counter[str] = Counter()
        responses: list[Freshness] = []
        for batch in self._client.batches(source.id for source in sensor.sources):
            response = await self._client.raw_page(batch, start=start)
            rows |= response.value.by_source
            rejected += response.rejected
            responses.append(response.freshness)
        device = sensor_id(sensor.id)
        pressed = [row for found in rows.values() for row in found if row.type == BUTTON]
        self._note_newest(hint, (row.date for row in pressed))
        return FeedUpdate(
            readings=_newest(rows, device),
            vendor_events=list(_presses(sensor.id, pressed)),
            freshness=responses,
            rejected=rejected,
        )

    async def _ask_device(self, device: str, claim: _Claim) -> FeedUpdate:
        """Fetch the battery of a device, if it has one, and return its notices, which no endpoint lists."""
        sensor = next(
            (found for found in self._parser.sensors().values() if sensor_id(found.id) == device),
            None,
        )
        batteries = [
            source.id
            for source in (sensor.sources if sensor else ())
            if (source.kind.name or "").lower() == "batt"
        ]
        response = await self._client.latest(batteries[:1]) if batteries else None
        # The claim must not keep them, since it is restored if another request fails.
        notices, claim.notices = claim.notices, []
        if response is None:
            return FeedUpdate(vendor_events=notices)
        return FeedUpdate(
            readings=measurement_readings(response.value, {batteries[0]: device}),
            vendor_events=notices,
            freshness=(response.freshness,),
            rejected=response.rejected,
        )


def _floor(date: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(date.timestamp() // seconds * seconds, UTC)


def _with_logs(alarm: Alarm, logs: Iterable[AlarmLog]) -> Alarm:
    """Return the alarm in the state of its newest log, or itself if it knows all logs."""
    known = max((log.date for log in alarm.logs), default=datetime.min.replace(tzinfo=UTC))
    newer = tuple(log for log in logs if log.alarm == alarm.id and log.date > known)
    if not newer:
        return alarm
    last = newer[-1]
    return replace(
        alarm, state=last.state, is_triggered=last.is_triggered, logs=(*alarm.logs, *newer)
    )


def _presses(sensor: str, rows: Iterable[Measurement]) -> Iterable[VendorEvent]:
    """Yield one event for each press of a button; every source of the sensor has a row for it."""
    press: list[Measurement] = []
    presses = [press]
    for row in sorted(rows, key=lambda row: row.date):
        if press and row.date - press[0].date > ONE_PRESS:
            press = []
            presses.append(press)
        press.append(row)
    for press in filter(None, presses):
        # The first stored row; those of other sources may follow later, with greater numbers.
        numbers = [row.seq for row in press if row.seq is not None]
        date = press[0].date
        yield VendorEvent(
            id=f"button-{sensor}-{min(numbers) if numbers else date.isoformat()}",
            type=VendorEventType.BUTTON_PRESSED,
            at=date,
            device=sensor_id(sensor),
        )


def _newest(rows: Mapping[str, Sequence[Measurement]], device: str) -> dict[ChannelId, Reading]:
    newest = {
        source: max(measured, key=lambda row: row.date)
        for source, found in rows.items()
        if (measured := [row for row in found if row.is_measured])
    }
    return measurement_readings(newest, dict.fromkeys(newest, device))


def _merged(updates: Sequence[FeedUpdate], failure: VendorError | None) -> FeedUpdate:
    readings: dict[ChannelId, Reading] = {}
    for update in updates:
        readings |= update.readings
    return FeedUpdate(
        readings=readings,
        vendor_events=[vendor_event for update in updates for vendor_event in update.vendor_events],
        freshness=[response for update in updates for response in update.freshness],
        inventory=next((update.inventory for update in updates if update.inventory), None),
        rejected=sum((update.rejected for update in updates), Counter()),
        failure=failure,
    )
