"""Links in the vendor's replies: those to its own host are followed with the session, others are not."""

from ...client.errors import NotSecureError
from ...client.transport import Response, checked_link
from ...client.urls import parse_link
from .client import SensorZoneClient


def is_safe(link: str) -> bool:
    """Whether a browser may be sent there."""
    try:
        return checked_link(link).scheme == "https"
    except NotSecureError:
        return False


async def fetched(client: SensorZoneClient, link: str) -> Response | None:
    """Return what a link to the vendor's own host leads to; None for a link that leads elsewhere."""
    try:
        target = parse_link(link, client.url)
    except NotSecureError:
        return None
    return await client.fetch(target) if target.origin() == client.url.origin() else None
