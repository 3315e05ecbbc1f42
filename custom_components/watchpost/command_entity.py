"""The base of entities with a value that can be set at the vendor."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable

from homeassistant.core import callback

from .commands import async_execute_command
from .entity import ChannelEntity
from .models import Job, JobState, ReadingValue


class SettableEntity(ChannelEntity):
    """An entity that shows a requested value until the vendor has answered."""

    _requested: float | bool | None = None

    @property
    def _shown(self) -> ReadingValue:
        """Return the requested value while there is one, else the vendor's."""
        return self._value if self._requested is None else self._requested

    async def _async_request(
        self, value: float | bool, command: Callable[[], Awaitable[Job | None]]
    ) -> None:
        """Run a command once and show its value meanwhile; raises HomeAssistantError."""
        self._requested = value
        try:
            await async_execute_command(
                self._account, self._channel, self.entity_id, command, self._on_end
            )
        except BaseException:
            self._requested = None
            raise
        finally:
            # Also after a failure: the requested value may have been written meanwhile.
            self.async_write_ha_state()

    @callback
    @abstractmethod
    def _on_end(self, state: JobState | None) -> None:
        """Handle the end of the command's job."""
