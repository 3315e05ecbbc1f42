"""The feature that fetches a deployment's own OpenAPI document, once a day at most."""

from collections.abc import Callable, Mapping
from typing import Any, Final, override

from ...client.errors import VendorError
from .client.api import PlatformApi
from .client.openapi import PATH, OpenApiDocument
from .client.variants import AGAIN_AFTER
from .feature import Feature

_MAX_CONTRADICTIONS: Final = 100


class OpenApiFeature(Feature):
    """Fetch the OpenAPI document and pass it to `apply`; without one the defaults hold."""

    title = "description of the API"

    def __init__(self, api: PlatformApi, apply: Callable[[OpenApiDocument], None]) -> None:
        self._api = api
        self._apply = apply
        self._requested_at = float("-inf")
        self._body = b""
        self._error: str | None = None
        self.document: OpenApiDocument | None = None

    async def fetch(self) -> None:
        """Fetch the document if it is due; a failure keeps the known one."""
        now = self._api.transport.budget.now()
        if now - self._requested_at < AGAIN_AFTER:
            return
        self._requested_at = now
        try:
            reply = await self._api.raw(PATH, permission="read the API's description")
            if reply.body != self._body:
                self.document = OpenApiDocument.read(reply.body)
                self._body = reply.body
                self._apply(self.document)
            self._error = None
        except VendorError as err:
            self._error = type(err).__name__

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        contradictions = self.document.contradictions() if self.document else []
        return {
            "is_shown": self.document is not None,
            "why_not": self._error,
            "contradictions": contradictions[:_MAX_CONTRADICTIONS],
        }
