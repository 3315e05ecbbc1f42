"""Footage of a period from a camera's own recorder: asked for, followed, and told when it is there."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ...client.errors import RateLimitedError, UnreachableError
from ...contract.vendor import ActionCall
from ...models import FeedUpdate
from .camera_entities import CAMERA, camera_of
from .captures import CaptureList
from .client.media import MediaClient
from .models.media import ClipRequest, Progress

_PATIENCE: Final = 300.0
_FIRST_PAUSE: Final = 2.0
_MAX_PAUSE: Final = 20.0
_ENTITY_ID: Final = "entity_id"


class ClipRequests:
    """Requests for clips; `show` has Home Assistant hear of a clip as soon as it is there."""

    def __init__(
        self, client: MediaClient, gallery: CaptureList, show: Callable[[FeedUpdate], None]
    ) -> None:
        self._client = client
        self._gallery = gallery
        self._show = show

    async def request(self, call: ActionCall) -> Mapping[str, Any]:
        """Ask for a clip and follow it; returns how far that is, after some minutes at most."""
        camera = camera_of(call.device)
        if camera is None or call.channel is None or call.channel.key != CAMERA:
            raise ValueError(_ENTITY_ID)
        before = {capture.id for capture in self._gallery.of(camera)}
        request = await self._client.request_clip(camera, call.fields["start"], call.fields["end"])
        if request is None:
            return {"request_id": None, "state": "unknown", "capture_id": None}
        for pause in _pauses():
            if request.state is not Progress.UNDER_WAY:
                break
            await asyncio.sleep(pause)
            request = await self._asked(request)
        if request.state is Progress.DONE:
            await self._look()
        found = self._gallery.answer_to(request.id)
        capture = request.capture or (found.id if found else None)
        if capture is None and request.state is Progress.DONE:
            new = [each.id for each in self._gallery.of(camera) if each.id not in before]
            capture = new[0] if len(new) == 1 else None
        return {"request_id": request.id, "state": str(request.state), "capture_id": capture}

    async def _asked(self, request: ClipRequest) -> ClipRequest:
        """How far it is; a failure that may pass is no news."""
        try:
            now = await self._client.get_clip_request(request.id)
        except UnreachableError, RateLimitedError:
            return request
        if now is not None:
            return now
        # Where requests cannot be looked at, the clip itself shows that it is there.
        await self._look()
        found = self._gallery.answer_to(request.id)
        if found is None or not found.is_there:
            return request
        return ClipRequest(id=request.id, state=Progress.DONE, capture=found.id)

    async def _look(self) -> None:
        try:
            self._show(await self._gallery.fetch())
        except UnreachableError, RateLimitedError:
            return


def _pauses() -> Iterator[float]:
    pause, waited = _FIRST_PAUSE, 0.0
    while waited < _PATIENCE:
        yield pause
        waited += pause
        pause = min(1.5 * pause, _MAX_PAUSE)
