"""Map Sensorist's records to devices, channels and readings."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
import unicodedata

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfTemperature,
)

from ...models import Channel, ChannelId, Device, Inventory, Reading
from ..names import truncate_for_entity_id
from .events import events_of_gateway, events_of_sensor
from .models import Gateway, Measurement, Sensor, Source

MANUFACTURER: Final = "Sensorist"
PORTAL: Final = "https://my.sensorist.com/"
ACCOUNT: Final = "account"
INVENTORY: Final = "inventory"
GATEWAYS: Final = "gateways"
SENSORS: Final = "sensors"
_LISTS: Final = {"gateway": GATEWAYS, "sensor": SENSORS}

CONNECTIVITY: Final = "connectivity"
LAST_MEASUREMENT: Final = "last_measurement"
PUSH: Final = "push"

# The interval of the vendor's sensors unless somebody with the permission changes it.
USUAL_CYCLE: Final = timedelta(seconds=900)

_CONNECTIVITY = BinarySensorEntityDescription(
    key=CONNECTIVITY,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_PUSH = BinarySensorEntityDescription(
    key=PUSH,
    translation_key=PUSH,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_LAST_MEASUREMENT = SensorEntityDescription(
    key=LAST_MEASUREMENT,
    translation_key=LAST_MEASUREMENT,
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The sensor type of a kind of data source in one of the vendor's units."""

    unit: str
    device_class: SensorDeviceClass | None = None
    translation_key: str | None = None
    category: EntityCategory | None = None


# By the kind's name and its unit's, both in lower case and without the degree sign.
_KINDS: Final[Mapping[tuple[str, str], _Kind]] = {
    ("temp", "c"): _Kind(UnitOfTemperature.CELSIUS, SensorDeviceClass.TEMPERATURE),
    ("temp", "f"): _Kind(UnitOfTemperature.FAHRENHEIT, SensorDeviceClass.TEMPERATURE),
    ("humi", "%"): _Kind(PERCENTAGE, SensorDeviceClass.HUMIDITY),
    ("batt", "v"): _Kind(
        UnitOfElectricPotential.VOLT,
        SensorDeviceClass.VOLTAGE,
        "battery_voltage",
        EntityCategory.DIAGNOSTIC,
    ),
    ("batt", "%"): _Kind(PERCENTAGE, SensorDeviceClass.BATTERY, category=EntityCategory.DIAGNOSTIC),
    ("wireless", "%"): _Kind(
        PERCENTAGE, translation_key="wireless_signal", category=EntityCategory.DIAGNOSTIC
    ),
}


def gateway_id(gateway: str) -> str:
    """Return the device id of a gateway."""
    return f"gateway-{gateway}"


def sensor_id(sensor: str) -> str:
    """Return the device id of a sensor."""
    return f"sensor-{sensor}"


def list_of_device(device: str) -> str:
    """Return the name of the list that names a device; one response has all of them, each of which may be empty."""
    return _LISTS.get(device.partition("-")[0], INVENTORY)


def source_key(source: str) -> str:
    """Return the key of a data source's channel on its sensor."""
    return f"source-{source}"


def feed_name(gateway: str) -> str:
    """Return the name of the feed with the measurements of one gateway."""
    return f"measurements-{gateway}"


def inventory(
    gateways: Iterable[Gateway],
    chosen: frozenset[str],
    *,
    is_complete: bool,
    has_push: bool = False,
) -> Inventory:
    """Return the account's devices and channels.

    `chosen` are the ids of the wanted gateways, empty for all of them. `has_push`: a webhook is registered.
    """
    ordered = sorted(gateways, key=lambda gateway: gateway.master_id is not None)
    wanted = [gateway for gateway in ordered if not chosen or gateway.id in chosen]
    known = {gateway.id for gateway in wanted}
    left_out = [gateway for gateway in ordered if gateway.id not in known]
    devices = [_account()]
    channels: list[Channel] = []
    if has_push:
        channels.append(Channel(ACCOUNT, PUSH, _PUSH, feed=INVENTORY, keep_when_stale=True))
    for gateway in wanted:
        master = gateway.master_id if gateway.master_id in known - {gateway.id} else None
        devices.append(_gateway(gateway, master))
        channels.append(_connectivity(gateway_id(gateway.id)))
        channels.append(events_of_gateway(gateway_id(gateway.id)))
        for sensor in gateway.sensors:
            devices.append(_sensor(gateway, sensor))
            channels.extend(_sensor_channels(gateway, sensor))
    return Inventory(
        devices=devices,
        channels=channels,
        left_out=frozenset(_left_out(left_out, {device.id for device in devices})),
        left_out_devices=[_gateway(gateway, None) for gateway in left_out],
        is_complete=is_complete,
    )


def _left_out(gateways: Iterable[Gateway], shown: set[str]) -> Iterator[str]:
    for gateway in gateways:
        yield gateway_id(gateway.id)
        for sensor in gateway.sensors:
            if (device := sensor_id(sensor.id)) not in shown:
                yield device


def _account() -> Device:
    return Device(
        id=ACCOUNT,
        name=MANUFACTURER,
        manufacturer=MANUFACTURER,
        configuration_url=PORTAL,
        is_service=True,
    )


def _gateway(gateway: Gateway, master: str | None) -> Device:
    return Device(
        id=gateway_id(gateway.id),
        name=truncate_for_entity_id(gateway.title) or f"Gateway {gateway.serial or gateway.id}",
        manufacturer=MANUFACTURER,
        model=gateway.type.name,
        serial=gateway.serial,
        firmware=gateway.firmware,
        configuration_url=PORTAL,
        via=gateway_id(master) if master else ACCOUNT,
    )


def _sensor(gateway: Gateway, sensor: Sensor) -> Device:
    return Device(
        id=sensor_id(sensor.id),
        name=truncate_for_entity_id(sensor.title) or f"Sensor {sensor.serial or sensor.id}",
        manufacturer=MANUFACTURER,
        model=sensor.type.name,
        serial=sensor.serial,
        firmware=sensor.firmware,
        configuration_url=PORTAL,
        via=gateway_id(gateway.id),
    )


def _connectivity(device: str) -> Channel:
    return Channel(device, CONNECTIVITY, _CONNECTIVITY, feed=INVENTORY)


def _sensor_channels(gateway: Gateway, sensor: Sensor) -> Iterator[Channel]:
    device = sensor_id(sensor.id)
    feed = feed_name(gateway.id)
    yield _connectivity(device)
    if sensor.sources:
        yield events_of_sensor(device)
        yield Channel(device, LAST_MEASUREMENT, _LAST_MEASUREMENT, feed, keep_when_stale=True)
    kinds = Counter(source.kind.name for source in sensor.sources)
    for source in sensor.sources:
        kind = source.kind
        description = _description(kind.name or "", kind.unit.name or "", kind.precision)
        yield Channel(
            device=device,
            key=source_key(source.id),
            description=description,
            feed=feed,
            cycle=source.interval or USUAL_CYCLE,
            name=_free_name(source, description, is_one_of_many=kinds[source.kind.name] > 1),
        )


def _free_name(
    source: Source, description: SensorEntityDescription, *, is_one_of_many: bool
) -> str | None:
    """Return the vendor's title, if Home Assistant has no name for the kind or several share it."""
    is_named = description.device_class is not None or description.translation_key is not None
    if is_named and not is_one_of_many:
        return None
    return truncate_for_entity_id(source.title or source.kind.name) or f"Source {source.id}"


@lru_cache(maxsize=1024)
def _description(kind: str, unit: str, precision: int | None) -> SensorEntityDescription:
    """Return the description of a kind of source; an unknown kind keeps the vendor's unit."""
    # NFKC takes the one-character signs for degrees (U+2103, U+2109) apart.
    plain = unicodedata.normalize("NFKC", unit).lower().removeprefix("°").strip()
    shown = _KINDS.get((kind.lower(), plain)) or _Kind(unit)
    return SensorEntityDescription(
        key=kind,
        device_class=shown.device_class,
        translation_key=shown.translation_key,
        entity_category=shown.category,
        native_unit_of_measurement=shown.unit or None,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=precision,
    )


def connectivity_readings(gateways: Iterable[Gateway]) -> dict[ChannelId, Reading]:
    """Return the connectivity readings of the gateways and their sensors."""
    readings = {}
    for gateway in gateways:
        readings[ChannelId(gateway_id(gateway.id), CONNECTIVITY)] = Reading(gateway.is_connected)
        for sensor in gateway.sensors:
            readings[ChannelId(sensor_id(sensor.id), CONNECTIVITY)] = Reading(sensor.is_connected)
    return readings


def measurement_readings(
    measurements: Mapping[str, Measurement], device_of: Mapping[str, str]
) -> dict[ChannelId, Reading]:
    """Return the newest value of each source and the date of each sensor's last measurement.

    `device_of` maps a source's id to its sensor's device. Rows that were not measured are ignored.
    """
    readings: dict[ChannelId, Reading] = {}
    newest: dict[str, datetime] = {}
    for source, measurement in measurements.items():
        device = device_of.get(source)
        if device is None or not measurement.is_measured:
            continue
        date = measurement.date
        readings[ChannelId(device, f"source-{source}")] = Reading(
            measurement.value, date, order=measurement.seq or 0
        )
        if device not in newest or newest[device] < date:
            newest[device] = date
    for device, date in newest.items():
        readings[ChannelId(device, LAST_MEASUREMENT)] = Reading(date, date)
    return readings
