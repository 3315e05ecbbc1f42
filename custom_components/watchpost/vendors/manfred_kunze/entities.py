"""Map the platform's records to devices and their channels."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.helpers.entity import EntityDescription

from ...models import Channel, ChannelId, Device, Reading, ReadingValue
from ..names import truncate_for_entity_id
from .inventory import ACCOUNT, OrganisationInventory, component_id, device_id, sensor_key
from .models import topology
from .models.topology import DeviceStatus, Sensor, ValueType
from .units import binary_device_class, unit_info

MANUFACTURER: Final = "Manfred Kunze"
SERVICE: Final = "Manfred Kunze IoT platform"

STATUSES: Final = "statuses"
READINGS: Final = "readings"

STATUS: Final = "device_status"
CONNECTIVITY: Final = "connectivity"
MAINTENANCE: Final = "maintenance"
LAST_MEASUREMENT: Final = "last_measurement"

_DIAGNOSTIC = EntityCategory.DIAGNOSTIC
MAX_STATE: Final = 255

_STATUS = SensorEntityDescription(
    key=STATUS,
    translation_key=STATUS,
    device_class=SensorDeviceClass.ENUM,
    options=[status.value.lower() for status in DeviceStatus],
    entity_category=_DIAGNOSTIC,
)
_CONNECTIVITY = BinarySensorEntityDescription(
    key=CONNECTIVITY,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=_DIAGNOSTIC,
)
_MAINTENANCE = BinarySensorEntityDescription(
    key=MAINTENANCE, translation_key=MAINTENANCE, entity_category=_DIAGNOSTIC
)
_LAST_MEASUREMENT = SensorEntityDescription(
    key=LAST_MEASUREMENT,
    translation_key=LAST_MEASUREMENT,
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=_DIAGNOSTIC,
)


def is_sensor_key(key: str) -> bool:
    """Return whether a channel comes from the list of sensors."""
    return key == LAST_MEASUREMENT or key.startswith(sensor_key(""))


# Whether a device in this state is connected; unknown in any other state.
_CONNECTED: Final = {DeviceStatus.ACTIVE: True, DeviceStatus.OFFLINE: False}


def account() -> Device:
    """Return the account, the parent of all devices."""
    return Device(ACCOUNT, name=SERVICE, manufacturer=MANUFACTURER, is_service=True)


def devices(inventory_tree: OrganisationInventory) -> Iterator[Device]:
    """Yield the account, its devices and their components, parents before children."""
    yield account()
    for device in inventory_tree.devices.values():
        yield _device(inventory_tree, device)
    for component in inventory_tree.components.values():
        profile = inventory_tree.profile_of(component)
        yield Device(
            component_id(component.id),
            name=truncate_for_entity_id(component.name) or f"Component {component.id[:8]}",
            manufacturer=MANUFACTURER,
            model=profile.name if profile else None,
            via=inventory_tree.parent_device(device=component.device),
        )


def _device(inventory_tree: OrganisationInventory, device: topology.Device) -> Device:
    site = inventory_tree.sites.get(device.site or "")
    return Device(
        device_id(device.id),
        name=truncate_for_entity_id(device.name) or f"Device {device.id[:8]}",
        manufacturer=MANUFACTURER,
        model=device.model,
        serial=device.serial,
        firmware=device.firmware,
        area=site.name if site else None,
        via=ACCOUNT,
    )


def status_channels(inventory_tree: OrganisationInventory, max_age: timedelta) -> Iterator[Channel]:
    """Yield the status channels of each device, which are shown for this time."""
    for device in inventory_tree.devices:
        for description in (_STATUS, _CONNECTIVITY, _MAINTENANCE):
            yield Channel(
                device_id(device), description.key, description, STATUSES, good_for=max_age
            )


def status_readings(listed: Iterable[topology.Device]) -> dict[ChannelId, Reading]:
    """Return status, connectivity and maintenance of each device; all unknown for an unknown status."""
    readings: dict[ChannelId, Reading] = {}
    for device in listed:
        status, owner = device.status, device_id(device.id)
        values: dict[str, ReadingValue] = {
            STATUS: status.value.lower() if status else None,
            CONNECTIVITY: _CONNECTED.get(status) if status else None,
            MAINTENANCE: status is DeviceStatus.MAINTENANCE if status else None,
        }
        readings |= {ChannelId(owner, key): Reading(value) for key, value in values.items()}
    return readings


def sensor_channels(
    inventory_tree: OrganisationInventory, max_ages: Mapping[str, timedelta]
) -> Iterator[Channel]:
    """Yield a channel for each sensor, and the last measurement of each parent device.

    `max_ages` is how long each sensor's readings are shown.
    """
    sensors = inventory_tree.located_sensors
    descriptions = {sensor.id: describe(inventory_tree, sensor) for sensor in sensors}
    parents = {sensor.id: inventory_tree.parent_of_sensor(sensor.id) for sensor in sensors}
    counts = Counter(
        (parents[sensor_id], description.device_class)
        for sensor_id, description in descriptions.items()
    )
    for sensor in sensors:
        parent, description = parents[sensor.id], descriptions[sensor.id]
        device_class = description.device_class
        is_named = device_class is not None and counts[parent, device_class] == 1
        yield Channel(
            parent,
            sensor_key(sensor.id),
            description,
            READINGS,
            good_for=max_ages[sensor.id],
            declared=_declared(inventory_tree, sensor),
            name=None if is_named else _name(sensor),
        )
    for parent in dict.fromkeys(parents.values()):
        if parent != ACCOUNT:
            yield Channel(
                parent, LAST_MEASUREMENT, _LAST_MEASUREMENT, READINGS, keep_when_stale=True
            )


def _declared(inventory_tree: OrganisationInventory, sensor: Sensor) -> tuple[float, float] | None:
    """Return the range that a sensor's field in its profile declares, unless the sensor has another unit."""
    field = inventory_tree.field_of(sensor)
    if field is None or sensor.unit not in (None, field.unit):
        return None
    return field.declared


def _name(sensor: Sensor) -> str:
    return truncate_for_entity_id(sensor.name or sensor.field) or f"Sensor {sensor.id[:8]}"


def describe(inventory_tree: OrganisationInventory, sensor: Sensor) -> EntityDescription:
    """Return a sensor's entity description by its value type, its profile's unit and its name."""
    field = inventory_tree.field_of(sensor)
    unit = sensor.unit or (field.unit if field else None)
    name = sensor.field or sensor.name or ""
    return _description(inventory_tree.value_type_of(sensor), unit, field.name if field else name)


@lru_cache(maxsize=4096)
def _description(kind: ValueType | None, unit: str | None, name: str) -> EntityDescription:
    if kind is ValueType.BOOLEAN:
        return BinarySensorEntityDescription(key="truth", device_class=binary_device_class(name))
    if kind is ValueType.DOUBLE or kind is ValueType.BIGINT:
        info = unit_info(unit, name)
        return SensorEntityDescription(
            key="number",
            device_class=info.device_class,
            native_unit_of_measurement=info.unit,
            state_class=info.state_class,
        )
    return SensorEntityDescription(key="text")
