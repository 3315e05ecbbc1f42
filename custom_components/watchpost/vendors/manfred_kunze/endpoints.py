"""List every group of resources in the vendor's text with its path and methods.

Paths and methods are those of the pages "REST API", "Detect & alert", "Configure remotely", "Capture media", "Analyze &
annotate" and "Export data". A path without documented methods is only read.
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
_MAX_DEPTH: Final = 12


@dataclass(frozen=True, slots=True)
class Resource:
    """Group of resources below `/api/v1`; `path` has a `{}` in the place of another record's id.

    `is_list` is False where the vendor documents a single record.
    """

    path: str
    is_list: bool = True
    can_create: bool = False
    can_update: bool = False
    can_delete: bool = False

    @property
    def needs_record_id(self) -> bool:
        """Return whether the path needs another record's id."""
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


def redact(value: Any, depth: int = 0) -> Any:
    """Return a record without its secrets, and with each URL cut to its scheme and host.

    URLs may be signed, or be secrets themselves, like those of webhooks.
    """
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        return {
            str(key): redact(item, depth + 1)
            for key, item in value.items()
            if not any(mark in _letters(str(key)) for mark in _SECRET)
        }
    if isinstance(value, list) and depth < _MAX_DEPTH:
        return [redact(item, depth + 1) for item in value]
    if isinstance(value, str):
        if _LINK.match(value):
            return _origin(value.strip())
        return _LINK_INSIDE.sub(lambda match: _origin(match[0]) or "", value)
    return value if isinstance(value, int | float | bool) else None


def _letters(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())


def _origin(link: str) -> str | None:
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else None
