"""Shows the progress of a long import as a notification."""

from collections.abc import Iterable
from typing import Final

from homeassistant.components import persistent_notification
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ...const import DOMAIN
from .importer import BackfillTask
from .plan import DAY

# A notification is shown for gaps of more than a day of SEVERAL entities, and updated STEPS times.
SEVERAL: Final = 3
STEPS: Final = 10


class ImportNotification:
    """The progress notification of a long import."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._title = entry.title
        self._id = f"{DOMAIN}_history_{entry.entry_id}"
        self._planned: list[int] = []
        self._total = 0
        self._entities = 0
        self._step = 0

    def plan(self, tasks: Iterable[BackfillTask]) -> None:
        """Set the hours to import, of all entities."""
        gaps = (task.progress.left(task.end) for task in tasks)
        self._planned = [gap for gap in gaps if gap > 0]

    def begin(self) -> None:
        """Show the notification if the planned gaps are long; called at the first request."""
        if self._total:
            return
        gaps = self._planned
        if sum(gap > DAY for gap in gaps) >= SEVERAL:
            self._total, self._entities, self._step = sum(gaps), len(gaps), 0
            self._show()

    def update(self, feeds: Iterable[Iterable[BackfillTask]]) -> None:
        """Update the notification."""
        if not self._total:
            return
        left = sum(task.progress.left(task.end) for tasks in feeds for task in tasks)
        step = STEPS * max(self._total - left, 0) // self._total
        if step > self._step:
            self._step = step
            self._show()

    def _show(self) -> None:
        persistent_notification.async_create(
            self._hass,
            f"Filling gaps in the statistics of {self._entities} entities with what the vendor remembers: "
            f"{100 * self._step // STEPS} % done. This goes on by itself; nothing waits for it.",
            f"{self._title}: history",
            self._id,
        )

    def close(self) -> None:
        """Remove the notification."""
        if self._total:
            self._total = 0
            persistent_notification.async_dismiss(self._hass, self._id)
