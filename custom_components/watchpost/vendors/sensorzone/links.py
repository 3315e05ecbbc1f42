"""Links in the vendor's replies: those to its own host are followed with the session, others are not."""

from __future__ import annotations

from yarl import URL

from ..http import Reply
from .client import SensorZoneClient


def is_safe(link: str) -> bool:
    """Whether a browser may be sent there."""
    try:
        target = URL(link)
    except ValueError:
        return False
    return target.scheme == "https" and bool(target.host) and target.user is None


async def fetched(client: SensorZoneClient, link: str) -> Reply | None:
    """Return what a link to the vendor's own host leads to; None for a link that leads elsewhere."""
    base = client.url
    try:
        target = base.join(URL(link))
        is_ours = target.origin() == base.origin() and target.user is None
    except ValueError:
        return None
    if not is_ours:
        return None
    return await client.fetch(target.path.removeprefix(base.path.rstrip("/")), dict(target.query))
