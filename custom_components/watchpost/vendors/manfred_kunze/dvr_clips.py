"""Request clips from the recorder of a camera, and follow these requests."""

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

_TIMEOUT: Final = 300.0
_FIRST_PAUSE: Final = 2.0
_MAX_PAUSE: Final = 20.0
_ENTITY_ID: Final = "entity_id"


class ClipRequests:
    """Run requests for clips; `show` publishes a clip as soon as it is available."""

    def __init__(
        self, client: MediaClient, captures: CaptureList, show: Callable[[FeedUpdate], None]
    ) -> None:
        self._client = client
        self._captures = captures
        self._show = show

    async def request(self, call: ActionCall) -> Mapping[str, Any]:
        """Request a clip and follow it; return its state after some minutes at most."""
        camera = camera_of(call.device)
        if camera is None or call.channel is None or call.channel.key != CAMERA:
            raise ValueError(_ENTITY_ID)
        before = {capture.id for capture in self._captures.captures_of(camera)}
        request = await self._client.request_clip(camera, call.fields["start"], call.fields["end"])
        if request is None:
            return {"request_id": None, "state": "unknown", "capture_id": None}
        for pause in _pauses():
            if request.state is not Progress.UNDER_WAY:
                break
            await asyncio.sleep(pause)
            request = await self._poll(request)
        if request.state is Progress.DONE:
            await self._poll_captures()
        named = self._captures.capture_for(request.id)
        capture = request.capture or (named.id if named else None)
        if capture is None and request.state is Progress.DONE:
            new = [each.id for each in self._captures.captures_of(camera) if each.id not in before]
            capture = new[0] if len(new) == 1 else None
        return {"request_id": request.id, "state": str(request.state), "capture_id": capture}

    async def _poll(self, request: ClipRequest) -> ClipRequest:
        """Return the current state of a request; a temporary failure keeps the known one."""
        try:
            current = await self._client.get_clip_request(request.id)
        except UnreachableError, RateLimitedError:
            return request
        if current is not None:
            return current
        # Where the deployment does not list requests, the list of captures shows the finished clip.
        await self._poll_captures()
        capture = self._captures.capture_for(request.id)
        if capture is None or not capture.is_there:
            return request
        return ClipRequest(id=request.id, state=Progress.DONE, capture=capture.id)

    async def _poll_captures(self) -> None:
        try:
            self._show(await self._captures.fetch())
        except UnreachableError, RateLimitedError:
            return


def _pauses() -> Iterator[float]:
    pause, waited = _FIRST_PAUSE, 0.0
    while waited < _TIMEOUT:
        yield pause
        waited += pause
        pause = min(1.5 * pause, _MAX_PAUSE)
