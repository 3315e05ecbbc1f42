"""Which of several plausible ways to ask a deployment works: tried in order, bounded, and remembered.

The vendor names raw, window, aggregated, stats and batch readings and publishes the path of the raw ones alone.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ....client.errors import UnexpectedResponseError
from .api import is_missing

# After so many seconds what proved not to work is tried again: deployments are updated.
AGAIN_AFTER: Final = 86_400.0
_REFUSED: Final = frozenset({400, 414, 422})


@dataclass(frozen=True, slots=True)
class RequestVariant:
    """One way to ask: a path, in which {} is a sensor's id, and parameters besides."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)


class VariantSelector:
    """The ways to ask for one thing. `at` is the one that works or is tried next; all may prove not to."""

    def __init__(self, ways: Sequence[RequestVariant]) -> None:
        self._ways = list(ways)
        self.at = 0
        self.works = False
        self._off_since: float | None = None

    def is_off(self, now: float) -> bool:
        """Return whether all ways proved not to work, not long ago; `now` is monotonic seconds."""
        return self._off_since is not None and now - self._off_since < AGAIN_AFTER

    def follow(self, ways: Sequence[RequestVariant]) -> None:
        """Try these first, which a deployment's own document names, before those that are guessed."""
        if ways:
            self._ways = [*ways, *(way for way in self._ways if way not in ways)]
            self.at, self.works, self._off_since = 0, False, None

    def tries(self) -> Iterator[RequestVariant]:
        """Yield all variants from the present one on; going on to the next means that the one before did not work."""
        start = 0 if self._off_since is not None else self.at
        for number in (*range(start, len(self._ways)), *range(start)):
            self.at = number
            yield self._ways[number]

    async def ask[T](self, ask: Callable[[RequestVariant], Awaitable[T]], now: float) -> T:
        """Ask in the way that works, or find one.

        Raises UnexpectedResponseError with status 404 where there is none.
        """
        if not self.is_off(now):
            gone: set[str] = set()
            for way in self.tries():
                if way.path in gone:
                    continue
                try:
                    answer = await ask(way)
                except UnexpectedResponseError as err:
                    if not may_differ(err) or (self.works and err.status == 404):
                        raise
                    if err.status == 404:
                        gone.add(way.path)
                else:
                    self.record_success()
                    return answer
            self.failed(now)
        raise UnexpectedResponseError("the vendor has no such readings", 404)

    def record_success(self) -> None:
        """Record that the present variant works."""
        self.works, self._off_since = True, None

    def failed(self, now: float) -> None:
        """Record that no variant works."""
        self.works, self._off_since, self.at = False, now, 0

    @property
    def standing(self) -> str:
        """Return the state of the variants for diagnostics."""
        if self.works:
            return self._ways[self.at].path
        return "untried" if self._off_since is None else "none works"

    def to_memory(self) -> dict[str, Any] | None:
        """Return the variant that works, to be stored."""
        if not self.works:
            return None
        way = self._ways[self.at]
        return {"path": way.path, "params": dict(way.params)}

    def from_memory(self, kept: object) -> None:
        """Begin with what worked before, if it is still one of the ways."""
        if isinstance(kept, dict):
            for number, way in enumerate(self._ways):
                if kept == {"path": way.path, "params": dict(way.params)}:
                    self.at = number


def may_differ(err: UnexpectedResponseError) -> bool:
    """Return whether another way to ask may fare better than the one that got this error."""
    return is_missing(err) or err.status is None or err.status in _REFUSED
