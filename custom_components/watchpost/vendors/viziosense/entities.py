"""Devices, channels and readings of VizioSense's cameras."""

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
_TIMESTAMPS = tuple(
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

# The kind of picture of each channel; the camera shows the raw one.
PICTURE_KINDS: Final[Mapping[str, str]] = {CAMERA: RAW, RAW: RAW, ANNOTATED: ANNOTATED}
_PICTURES: Final[Mapping[str, EntityDescription]] = {CAMERA: _CAMERA, **_IMAGES}

_LISTED: Final = frozenset(
    {CONNECTIVITY, REFRESHED, LAST_KEEPALIVE, PUSH, EVENTS, REQUEST_SNAPSHOT, *_PICTURES}
)

type Press = Callable[[str], Awaitable[Job | None]]
type FetchPicture = Callable[[str, str], Awaitable[Picture | None]]


def camera_id(uuid: str) -> str:
    """Return the device id of a camera."""
    return f"camera-{uuid}"


def vendor_uuid(device: str) -> str:
    """Return the vendor's uuid of a camera's device id."""
    return device.removeprefix("camera-")


def account_device() -> Device:
    """Return the device of the account."""
    return Device(id=ACCOUNT, name=MANUFACTURER, manufacturer=MANUFACTURER, is_service=True)


def camera_device(device: models.Device) -> Device:
    """Return the device of a camera."""
    return Device(
        id=camera_id(device.uuid),
        name=device.name or f"Camera {device.uuid[:8]}",
        manufacturer=MANUFACTURER,
        model="Camera",
        serial=device.uuid,
        via=ACCOUNT,
    )


def is_listed(key: str) -> bool:
    """Return whether every camera has a channel of this key; other channels come from messages, not from the list."""
    return key in _LISTED


def push_channel() -> Channel:
    """Return the channel of the push connection."""
    return Channel(ACCOUNT, PUSH, _PUSH, INVENTORY, keep_when_stale=True)


def camera_channels(device: str, press: Press, picture: FetchPicture) -> Iterator[Channel]:
    """Yield the channels of every camera; `press` requests a snapshot, `picture` returns the newest of a kind."""
    for key, description in _PICTURES.items():
        yield Channel(
            device,
            key,
            description,
            INVENTORY,
            keep_when_stale=True,
            picture=partial(picture, device, PICTURE_KINDS[key]),
        )
    yield Channel(
        device,
        REQUEST_SNAPSHOT,
        _REQUEST_SNAPSHOT,
        INVENTORY,
        press=partial(press, device),
    )
    yield Channel(device, CONNECTIVITY, _CONNECTIVITY, INVENTORY)
    for description in _TIMESTAMPS:
        yield Channel(device, description.key, description, INVENTORY, keep_when_stale=True)
    yield Channel(device, EVENTS, _EVENTS, INVENTORY, keep_when_stale=True)


def camera_readings(
    device: models.Device, state: CameraState | None, now: datetime
) -> dict[ChannelId, Reading]:
    """Return the readings of a camera from the list and its keep-alives."""
    device_id = camera_id(device.uuid)
    return {
        ChannelId(device_id, CONNECTIVITY): Reading(is_connected(device, state, now)),
        ChannelId(device_id, REFRESHED): Reading(device.refreshed, device.refreshed),
        ChannelId(device_id, LAST_KEEPALIVE): Reading(state.keepalive_at if state else None),
    }


def is_connected(device: models.Device, state: CameraState | None, now: datetime) -> bool | None:
    """Return whether a camera is connected.

    With keep-alives, three missed ones mean disconnected, and one newer than the vendor's own check means connected.
    Otherwise the list decides.
    """
    is_silent = state.is_silent(now) if state else None
    if state is None or is_silent is None:
        return device.is_online
    if is_silent:
        return False
    contact_at = state.contact_at or state.keepalive_at
    is_newer = device.refreshed is None or contact_at is None or contact_at > device.refreshed
    return True if is_newer else device.is_online
