"""Every group of resources in the vendor's text: where it is, and what may be done to it.

Paths and methods are those of the pages "REST API", "Detect & alert", "Configure remotely", "Capture media", "Analyze &
annotate" and "Export data". Where the text names a path alone it is only read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any, Final
from urllib.parse import urlsplit

_SECRET: Final = (
    *("token", "secret", "password", "passwd", "passphrase", "credential", "signature"),
    *("apikey", "privatekey", "accesskey", "authorization", "cookie", "webhookid"),
)
_LINK: Final = re.compile(r"\s*[a-z][a-z0-9+.-]{1,31}://", re.IGNORECASE)
_LINK_INSIDE: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,31}://[^\s\"'<>]*", re.IGNORECASE)
_MAX_DEEP: Final = 12


@dataclass(frozen=True, slots=True)
class Resource:
    """A group of resources below `/api/v1`. `path` has a blank where the id of another record belongs.

    `is_list` is False where nothing says that there are several.
    """

    path: str
    is_list: bool = True
    can_create: bool = False
    can_update: bool = False
    can_delete: bool = False

    @property
    def is_below(self) -> bool:
        """Whether it is read by another record's id."""
        return "{}" in self.path


_ALL: Final = {"can_create": True, "can_update": True, "can_delete": True}

RESOURCES: Final[Mapping[str, Resource]] = {
    "devices": Resource("/devices"),
    "device_health": Resource("/devices/{}/health", is_list=False),
    "device_commands": Resource("/devices/{}/commands"),
    "registration_tokens": Resource("/devices/registration/tokens", can_delete=True),
    "components": Resource("/components"),
    "sensors": Resource("/sensors"),
    "device_groups": Resource("/device-groups"),
    "sites": Resource("/sites"),
    "config_artefacts": Resource("/config-artefacts", can_create=True, can_delete=True),
    "desired_state_bindings": Resource("/desired-state-bindings", can_delete=True),
    "sensor_profiles": Resource("/sensor-profiles"),
    "device_profiles": Resource("/device-profiles"),
    "packs": Resource("/packs"),
    "alert_rules": Resource("/alert-rules", **_ALL),
    "alerts": Resource("/alerts"),
    "alert_notifications": Resource("/alerts/{}/notifications"),
    "notification_channels": Resource("/notification-channels", **_ALL),
    "events": Resource("/events"),
    "annotations": Resource("/annotations", **_ALL),
    "annotations_by_source": Resource("/annotations/by-source"),
    "annotation_classes": Resource("/annotation-classes", **_ALL),
    "reference_pairs": Resource("/reference-pairs", **_ALL),
    "dashboards": Resource("/dashboards"),
    "cameras": Resource("/cameras", **_ALL),
    "captures": Resource("/captures"),
    "media_capture_rules": Resource("/media-capture-rules", **_ALL),
    "dvr_clip_requests": Resource("/dvr-clip-requests"),
    "live_sessions": Resource("/live"),
    "exports": Resource("/exports", can_delete=True),
    "quarantine": Resource("/admin/quarantine", can_delete=True),
    "firmware": Resource("/firmware"),
    "billing": Resource("/billing", is_list=False),
}


def shown(value: Any, depth: int = 0) -> Any:
    """A record as it may be shown: without what is secret, and of an address no more than where it leads.

    Addresses may be signed, or be secrets themselves, like those of webhooks.
    """
    if isinstance(value, dict) and depth < _MAX_DEEP:
        return {
            str(key): shown(held, depth + 1)
            for key, held in value.items()
            if not any(mark in _plain(str(key)) for mark in _SECRET)
        }
    if isinstance(value, list) and depth < _MAX_DEEP:
        return [shown(held, depth + 1) for held in value]
    if isinstance(value, str):
        if _LINK.match(value):
            return _origin(value.strip())
        return _LINK_INSIDE.sub(lambda found: _origin(found[0]) or "", value)
    return value if isinstance(value, int | float | bool) else None


def _plain(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())


def _origin(link: str) -> str | None:
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else None
