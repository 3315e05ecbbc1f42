"""The part that reads a deployment's own document of its API, once a day at most."""

from collections.abc import Callable, Mapping
from typing import Any, Final, override

from ...client.errors import VendorError
from .client.api import PlatformApi
from .client.openapi import PATH, OpenApiDocument
from .client.variants import AGAIN_AFTER
from .feature import Feature

_MAX_SAID: Final = 100


class OpenApiFeature(Feature):
    """Looks for the document and has `follow` take it; without one the defaults hold."""

    title = "description of the API"

    def __init__(self, api: PlatformApi, follow: Callable[[OpenApiDocument], None]) -> None:
        self._api = api
        self._follow = follow
        self._looked = float("-inf")
        self._body = b""
        self._why_not: str | None = None
        self.contract: OpenApiDocument | None = None

    async def look(self) -> None:
        """Read the document, if there is one and it is time; what is known stands where it cannot be had."""
        now = self._api.transport.budget.now()
        if now - self._looked < AGAIN_AFTER:
            return
        self._looked = now
        try:
            reply = await self._api.raw(PATH, permission="read the API's description")
            if reply.body != self._body:
                self.contract = OpenApiDocument.read(reply.body)
                self._body = reply.body
                self._follow(self.contract)
            self._why_not = None
        except VendorError as err:
            self._why_not = type(err).__name__

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        said = self.contract.contradictions() if self.contract else []
        return {
            "is_shown": self.contract is not None,
            "why_not": self._why_not,
            "contradictions": said[:_MAX_SAID],
        }
