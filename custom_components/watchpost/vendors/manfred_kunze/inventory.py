"""Keep the last known devices, components, sensors and profiles of an organisation for look-ups; no I/O."""

from collections.abc import Iterable
from typing import Final

from .models.topology import Component, Device, Place, Profile, ProfileField, Sensor, ValueType

ACCOUNT: Final = "account"

INVENTORY: Final = "inventory"
# The lists that devices and sensors come from.
DEVICES: Final = "devices"
COMPONENTS: Final = "components"
SENSORS: Final = "sensors"
CAMERAS: Final = "cameras"
_LISTS: Final = {"device": DEVICES, "component": COMPONENTS, "camera": CAMERAS}


def device_id(device: str) -> str:
    """Return the model's id of a device."""
    return f"device-{device}"


def component_id(component: str) -> str:
    """Return the model's id of a component."""
    return f"component-{component}"


def list_of_device(device: str) -> str:
    """Return the name of the list that one of the model's devices comes from."""
    return _LISTS.get(device.partition("-")[0], INVENTORY)


def sensor_key(sensor: str) -> str:
    """Return the key of a sensor's channel."""
    return f"sensor-{sensor}"


class OrganisationInventory:
    """Devices, components, sensors, places and profiles by the platform's ids."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.components: dict[str, Component] = {}
        self.sensors: dict[str, Sensor] = {}
        self.sites: dict[str, Place] = {}
        self.groups: dict[str, Place] = {}
        self.device_profiles: list[Profile] = []
        # The model's ids of known devices and components, also of those that the newest list lacks.
        self.known_ids: frozenset[str] = frozenset()
        # Whether the components of sensors are known: their list was fetched, or the deployment has none.
        self.are_components_known = False
        self._profiles: dict[str, dict[str | None, Profile]] = {}
        self._fields: dict[tuple[str, str | None], dict[str, ProfileField]] = {}
        self._kinds: dict[str, ValueType | None] = {}

    @property
    def sensor_profiles(self) -> list[Profile]:
        """Return the sensor profiles in all their versions."""
        return [profile for named in self._profiles.values() for profile in named.values()]

    @sensor_profiles.setter
    def sensor_profiles(self, profiles: Iterable[Profile]) -> None:
        self._profiles, self._fields = {}, {}
        for profile in profiles:
            self._profiles.setdefault(profile.id, {})[profile.version] = profile

    def device_of(self, sensor: Sensor) -> Device | None:
        """Return the device that a sensor is part of, directly or by its component."""
        component = self.components.get(sensor.component or "")
        return self.devices.get(sensor.device or (component.device if component else "") or "")

    def parent_device(self, *, device: str | None = None, component: str | None = None) -> str:
        """Return the model's id of a component, or else of a device; the account's where neither is known.

        Known ids count while a list fails: an entity must not move to another device for that.
        """
        if component in self.components or component_id(component or "") in self.known_ids:
            return component_id(component or "")
        if device in self.devices or device_id(device or "") in self.known_ids:
            return device_id(device or "")
        return ACCOUNT

    @property
    def located_sensors(self) -> list[Sensor]:
        """Return the sensors whose parent device is known."""
        return [
            sensor
            for sensor in self.sensors.values()
            if self.are_components_known
            or sensor.component is None
            or sensor.component in self.components
            or component_id(sensor.component) in self.known_ids
        ]

    def parent_of_sensor(self, sensor: str | None) -> str:
        """Return the model's id of a sensor's parent device."""
        known = self.sensors.get(sensor or "")
        if known is None:
            return ACCOUNT
        return self.parent_device(device=known.device, component=known.component)

    def value_type_of(self, sensor: Sensor) -> ValueType | None:
        """Return the type of a sensor's values by its current record.

        A change from or to a boolean takes effect at the next start: an entity cannot move to another platform.
        """
        before = self._kinds.setdefault(sensor.id, sensor.value_type)
        if (before is ValueType.BOOLEAN) == (sensor.value_type is ValueType.BOOLEAN):
            self._kinds[sensor.id] = sensor.value_type
        return self._kinds[sensor.id]

    def profile_of(self, component: Component) -> Profile | None:
        """Return the profile of a component, in its version or in one of the same major version.

        Another major version is incompatible (vendor text, "Model data"): its units do not apply.
        """
        named, version = self._profiles.get(component.profile or "", {}), component.profile_version
        majors = {_major(known) for known in named} if version is None else {None, _major(version)}
        if version is None and len(majors) > 1:
            return None
        compatible = (profile for known, profile in named.items() if _major(known) in majors)
        return named.get(version) or next(compatible, None)

    def field_of(self, sensor: Sensor) -> ProfileField | None:
        """Return the field of a sensor in its component's profile."""
        component = self.components.get(sensor.component or "")
        profile = self.profile_of(component) if component else None
        if profile is None:
            return None
        known = self._fields.get((profile.id, profile.version))
        if known is None:
            known = {field.name.lower(): field for field in profile.fields}
            self._fields[profile.id, profile.version] = known
        names = (name.lower() for name in (sensor.field, sensor.name) if name)
        return next((known[name] for name in names if name in known), None)


def _major(version: str | None) -> str | None:
    return None if version is None else version.partition(".")[0]


def by_id[T: (Device, Component, Sensor, Place)](records: Iterable[T]) -> dict[str, T]:
    """Return records by their ids."""
    return {record.id: record for record in records}
