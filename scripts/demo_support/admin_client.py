"""Use the admin API of a simulated cloud."""

from typing import Any

import aiohttp

from .clouds import CloudAccess


class AdminClient:
    """A client of a simulated cloud's admin API."""

    def __init__(self, session: aiohttp.ClientSession, cloud: CloudAccess) -> None:
        """Use an open session."""
        self._session = session
        self._url = cloud["control"]

    async def get(self, path: str) -> Any:
        """GET a route."""
        async with self._session.get(f"{self._url}{path}") as response:
            return await response.json()

    async def post(self, path: str, **body: object) -> Any:
        """POST to a route; raise ClientResponseError if it is rejected."""
        async with self._session.post(f"{self._url}{path}", json=body) as response:
            response.raise_for_status()
            return await response.json()
