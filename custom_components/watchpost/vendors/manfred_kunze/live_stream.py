"""Live sessions: started when somebody watches, followed until they can be watched, ended when nobody does.

The vendor's text names two calls: one starts a session, one lists those that there are. One that cannot be ended ends
by itself, and is taken up again while it lasts.
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

# Seconds for a session to become active, and before each look.
_PATIENCE: Final = 25.0
_PAUSES: Final = (0.5, 1.0, 1.5, 2.0)
# Seconds for ending a session that is given up.
_LAST_WORDS: Final = 5.0


class LiveSessions:
    """The live session of one camera; `here` turns times of the vendor's clock into ours."""

    def __init__(
        self, client: MediaClient, camera: str, here: Callable[[datetime], datetime]
    ) -> None:
        self._client = client
        self._camera = camera
        self._here = here
        self._session: LiveSession | None = None
        # The one that it took the place of, and the one that is waited for.
        self._before: LiveSession | None = None
        self._coming: LiveSession | None = None

    async def open(self, *, anew: bool) -> StreamSource:
        """Take up the session that we started, or start one; raises a `VendorError`."""
        if anew or not await self._is_lasting():
            before, self._session = self._session, None
            self._session = await self._begun(await self._started())
            await self._replaced(before, self._session)
        assert self._session is not None
        assert self._session.access is not None
        access, end = self._session.access, self._session.expires_at
        return StreamSource(access.urls, access.headers, self._here(end) if end else None)

    async def close(self) -> None:
        """End the session where that can be done; else it lasts for a while, and may be taken up again."""
        before, self._before = self._before, None
        if before is not None:
            await self._let_go(before)
        if self._session is not None and await self._ended(self._session):
            self._session = None

    async def _ended(self, session: LiveSession) -> bool:
        """End a session; False where the vendor has no way to."""
        return session.id != self._camera and await self._client.end_live(session.id)

    async def _let_go(self, session: LiveSession) -> None:
        """End a session that nobody waits for; what goes wrong there is nobody's concern, as it ends by itself."""
        end = session.expires_at
        if session.is_over or (end is not None and self._here(end) <= datetime.now(UTC)):
            return
        with suppress(VendorError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._ended(session)

    async def _replaced(self, before: LiveSession | None, now: LiveSession) -> None:
        """Keep in mind which session another took the place of: until it ends, players go on with what it was."""
        if before is None or before.id == now.id:
            return
        gone, self._before = self._before, before
        if gone is not None and gone.id != now.id:
            await self._let_go(gone)

    async def _is_lasting(self) -> bool:
        """Whether the session that we started can still be watched."""
        if self._session is None:
            return False
        found = await self._found(self._session)
        if found is None or found.is_over:
            return False
        if found.access is not None:
            self._session = _joined(self._session, found)
        return True

    async def _started(self) -> LiveSession:
        """Start a session; where the vendor has one for us already, that one."""
        try:
            started = await self._client.start_live(self._camera)
        except UnexpectedResponseError as err:
            if err.status != HTTPStatus.CONFLICT:
                raise
            started = None
        return started or LiveSession(id=self._camera, camera=self._camera)

    async def _begun(self, session: LiveSession) -> LiveSession:
        """Wait until a session can be watched; raises TimedOutError, and UnreachableError for one that ends before.

        One that is given up is not left open.
        """
        self._coming = session
        try:
            return await self._followed(session)
        except BaseException:
            await self._let_go(self._coming)
            raise

    async def _followed(self, session: LiveSession) -> LiveSession:
        for pause in _pauses():
            if session.is_over:
                raise UnreachableError("the live session ended before it began")
            if session.access is not None and session.state is LiveState.ACTIVE:
                return session
            await asyncio.sleep(pause)
            with suppress(UnreachableError):  # that may pass
                if (found := await self._found(session)) is not None:
                    self._coming = session = _joined(session, found)
        if session.access is None:
            raise TimedOutError("the live session did not begin in time")
        return session  # no word of it is known, but where it would be

    async def _found(self, session: LiveSession) -> LiveSession | None:
        """The session as it is listed now; by its camera where nothing else names it."""
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


def _joined(before: LiveSession, now: LiveSession) -> LiveSession:
    """What is told of a session now, and where that is silent what was told before."""
    return LiveSession(
        id=now.id,
        camera=now.camera or before.camera,
        state=now.state,
        expires_at=now.expires_at or before.expires_at,
        access=now.access or before.access,
    )


def _pauses() -> Iterator[float]:
    waited = 0.0
    pauses = iter(_PAUSES)
    pause = _PAUSES[-1]
    while waited < _PATIENCE:
        pause = next(pauses, pause)
        yield pause
        waited += pause
