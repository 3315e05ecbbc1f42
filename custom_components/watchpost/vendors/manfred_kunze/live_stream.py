"""Live sessions of cameras: started for a viewer, awaited until active, ended after the last viewer.

The vendor documents two requests: one starts a session, one lists the sessions. A session that cannot be ended ends by
itself, and is used again while it lasts.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from ...client.errors import TimedOutError, UnexpectedResponseError, UnreachableError, VendorError
from ...models import StreamSource
from .client.api import is_missing
from .client.media import MediaClient
from .models.media import LiveSession, LiveState

# Seconds for a session to become active, and pauses (seconds) between the polls of it.
_START_TIMEOUT: Final = 25.0
_PAUSES: Final = (0.5, 1.0, 1.5, 2.0)
# Seconds for ending an abandoned session.
_END_TIMEOUT: Final = 5.0


class LiveSessions:
    """Manage the live session of one camera; `to_utc` converts a time of the vendor's clock to ours."""

    def __init__(
        self, client: MediaClient, camera: str, to_utc: Callable[[datetime], datetime]
    ) -> None:
        self._client = client
        self._camera = camera
        self._to_utc = to_utc
        self._session: LiveSession | None = None
        # The session that it replaced, and the one that is awaited.
        self._replaced_session: LiveSession | None = None
        self._awaited_session: LiveSession | None = None

    async def open(self, *, anew: bool) -> StreamSource:
        """Return the stream of our session, started if there is none or `anew`; raises a `VendorError`."""
        if anew or not await self._is_active():
            before, self._session = self._session, None
            self._session = await self._wait_until_active(await self._start())
            await self._keep_replaced(before, self._session)
        assert self._session is not None
        assert self._session.access is not None
        access, end = self._session.access, self._session.expires_at
        return StreamSource(access.urls, access.headers, self._to_utc(end) if end else None)

    async def close(self) -> None:
        """End the session; one that cannot be ended may be used again until it ends by itself."""
        before, self._replaced_session = self._replaced_session, None
        if before is not None:
            await self._abandon(before)
        if self._session is not None and await self._end(self._session):
            self._session = None

    async def _end(self, session: LiveSession) -> bool:
        """End a session; return False where the deployment cannot."""
        return session.id != self._camera and await self._client.end_live(session.id)

    async def _abandon(self, session: LiveSession) -> None:
        """End an abandoned session; errors are ignored, as it ends by itself."""
        end = session.expires_at
        if session.is_over or (end is not None and self._to_utc(end) <= datetime.now(UTC)):
            return
        with suppress(VendorError, TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT):
                await self._end(session)

    async def _keep_replaced(self, before: LiveSession | None, session: LiveSession) -> None:
        """Keep the replaced session until `close`, as players may still use it; end the one before it."""
        if before is None or before.id == session.id:
            return
        older, self._replaced_session = self._replaced_session, before
        if older is not None and older.id != session.id:
            await self._abandon(older)

    async def _is_active(self) -> bool:
        """Return whether the session that we started can still be watched."""
        if self._session is None:
            return False
        listed = await self._find(self._session)
        if listed is None or listed.is_over:
            return False
        if listed.access is not None:
            self._session = _merge(self._session, listed)
        return True

    async def _start(self) -> LiveSession:
        """Start a session, or use the one that the vendor already has for us."""
        try:
            started = await self._client.start_live(self._camera)
        except UnexpectedResponseError as err:
            if err.status != HTTPStatus.CONFLICT:
                raise
            started = None
        return started or LiveSession(id=self._camera, camera=self._camera)

    async def _wait_until_active(self, session: LiveSession) -> LiveSession:
        """Wait until a session can be watched; an abandoned session is ended.

        Raises TimedOutError, or UnreachableError for a session that ends before it is active.
        """
        self._awaited_session = session
        try:
            return await self._poll_until_active(session)
        except BaseException:
            await self._abandon(self._awaited_session)
            raise

    async def _poll_until_active(self, session: LiveSession) -> LiveSession:
        for pause in _pauses():
            if session.is_over:
                raise UnreachableError("the live session ended before it began")
            if session.access is not None and session.state is LiveState.ACTIVE:
                return session
            await asyncio.sleep(pause)
            with suppress(UnreachableError):  # the next poll may succeed
                if (listed := await self._find(session)) is not None:
                    self._awaited_session = session = _merge(session, listed)
        if session.access is None:
            raise TimedOutError("the live session did not begin in time")
        return session  # its state is unknown, but its address is there

    async def _find(self, session: LiveSession) -> LiveSession | None:
        """Return the session from the current list; by its camera where its id is unknown."""
        try:
            listed = await self._client.list_live()
        except UnexpectedResponseError as err:
            if is_missing(err):
                return None
            raise
        by_id = [each for each in listed if each.id == session.id]
        is_named = session.id != self._camera
        ours = [each for each in listed if each.camera == self._camera and not each.is_over]
        return next(iter(by_id or ([] if is_named else ours)), None)


def _merge(before: LiveSession, listed: LiveSession) -> LiveSession:
    """Merge a listed session with its known record, for the fields that the list leaves out."""
    return LiveSession(
        id=listed.id,
        camera=listed.camera or before.camera,
        state=listed.state,
        expires_at=listed.expires_at or before.expires_at,
        access=listed.access or before.access,
    )


def _pauses() -> Iterator[float]:
    waited = 0.0
    pauses = iter(_PAUSES)
    pause = _PAUSES[-1]
    while waited < _START_TIMEOUT:
        pause = next(pauses, pause)
        yield pause
        waited += pause
