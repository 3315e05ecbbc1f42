"""Build a world from a configuration; the same seed gives the same ids and values."""

from simulators.clock import Clock
from simulators.random_source import mix
from simulators.schedule import SECOND

from .config import CloudConfig
from .request import days
from .signals import KINDS, ComponentKind, Field
from .state import Component, Device, Organisation, Record, Sensor, World, identifier
from .times import at

_ORGANISATION, _DEVICE, _SENSOR = 31, 32, 33
_SITES = ("Harbour store", "Mill Lane works", "North depot", "Quay laboratory")
_DEVICES = ("gateway", "press", "cooler", "loader", "mixer")
REASONS = ("UNKNOWN_SENSOR", "MISSING_PROFILE", "OUT_OF_RANGE")
_CORNER = (53.5417, 9.9823)


def build_world(config: CloudConfig, clock: Clock) -> World:
    """Return the world that `config` describes, as it is now."""
    now = clock.micros() // SECOND
    main, other = (
        Organisation(identifier(config.seed, number), name, mix(config.seed, number, _ORGANISATION))
        for number, name in enumerate(("Elbwerk", "Nordlager"))
    )
    world = World(config, clock, now - days(config.history_days), main, other)
    for organisation in world.organisations:
        _add_profiles(world, organisation)
        _add_analytics(world, organisation)
    _add_sites(world, main, config.sites)
    _add_sites(world, other, 1)
    for _ in range(config.devices):
        add_device(world, main, created=world.since)
    add_device(world, other, created=world.since)
    for number in range(config.quarantined if config.devices else 0):
        reject(world, REASONS[number % len(REASONS)], now - 3600 * (number + 1))
    if config.extra_sensors:
        _add_many(world, main, config.extra_sensors)
    return world


def add_device(
    world: World,
    organisation: Organisation,
    *,
    name: str | None = None,
    status: str = "ACTIVE",
    created: int | None = None,
) -> Device:
    """Add a device with components and sensors to an organisation, on its sites in turn.

    A PENDING device has neither yet, see `equip`.
    """
    number = len(organisation.devices)
    sites = list(organisation.table("sites"))
    profiles = list(organisation.table("device-profiles"))
    device = Device(
        id=organisation.new_id(),
        name=name or f"{_DEVICES[number % len(_DEVICES)]}-{number + 1:02}",
        number=number,
        seed=mix(organisation.seed, number, _DEVICE),
        created=world.now if created is None else created,
        site=sites[number % len(sites)] if sites and number % 5 != 4 else None,
        profile=profiles[0] if profiles else None,
        tags=["indoor", "line-1"] if number % 2 == 0 else ["indoor"],
        metadata={"serial": f"EW-{4100 + number}"},
        position=(_CORNER[0] + number / 1000, _CORNER[1]) if number % 2 == 0 else None,
    )
    device.restarted = device.created
    organisation.devices[device.id] = device
    if status == "PENDING":
        device.firmware = None
        device.become(status, device.created)
        device.last_seen = None
    else:
        equip(world, organisation, device)
        if status != "ACTIVE":
            device.become(status, world.now)
    return device


def equip(world: World, organisation: Organisation, device: Device) -> None:
    """Add the configured components to a device, of all kinds in turn, with their sensors."""
    for place in range(world.config.components):
        kind = KINDS[(device.number * world.config.components + place) % len(KINDS)]
        component = Component(
            id=organisation.new_id(),
            device=device,
            name=kind.title,
            profile=_profile(organisation, kind),
            created=device.created,
        )
        organisation.components[component.id] = component
        for spec in kind.fields:
            add_sensor(world, organisation, component, spec)


def add_sensor(
    world: World,
    organisation: Organisation,
    component: Component,
    spec: Field,
    name: str = "",
) -> Sensor:
    """Add a sensor for a field to a component."""
    device = component.device
    sensor = Sensor(
        id=organisation.new_id(),
        device=device,
        component=component,
        name=name or spec.name,
        type=spec.type,
        unit=spec.unit,
        signal=spec.signal,
        seed=mix(organisation.seed, len(organisation.sensors), _SENSOR),
        created=device.created,
        interval=world.config.interval,
        delay=world.config.delay,
    )
    organisation.sensors[sensor.id] = sensor
    return sensor


def reject(world: World, reason: str, moment: int) -> Record:
    """Put a payload of the main organisation's first device into quarantine."""
    main = world.main
    device, sensor = next(iter(main.devices.values())), next(iter(main.sensors.values()), None)
    return main.add(
        "quarantine",
        {
            "deviceId": device.id,
            "sensorId": None if sensor is None or reason == "UNKNOWN_SENSOR" else sensor.id,
            "reason": reason,
            "payload": {"sensorId": "probe-7", "value": 1e9, "timestamp": "2026-09-13T11:59:00Z"},
            "receivedAt": at(moment),
        },
    )


def _add_many(world: World, organisation: Organisation, count: int) -> None:
    component = list(organisation.components.values())[-1]
    fields = KINDS[0].fields
    for number in range(count):
        spec = fields[number % len(fields)]
        name = f"{spec.name}_{number + 1:06}"
        add_sensor(world, organisation, component, spec, name)


def _add_sites(world: World, organisation: Organisation, count: int) -> None:
    for number in range(count):
        organisation.add(
            "sites",
            {
                "name": _SITES[number % len(_SITES)] + (f" {number}" if number > 3 else ""),
                "description": None,
                "address": f"Am Speicher {number + 11}, 20457 Hamburg",
                "latitude": round(_CORNER[0] + number / 50, 6),
                "longitude": _CORNER[1],
                "createdAt": at(world.since),
            },
        )
    for tag in ("indoor", "line-1"):
        organisation.add(
            "device-groups",
            {"name": tag.capitalize(), "tags": [tag], "createdAt": at(world.since)},
        )


def _add_profiles(world: World, organisation: Organisation) -> None:
    for kind in KINDS:
        organisation.add(
            "sensor-profiles",
            {
                "name": kind.key,
                "title": kind.title,
                "version": "1.2",
                "fields": [_field(spec) for spec in kind.fields],
                "createdAt": at(world.since),
            },
        )
    organisation.add(
        "device-profiles",
        {
            "name": "field-gateway",
            "version": "2.0",
            "components": [
                {"name": kind.title, "sensorProfileId": _profile(organisation, kind)}
                for kind in KINDS
            ],
            "writableFields": [{"name": "reportInterval", "type": "BIGINT", "unit": "s"}],
            "createdAt": at(world.since),
        },
    )


def _add_analytics(world: World, organisation: Organisation) -> None:
    since = at(world.since)
    profile = next(iter(organisation.table("device-profiles")))
    for version in ("1.4.2", "1.5.0"):
        organisation.add(
            "firmware",
            {
                "version": version,
                "deviceProfileId": profile,
                "fileName": f"gateway-{version}.bin",
                "sizeBytes": 5,
                "sha256": f"{mix(organisation.seed, len(version)):064x}",
                "createdAt": since,
            },
        )
    organisation.add(
        "annotation-classes",
        {"name": "Maintenance", "fields": [{"name": "note", "type": "TEXT"}], "createdAt": since},
    )
    organisation.add("dashboards", {"name": "Overview", "widgets": [], "createdAt": since})
    organisation.add("packs", {"name": "Cold chain", "version": "1.1", "installedAt": since})


def _field(spec: Field) -> dict[str, object]:
    least, most = spec.range or (None, None)
    return {
        "name": spec.name,
        "type": spec.type,
        "unit": spec.unit,
        "minimum": least,
        "maximum": most,
        "required": spec.range is not None,
        "writable": spec.writable,
    }


def _profile(organisation: Organisation, kind: ComponentKind) -> str:
    profiles = organisation.table("sensor-profiles").items()
    return next(number for number, record in profiles if record["name"] == kind.key)
