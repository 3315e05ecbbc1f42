"""Links in the vendor's responses; only links to its own host are fetched with the session."""

from ...client.errors import NotSecureError
from ...client.transport import Response, checked_link
from ...client.urls import parse_link
from .client import SensorZoneClient


def is_safe(link: str) -> bool:
    """Return whether a browser may open a link."""
    try:
        return checked_link(link).scheme == "https"
    except NotSecureError:
        return False


async def fetched(client: SensorZoneClient, link: str) -> Response | None:
    """Fetch a link to the vendor's own host; return None for a link to another host."""
    try:
        target = parse_link(link, client.url)
    except NotSecureError:
        return None
    return await client.fetch(target) if target.origin() == client.url.origin() else None
