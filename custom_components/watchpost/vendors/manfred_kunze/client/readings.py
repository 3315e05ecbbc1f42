"""Readings: raw, by window, aggregated, as statistics, and of many sensors at once (REST API page, "Readings").

`GET /readings/sensor/{sensorId}` is the one path that the vendor publishes whole, without its parameters. `from` and
`to` are the vendor's words for a period elsewhere (exports). Everything else is tried in the order of likelihood.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from ....client.decode import to_utc_text
from ....client.errors import UnexpectedResponseError
from ....client.parsing import parse
from ....client.transport import loose
from ....models import Freshness
from ..models import readings as records
from ..models.readings import Bucket, Reading
from .api import PlatformApi, PlatformResponse, single
from .openapi import OpenApiDocument
from .pagination import Listed
from .reading_variants import (
    AGGREGATED,
    BATCH,
    IDS,
    PERIODS,
    RAW,
    SORT,
    STATS,
    STEPS,
    WINDOWS,
    said,
    value_names,
)
from .variants import RequestVariant, VariantSelector, may_differ

RIGHT: Final = "read readings"
# Of a period so many readings are read at most: a week of one a minute.
MAX_READINGS: Final = 20_000
PER_BATCH: Final = 100
_FEW: Final = 20
_MANY: Final = 200
_HOUR: Final = timedelta(hours=1)
# A clock may be set to any zone; nothing was measured further ahead than that.
_AHEAD: Final = timedelta(hours=14)
_FUTURE: Final = "reading: from the future"
# So few readings that are further ahead than this, beside others that are not, are strays: no clock of a sensor.
_STRAY: Final = timedelta(minutes=5)
_FEW_STRAYS: Final = 2


class ReadingsClient:
    """The calls of the group "Readings". Every method raises a `VendorError`.

    What a deployment takes is learned as it answers: names of a period's ends, order, paths.
    """

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        self.time_names: tuple[str, ...] = ()
        self.value_names: tuple[str, ...] = ()
        self.period = 0
        self.is_sorted = True
        self.is_oldest_first = False
        self.aggregations = VariantSelector(
            [RequestVariant(path, step) for path in AGGREGATED for step in STEPS]
        )
        self.statistics = VariantSelector([RequestVariant(path) for path in STATS])
        self.batches = VariantSelector([RequestVariant(path) for path in BATCH])
        self.windows = VariantSelector(
            [RequestVariant(f"{RAW}/window", {name: ""}) for name in WINDOWS]
        )

    def follow(self, contract: OpenApiDocument) -> None:
        """Ask as a deployment's own document says."""
        raw = contract.operation(RAW)
        if raw is not None:
            self.time_names = tuple(sorted(raw.times - set(records.TIMES)))
            self.value_names = value_names(raw)
            starts = [start in raw.query for start, _ in PERIODS]
            self.period = starts.index(True) if any(starts) else self.period
        now = self._api.transport.budget.now()
        known = {"batch": self.batches, "aggregat": self.aggregations, "stat": self.statistics}
        for word, ways in known.items():
            if named := list(said(contract, word)):
                ways.follow(named)
            elif raw is not None:
                ways.failed(now)  # the document tells of readings, and of no such ones

    # -- raw --

    async def raw(
        self, sensor: str, start: datetime, end: datetime | None = None
    ) -> PlatformResponse[list[Reading]]:
        """Return a sensor's readings in a period, oldest first: GET /readings/sensor/{sensorId}."""
        listed = await self._listed(sensor, start, end)
        found, aside = self._read(listed.rows)
        inside = [one for one in found if start <= one.at and (end is None or one.at < end)]
        return PlatformResponse(inside, aside, listed.freshness, listed.is_whole)

    async def newest(self, sensor: str, since: datetime | None) -> PlatformResponse[list[Reading]]:
        """Return a sensor's newest readings, oldest first, the last one among them; none if none came `since` then.

        Without `since` the last 30 days are looked through.
        """
        was_oldest_first = self.is_oldest_first
        answer = await self._newest(sensor, [since] if since is not None else self._looks())
        if since is None and self.is_oldest_first and not was_oldest_first:
            answer = await self._newest(sensor, self._looks())
        return answer

    async def _newest(
        self, sensor: str, spans: Sequence[datetime]
    ) -> PlatformResponse[list[Reading]]:
        freshness: list[Freshness] = []
        aside: Counter[str] = Counter()
        for start in spans:
            found, more_aside = await self._since(sensor, start, freshness)
            aside += more_aside
            if found:
                return PlatformResponse(found, aside, tuple(freshness))
        return PlatformResponse([], aside, tuple(freshness))

    def _looks(self) -> list[datetime]:
        """Return the starts of the periods to try: short ones first where the oldest readings come first."""
        now = self._api.now()
        days = (timedelta(hours=1), timedelta(days=1), timedelta(days=30))
        return [now - span for span in (days if self.is_oldest_first else days[-1:])]

    async def _since(
        self, sensor: str, start: datetime, freshness: list[Freshness]
    ) -> tuple[list[Reading], Counter[str]]:
        """Read until the newest has come; where the oldest come first, that takes going on from the last one."""
        aside: Counter[str] = Counter()
        kept: list[Reading] = []
        for _ in range(4):
            listed = await self._listed(sensor, start, None, is_first_enough=True)
            freshness.extend(listed.freshness)
            found, more_aside = self._read(listed.rows)
            if not found and _FUTURE in more_aside:
                # A clock that was far ahead for a while must not hide what was measured since.
                now = self._api.now().replace(minute=0, second=0, microsecond=0)
                listed = await self._listed(sensor, start, now + _AHEAD, is_first_enough=True)
                freshness.extend(listed.freshness)
                found, more_aside = self._read(listed.rows)
            aside += more_aside
            if len(found) > 1 and found[0].at < found[-1].at:
                self.is_oldest_first = _time_of(listed.rows[0], self.time_names) == found[0].at
            is_new = bool(found) and (not kept or found[-1].at > kept[-1].at)
            kept = found if is_new else kept
            if listed.is_whole or not self.is_oldest_first or not is_new:
                break
            start = kept[-1].at
        return kept, aside

    async def _listed(
        self,
        sensor: str,
        start: datetime,
        end: datetime | None,
        *,
        is_first_enough: bool = False,
    ) -> Listed:
        """Ask for a period in whatever words are taken; a first page may be enough."""
        path = RAW.format(sensor)
        size = (_MANY if self.is_oldest_first else _FEW) if is_first_enough else None

        async def ask(query: Mapping[str, str]) -> Listed:
            return await self._api.rows(
                path,
                query,
                permission=RIGHT,
                most=MAX_READINGS,
                size=size,
                enough=(lambda rows: True) if is_first_enough else None,
            )

        if self.is_sorted:
            try:
                listed = await ask(self._period(start, end) | SORT)
            except UnexpectedResponseError as err:
                if not may_differ(err) or err.status in (None, 404):
                    raise
                listed = await ask(self._period(start, end))
                self.is_sorted = False  # it was that which was refused
        else:
            listed = await ask(self._period(start, end))
        if self._is_older(listed.rows, start) and self.period + 1 < len(PERIODS):
            # The words for a period were not understood: others may be.
            self.period += 1
            return await self._listed(sensor, start, end, is_first_enough=is_first_enough)
        return listed

    def _is_older(self, rows: Sequence[object], start: datetime) -> bool:
        """Return whether many of these came well before the period began; single ones may have been late."""
        times = [at for row in rows if (at := _time_of(row, self.time_names)) is not None]
        return 4 * sum(at < start - _HOUR for at in times) > len(times)

    def _read(self, rows: Sequence[object]) -> tuple[list[Reading], Counter[str]]:
        """Parse the readings of a list, oldest first."""
        read = [one for row in rows if (one := self._reading(row)) is not None]
        good = self._past(read)
        aside = Counter({"reading: shape": len(rows) - len(read), _FUTURE: len(read) - len(good)})
        return good, +aside

    def _past(self, read: Iterable[Reading]) -> list[Reading]:
        """Return the readings that can have been measured by now, oldest first."""
        past = sorted((one for one in read if self.is_past(one)), key=lambda one: one.at)
        sound = [one for one in past if one.at <= self._latest() + _STRAY]
        return sound if sound and len(past) - len(sound) <= _FEW_STRAYS else past

    def is_past(self, reading: Reading) -> bool:
        """Return whether a reading can have been measured by now, by the clock that is ahead: the vendor's or ours."""
        return reading.at - _AHEAD <= self._latest()

    def _latest(self) -> datetime:
        return max(self._api.now(), self._api.transport.budget.now_utc())

    def _reading(self, row: object) -> Reading | None:
        if not isinstance(row, dict):
            return None
        return records.reading(row, self.time_names, self.value_names)

    def _period(self, start: datetime, end: datetime | None) -> dict[str, str]:
        names = PERIODS[self.period]
        return {name: to_utc_text(at) for name, at in zip(names, (start, end), strict=True) if at}

    # -- by window, aggregated, as statistics --

    async def window(self, sensor: str, span: timedelta) -> PlatformResponse[list[Reading]]:
        """Return the readings of the time just past: GET /readings/sensor/{sensorId}/window."""
        minutes = f"PT{max(int(span.total_seconds() // 60), 1)}M"

        async def ask(way: RequestVariant) -> PlatformResponse[list[Reading]]:
            query = dict.fromkeys(way.params, minutes)
            listed = await self._api.rows(
                way.path.format(sensor), query, permission=RIGHT, most=MAX_READINGS
            )
            found, aside = self._read(listed.rows)
            return PlatformResponse(found, aside, listed.freshness, listed.is_whole)

        return await self._try(self.windows, ask)

    async def aggregated(
        self, sensor: str, start: datetime, end: datetime
    ) -> PlatformResponse[list[Bucket]]:
        """Return the means of a sensor's hours, or of shorter spans, oldest first."""

        async def ask(way: RequestVariant) -> PlatformResponse[list[Bucket]]:
            listed = await self._api.rows(
                way.path.format(sensor),
                self._period(start, end) | self._of(way, sensor),
                permission=RIGHT,
                most=MAX_READINGS,
            )
            read = [records.bucket(row) for row in listed.rows if isinstance(row, dict)]
            found = sorted((one for one in read if one is not None), key=lambda one: one.start)
            if listed.rows and not found:
                raise UnexpectedResponseError("the reply holds no aggregation")
            if records.width(found) > _HOUR:
                raise UnexpectedResponseError("the aggregation is too coarse")
            return PlatformResponse(found, Counter(), listed.freshness, listed.is_whole)

        return await self._try(self.aggregations, ask)

    async def stats(
        self, sensor: str, start: datetime, end: datetime
    ) -> PlatformResponse[dict[str, float]]:
        """Return a sensor's figures over a period, by the vendor's names for them."""

        async def ask(way: RequestVariant) -> PlatformResponse[dict[str, float]]:
            query = self._period(start, end) | self._of(way, sensor)
            reply = await self._api.get(way.path.format(sensor), query, permission=RIGHT)
            row = single(loose(reply.body))
            if row is None:
                raise UnexpectedResponseError("the reply holds no statistics")
            return PlatformResponse(records.figures(row), Counter(), (reply.freshness,))

        return await self._try(self.statistics, ask)

    @staticmethod
    def _of(way: RequestVariant, sensor: str) -> dict[str, str]:
        """Return the parameters of a variant: its own, and the sensor where the path does not name it."""
        own = {name: value for name, value in way.params.items() if name != IDS}
        return own if "{}" in way.path else own | {way.params.get(IDS, "sensorId"): sensor}

    # -- of many sensors at once --

    async def batch(
        self, sensors: Sequence[str], since: datetime
    ) -> PlatformResponse[dict[str, list[Reading]]]:
        """Return the readings of at most 100 sensors, each oldest first; a sensor without any may be absent.

        It is only ever asked by GET: a POST to an address that may take readings in is no question.
        """

        async def ask(way: RequestVariant) -> PlatformResponse[dict[str, list[Reading]]]:
            query = {way.params.get(IDS, IDS): ",".join(sensors)} | self._period(since, None)
            reply = await self._api.get(way.path, query, permission=RIGHT)
            held = await parse(loose, reply.body)
            found = records.grouped(held, sensors)
            if found is None or not found.keys() <= set(sensors):
                raise UnexpectedResponseError("the reply holds no readings by sensor")
            past = {sensor: self._past(listed) for sensor, listed in found.items()}
            lost = sum(map(len, found.values())) - sum(map(len, past.values()))
            return PlatformResponse(past, +Counter({_FUTURE: lost}), (reply.freshness,))

        return await self._try(self.batches, ask)

    async def _try[T](
        self, ways: VariantSelector, ask: Callable[[RequestVariant], Awaitable[T]]
    ) -> T:
        return await ways.ask(ask, self._api.transport.budget.now())

    def diagnostics(self) -> dict[str, str]:
        """Return how readings are requested."""
        return {
            "period": "/".join(PERIODS[self.period]),
            "order": "oldest first" if self.is_oldest_first else "newest first",
            "aggregated": self.aggregations.standing,
            "batch": self.batches.standing,
        }


def _time_of(row: object, names: Sequence[str]) -> datetime | None:
    found = records.reading(row, names) if isinstance(row, dict) else None
    return found.at if found else None
