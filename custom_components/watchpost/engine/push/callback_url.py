"""The callback URL for a vendor's webhooks: Home Assistant Cloud's first, else the external URL, else none."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

from homeassistant.components import webhook
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.network import NoURLAvailableError
from yarl import URL

from ...client.urls import is_loopback

type Via = Literal["cloudhook", "external"]

_CLOUD: Final = "cloud"


@dataclass(frozen=True, slots=True)
class CallbackUrl:
    """A callback URL, which is a secret, and whose it is: Home Assistant Cloud's or the external URL."""

    url: str = field(repr=False)
    via: Via


class CloudNotConnectedError(Exception):
    """Home Assistant Cloud is not connected yet and cannot make the callback URL."""


@callback
def is_callable_url(hass: HomeAssistant) -> bool:
    """Return whether a vendor could reach a webhook."""
    return _has_cloud(hass) or _external(hass, "") is not None


async def async_callback_url(hass: HomeAssistant, webhook_id: str) -> CallbackUrl | None:
    """Return the callback URL, None for none; raises CloudNotConnectedError and the cloud's errors."""
    if _has_cloud(hass):
        from homeassistant.components import cloud  # noqa: PLC0415  heavy, and loaded by now

        if not cloud.async_is_connected(hass):
            raise CloudNotConnectedError
        return CallbackUrl(await cloud.async_get_or_create_cloudhook(hass, webhook_id), "cloudhook")
    url = _external(hass, webhook_id)
    return CallbackUrl(url, "external") if url else None


@callback
def async_listen_cloud(
    hass: HomeAssistant, webhook_id: str | None, changed: Callable[[], None]
) -> CALLBACK_TYPE:
    """Call `changed` when the cloud connects or disconnects, or its URL of this webhook changes."""
    if _CLOUD not in hass.config.components:
        return lambda: None
    from homeassistant.components import cloud  # noqa: PLC0415  heavy, and loaded by now

    @callback
    def on_connection(state: cloud.CloudConnectionState) -> None:
        # A lost connection does not change the URL, which is valid until the subscription ends.
        is_lost = state is cloud.CloudConnectionState.CLOUD_DISCONNECTED
        if not (is_lost and cloud.async_active_subscription(hass)):
            changed()

    stops = [cloud.async_listen_connection_change(hass, on_connection)]
    if webhook_id is not None:
        stops.append(cloud.async_listen_cloudhook_change(hass, webhook_id, lambda _hook: changed()))

    @callback
    def stop() -> None:
        for each in stops:
            each()

    return stop


async def async_forget_cloudhook(hass: HomeAssistant, webhook_id: str) -> None:
    """Delete the cloud's URL of a webhook, where there is one."""
    if _CLOUD not in hass.config.components:
        return
    from homeassistant.components import cloud  # noqa: PLC0415  heavy, and loaded by now

    with suppress(HomeAssistantError, ValueError, OSError):
        await cloud.async_delete_cloudhook(hass, webhook_id)


def is_same_url(where: str, url: str | None) -> bool:
    """Return whether two URLs are the same."""
    return url is not None and where.rstrip("/") == url.rstrip("/")


def ends_with(where: str, webhook_id: str | None) -> bool:
    """Return whether a URL leads to this webhook, whatever host it names."""
    with suppress(ValueError):
        return webhook_id is not None and URL(where).path.rstrip("/").endswith(f"/{webhook_id}")
    return False


def _has_cloud(hass: HomeAssistant) -> bool:
    if _CLOUD not in hass.config.components:
        return False
    from homeassistant.components import cloud  # noqa: PLC0415  heavy, and loaded by now

    return cloud.async_active_subscription(hass)


def _external(hass: HomeAssistant, webhook_id: str) -> str | None:
    """Return the external URL, if it is safe: https, or http to loopback."""
    try:
        url = webhook.async_generate_url(hass, webhook_id, allow_internal=False, allow_ip=True)
    except NoURLAvailableError:
        return None
    parts = URL(url)
    is_safe = parts.scheme == "https" or is_loopback(parts.host or "")
    return url if is_safe and not parts.user else None


def own_hosts(hass: HomeAssistant) -> list[str]:
    """Return the host names and IP addresses of Home Assistant itself."""
    config = hass.config
    found = [URL(url).host for url in (config.internal_url, config.external_url) if url]
    if config.api is not None:
        found.append(config.api.local_ip)
    return [host for host in found if host]
