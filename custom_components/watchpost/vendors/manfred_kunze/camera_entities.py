"""Map cameras to devices, channels and readings."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.camera import CameraEntityDescription
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.const import EntityCategory

from ...models import Channel, ChannelId, Device, LiveStream, Picture, Reading, VendorEventType
from ..names import truncate_for_entity_id
from .inventory import ACCOUNT, OrganisationInventory, device_id
from .models import media
from .models.media import CameraStatus

CAMERAS: Final = "cameras"
CAPTURES: Final = "captures"

CAMERA: Final = "camera"
STATUS: Final = "camera_status"
CONNECTIVITY: Final = "camera_connectivity"
LAST_CAPTURE: Final = "last_capture"
EVENTS: Final = "camera_events"

_CAMERA: Final = CameraEntityDescription(key=CAMERA, name=None)
_STATUS: Final = SensorEntityDescription(
    key=STATUS,
    translation_key=STATUS,
    device_class=SensorDeviceClass.ENUM,
    options=[status.value.lower() for status in CameraStatus],
    entity_category=EntityCategory.DIAGNOSTIC,
)
_CONNECTIVITY: Final = BinarySensorEntityDescription(
    key=CONNECTIVITY,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_LAST_CAPTURE: Final = SensorEntityDescription(
    key=LAST_CAPTURE, translation_key=LAST_CAPTURE, device_class=SensorDeviceClass.TIMESTAMP
)
_EVENTS: Final = EventEntityDescription(
    key=EVENTS, translation_key="events", event_types=[VendorEventType.CAPTURE_MADE]
)

type FetchPicture = Callable[[str], Awaitable[Picture | None]]
type LiveStreamOf = Callable[[str], LiveStream]


def camera_id(camera: str) -> str:
    """Return the model's id of a camera."""
    return f"camera-{camera}"


def camera_of(device: str | None) -> str | None:
    """Return the platform's id of one of the model's cameras, None for any other device."""
    prefix = camera_id("")
    return device.removeprefix(prefix) if device and device.startswith(prefix) else None


def camera_device(inventory_tree: OrganisationInventory, camera: media.Camera) -> Device:
    """Return the device of a camera; its parent is the device that it belongs to."""
    return Device(
        camera_id(camera.id),
        name=truncate_for_entity_id(camera.name) or f"Camera {camera.id[:8]}",
        manufacturer="Manfred Kunze",
        model=camera.model or "Camera",
        via=device_id(camera.device) if camera.device in inventory_tree.devices else ACCOUNT,
    )


def camera_channels(
    camera: str, picture: FetchPicture, live_stream_of: LiveStreamOf
) -> Iterator[Channel]:
    """Yield the channels of a camera."""
    device = camera_id(camera)
    yield Channel(
        device,
        CAMERA,
        _CAMERA,
        CAPTURES,
        keep_when_stale=True,
        picture=partial(picture, camera),
        live=live_stream_of(camera),
    )
    yield Channel(device, LAST_CAPTURE, _LAST_CAPTURE, CAPTURES, keep_when_stale=True)
    yield Channel(device, EVENTS, _EVENTS, CAPTURES, keep_when_stale=True)
    for description in (_STATUS, _CONNECTIVITY):
        yield Channel(device, description.key, description, CAMERAS)


def status_readings(cameras: Iterable[media.Camera]) -> dict[ChannelId, Reading]:
    """Return status and connectivity of each camera, both unknown for an unknown status."""
    readings: dict[ChannelId, Reading] = {}
    for camera in cameras:
        status, device = camera.status, camera_id(camera.id)
        is_connected = status is not CameraStatus.OFFLINE if status else None
        readings[ChannelId(device, STATUS)] = Reading(status.value.lower() if status else None)
        readings[ChannelId(device, CONNECTIVITY)] = Reading(is_connected)
    return readings


def capture_readings(camera: str, newest: datetime | None) -> dict[ChannelId, Reading]:
    """Return the time of a camera's newest capture, which its picture shows too."""
    return {
        ChannelId(camera_id(camera), key): Reading(newest, newest) for key in (CAMERA, LAST_CAPTURE)
    }
