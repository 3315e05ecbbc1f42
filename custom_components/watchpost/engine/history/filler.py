"""Fills spans of hours of entities that are requested together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from homeassistant.util import dt as dt_util

from ...models import HistoryTerms
from .importer import BackfillTask, HistoryImporter
from .plan import Request, advance, hour_of, missing, requests
from .progress import ImportNotification

# Of an exact history: hours before the newest that are requested with it, for late measurements.
AGAIN: Final = 1


@dataclass(slots=True)
class ImportResult:
    """The counts of an entity's hours by result."""

    written: int = 0
    already_there: int = 0
    no_data: int = 0


class HistoryFiller:
    """Fills the spans of one account within the vendor's limits."""

    def __init__(
        self, backfill: HistoryImporter, terms: HistoryTerms, notice: ImportNotification
    ) -> None:
        self._importer = backfill
        self._terms = terms
        self._notification = notice

    def _cost(self, request: Request[str]) -> int:
        """Return how many vendor requests one of ours needs."""
        return -(-(request.end - request.start) // self._terms.per_request)

    async def _present(self, tasks: Iterable[str], start: int, end: int) -> dict[str, set[int]]:
        """Return by entity the hours that need no request, since they have a sufficient row."""
        if self._terms.is_exact:
            return {entity_id: set() for entity_id in tasks}
        return await self._importer.present(list(tasks), start, end)

    async def forward(self, tasks: Iterable[BackfillTask], start: int, end: int) -> int:
        """Fill the hours in [start, end) of entities of one group; return the number of requests."""
        now = hour_of(dt_util.utcnow())
        due = {task.source.entity_id: task for task in tasks if task.progress.done < end}
        present = await self._present(due, start, end)
        wanted = {
            entity_id: missing(
                task.progress,
                start,
                min(end, task.end),
                present[entity_id],
                now,
                again=self._again(task),
            )
            for entity_id, task in due.items()
        }
        cost = await self._ask(due, wanted, present)
        for entity_id, task in due.items():
            settled_to = min(end, task.end)
            rows = set() if self._terms.is_exact else present[entity_id]
            advance(task.progress, settled_to, rows, wanted[entity_id], now)
        return cost

    def _again(self, task: BackfillTask) -> int | None:
        """Return the hour from which on all are requested, together with a new one."""
        newest = task.end - 1
        is_new = self._terms.is_exact and newest not in task.progress.asked
        return newest - AGAIN if is_new else None

    async def back(self, tasks: Iterable[BackfillTask], back: int) -> int:
        """Fill the span before `back` of entities of one group; return the number of requests."""
        due = {task.source.entity_id: task for task in tasks if task.progress.back == back}
        start = max(back - self._terms.span, min(task.progress.first for task in due.values()))
        present = await self._present(due, start, back)
        wanted = {
            entity_id: [
                hour
                for hour in range(max(start, task.progress.first), min(back, task.end))
                if hour not in present[entity_id]
            ]
            for entity_id, task in due.items()
        }
        cost = await self._ask(due, wanted, present)
        for task in due.values():
            task.progress.back = max(start, task.progress.first)
        return cost

    async def _ask(
        self,
        tasks: Mapping[str, BackfillTask],
        wanted: Mapping[str, list[int]],
        present: Mapping[str, set[int]],
    ) -> int:
        """Request the wanted hours and add the written ones to `present`; return the number of requests."""
        asked = requests(wanted)
        if asked:
            self._notification.begin()
        for request in asked:
            for entity_id, written in (await self._importer.fill(tasks, wanted, request)).items():
                present[entity_id].update(written)
        return sum(map(self._cost, asked))

    async def on_request(
        self,
        tasks: Mapping[str, BackfillTask],
        results: Mapping[str, ImportResult],
        start: int,
        end: int,
    ) -> None:
        """Fill the hours in [start, end) of entities of one group, whatever was asked before, and count them."""
        now = hour_of(dt_util.utcnow())
        present = await self._importer.present(tasks, start, end)
        wanted = {
            entity_id: missing(task.progress, start, end, present[entity_id], now)
            for entity_id, task in tasks.items()
        }
        for entity_id, hours in wanted.items():
            results[entity_id].already_there += end - start - len(hours)
            results[entity_id].no_data += len(hours)
        for request in requests(wanted):
            for entity_id, written in (await self._importer.fill(tasks, wanted, request)).items():
                results[entity_id].written += len(written)
                results[entity_id].no_data -= len(written)
