"""VizioSense's cameras in the words of the model: devices, and the channels that each of them has."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.camera import CameraEntityDescription
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.image import ImageEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.helpers.entity import EntityDescription

from ...models import Channel, ChannelId, Device, Job, Picture, Reading, VendorEventType
from . import models
from .camera_state import CameraState

MANUFACTURER: Final = "VizioSense"
ACCOUNT: Final = "account"
INVENTORY: Final = "inventory"
MESSAGES: Final = "messages"

CONNECTIVITY: Final = "connectivity"
REFRESHED: Final = "refreshed"
LAST_KEEPALIVE: Final = "last_keepalive"
PUSH: Final = "push"
EVENTS: Final = "events"
CAMERA: Final = "camera"
REQUEST_SNAPSHOT: Final = "request_snapshot"
RAW: Final = "raw"
ANNOTATED: Final = "annotated"

_PUSH = BinarySensorEntityDescription(
    key=PUSH,
    translation_key=PUSH,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_CONNECTIVITY = BinarySensorEntityDescription(
    key=CONNECTIVITY,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_TIMES = tuple(
    SensorEntityDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
    )
    for key in (REFRESHED, LAST_KEEPALIVE)
)
_EVENTS = EventEntityDescription(
    key=EVENTS,
    translation_key=EVENTS,
    event_types=[VendorEventType.CAPTURE_MADE, VendorEventType.MESSAGE_RECEIVED],
)
_CAMERA = CameraEntityDescription(key=CAMERA, name=None)
_IMAGES = {
    RAW: ImageEntityDescription(key=RAW, translation_key="raw_image"),
    ANNOTATED: ImageEntityDescription(key=ANNOTATED, translation_key="annotated_image"),
}
_REQUEST_SNAPSHOT = ButtonEntityDescription(key=REQUEST_SNAPSHOT, translation_key=REQUEST_SNAPSHOT)

# Which picture each of the channels shows. The camera shows what the lens saw.
SHOWN: Final[Mapping[str, str]] = {CAMERA: RAW, RAW: RAW, ANNOTATED: ANNOTATED}
_PICTURES: Final[Mapping[str, EntityDescription]] = {CAMERA: _CAMERA, **_IMAGES}

_LISTED: Final = frozenset(
    {CONNECTIVITY, REFRESHED, LAST_KEEPALIVE, PUSH, EVENTS, REQUEST_SNAPSHOT, *_PICTURES}
)

type Press = Callable[[str], Awaitable[Job | None]]
type FetchPicture = Callable[[str, str], Awaitable[Picture | None]]


def camera_id(uuid: str) -> str:
    """The model's id of a camera."""
    return f"camera-{uuid}"


def uuid_of(device: str) -> str:
    """The vendor's id of one of the model's cameras."""
    return device.removeprefix("camera-")


def account_device() -> Device:
    """The account itself."""
    return Device(id=ACCOUNT, name=MANUFACTURER, manufacturer=MANUFACTURER, is_service=True)


def camera_device(device: models.Device) -> Device:
    """One camera."""
    return Device(
        id=camera_id(device.uuid),
        name=device.name or f"Camera {device.uuid[:8]}",
        manufacturer=MANUFACTURER,
        model="Camera",
        serial=device.uuid,
        via=ACCOUNT,
    )


def is_listed(key: str) -> bool:
    """Whether every camera has a channel of this key; any other is called for by messages, which no list repeats."""
    return key in _LISTED


def push_channel() -> Channel:
    """Whether the vendor calls in."""
    return Channel(ACCOUNT, PUSH, _PUSH, INVENTORY, keep_when_stale=True)


def camera_channels(device: str, press: Press, picture: FetchPicture) -> Iterator[Channel]:
    """The channels that every camera has; `press` asks for a picture, `picture` gives the newest of a kind."""
    for key, description in _PICTURES.items():
        yield Channel(
            device,
            key,
            description,
            INVENTORY,
            keep_when_stale=True,
            picture=partial(picture, device, SHOWN[key]),
        )
    yield Channel(
        device,
        REQUEST_SNAPSHOT,
        _REQUEST_SNAPSHOT,
        INVENTORY,
        press=partial(press, device),
    )
    yield Channel(device, CONNECTIVITY, _CONNECTIVITY, INVENTORY)
    for description in _TIMES:
        yield Channel(device, description.key, description, INVENTORY, keep_when_stale=True)
    yield Channel(device, EVENTS, _EVENTS, INVENTORY, keep_when_stale=True)


def camera_readings(
    device: models.Device, scene: CameraState | None, now: datetime
) -> dict[ChannelId, Reading]:
    """What the list says of a camera, and what its keep-alives do."""
    name = camera_id(device.uuid)
    return {
        ChannelId(name, CONNECTIVITY): Reading(is_connected(device, scene, now)),
        ChannelId(name, REFRESHED): Reading(device.refreshed, device.refreshed),
        ChannelId(name, LAST_KEEPALIVE): Reading(scene.keepalive_at if scene else None),
    }


def is_connected(device: models.Device, scene: CameraState | None, now: datetime) -> bool | None:
    """Whether a camera is connected.

    Where keep-alives come, three missed ones mean that it is not, and one that is newer than the vendor's own look at
    the camera means that it is. Else the list decides.
    """
    is_silent = scene.is_silent(now) if scene else None
    if scene is None or is_silent is None:
        return device.is_online
    if is_silent:
        return False
    heard_at = scene.heard_at or scene.keepalive_at
    is_newer = device.refreshed is None or heard_at is None or heard_at > device.refreshed
    return True if is_newer else device.is_online
