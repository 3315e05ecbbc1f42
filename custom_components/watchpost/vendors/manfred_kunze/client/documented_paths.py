"""The vendor's calls as its pages name them, and the fields without which a record is of little use.

Compared with a deployment's own document, to say where the two differ. Below `/api/v1`, ids left blank.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_READ: Final = ("get",)

STATED: Final[Mapping[str, Sequence[str]]] = {
    "/devices": _READ,
    "/devices/{}/health": _READ,
    "/devices/registration/tokens": ("get", "post"),
    "/devices/provision": ("post",),
    "/devices/{}/commands": ("get", "post"),
    "/components": _READ,
    "/sensors": _READ,
    "/device-groups": _READ,
    "/sites": _READ,
    "/config-artefacts": ("get", "post"),
    "/config-artefacts/upload-url": ("post",),
    "/desired-state-bindings": ("get", "put"),
    "/sensor-profiles": _READ,
    "/device-profiles": _READ,
    "/packs": _READ,
    "/readings/sensor/{}": _READ,
    "/readings/sensor/{}/window": _READ,
    "/alert-rules": ("get", "post"),
    "/alert-rules/{}/enable": ("post",),
    "/alert-rules/{}/disable": ("post",),
    "/alerts": _READ,
    "/alerts/{}/acknowledge": ("post",),
    "/alerts/{}/resolve": ("post",),
    "/alerts/{}/notifications": _READ,
    "/notification-channels": ("get", "post"),
    "/notification-channels/{}/test": ("post",),
    "/events": ("get", "post"),
    "/annotations": ("get", "post"),
    "/annotations/by-source": _READ,
    "/annotation-classes": ("get", "post"),
    "/reference-pairs": ("get", "post"),
    "/dashboards": _READ,
    "/cameras": ("get", "post"),
    "/cameras/{}/live": ("post",),
    "/captures": _READ,
    "/captures/{}/download": _READ,
    "/media-capture-rules": ("get", "post"),
    "/dvr-clip-requests": ("post",),
    "/live": _READ,
    "/exports": ("get", "post"),
    "/exports/{}": ("get", "delete"),
    "/admin/quarantine": _READ,
    "/admin/quarantine/{}": ("delete",),
    "/firmware": _READ,
    "/billing": _READ,
}

# Of each of these names one must be there; the first is the one that is expected.
FIELDS: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "/devices": (("id",), ("status", "state", "deviceStatus"), ("name", "deviceName")),
    "/components": (("id",), ("deviceId", "device")),
    "/sensors": (("id",), ("valueType", "dataType", "type")),
    "/alerts": (("id",), ("status", "state", "lifecycle"), ("severity",)),
    "/alert-rules": (("id",), ("sensorId", "sensor"), ("enabled", "isEnabled", "active")),
    "/cameras": (("id",), ("status",)),
}
