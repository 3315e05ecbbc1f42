"""What an organisation was last seen to have, for all parts to look things up in; no I/O."""

from collections.abc import Iterable
from typing import Final

from .models.topology import Component, Device, Place, Profile, ProfileField, Sensor, ValueType

ACCOUNT: Final = "account"

INVENTORY: Final = "inventory"
# The lists that devices and sensors are named by.
DEVICES: Final = "devices"
COMPONENTS: Final = "components"
SENSORS: Final = "sensors"
CAMERAS: Final = "cameras"
_LISTS: Final = {"device": DEVICES, "component": COMPONENTS, "camera": CAMERAS}


def device_id(device: str) -> str:
    """The model's id of a device."""
    return f"device-{device}"


def component_id(component: str) -> str:
    """The model's id of a component."""
    return f"component-{component}"


def list_of_device(device: str) -> str:
    """Return the name of the list that names one of the model's devices."""
    return _LISTS.get(device.partition("-")[0], INVENTORY)


def sensor_key(sensor: str) -> str:
    """The key of a sensor's channel."""
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
        # The model's ids of devices and components that there were, though a list of now may lack them.
        self.known: frozenset[str] = frozenset()
        # Whether sensors can be told to hang from components or not: that list came, or there is none.
        self.is_settled = False
        self._profiles: dict[str, dict[str | None, Profile]] = {}
        self._fields: dict[tuple[str, str | None], dict[str, ProfileField]] = {}
        self._kinds: dict[str, ValueType | None] = {}

    @property
    def sensor_profiles(self) -> list[Profile]:
        """The sensor profiles in all their versions."""
        return [profile for named in self._profiles.values() for profile in named.values()]

    @sensor_profiles.setter
    def sensor_profiles(self, profiles: Iterable[Profile]) -> None:
        self._profiles, self._fields = {}, {}
        for profile in profiles:
            self._profiles.setdefault(profile.id, {})[profile.version] = profile

    def device_of(self, sensor: Sensor) -> Device | None:
        """The device that a sensor is part of, also by way of its component."""
        component = self.components.get(sensor.component or "")
        return self.devices.get(sensor.device or (component.device if component else "") or "")

    def home(self, *, device: str | None = None, component: str | None = None) -> str:
        """The model's id of a component, or else of a device; the account's where neither is listed.

        What was listed once is kept to while a list fails: an entity must not move for that.
        """
        if component in self.components or component_id(component or "") in self.known:
            return component_id(component or "")
        if device in self.devices or device_id(device or "") in self.known:
            return device_id(device or "")
        return ACCOUNT

    @property
    def housed(self) -> list[Sensor]:
        """The sensors of which it is known what they hang from."""
        return [
            sensor
            for sensor in self.sensors.values()
            if self.is_settled
            or sensor.component is None
            or sensor.component in self.components
            or component_id(sensor.component) in self.known
        ]

    def home_of(self, sensor: str | None) -> str:
        """The model's id of what a sensor hangs from."""
        found = self.sensors.get(sensor or "")
        if found is None:
            return ACCOUNT
        return self.home(device=found.device, component=found.component)

    def kind_of(self, sensor: Sensor) -> ValueType | None:
        """What a sensor's values are, by its record as it is now.

        One that becomes a truth value, or is none any longer, stays what it was until the next start: an entity cannot
        move from one platform to another.
        """
        before = self._kinds.setdefault(sensor.id, sensor.value_type)
        if (before is ValueType.BOOLEAN) == (sensor.value_type is ValueType.BOOLEAN):
            self._kinds[sensor.id] = sensor.value_type
        return self._kinds[sensor.id]

    def profile_of(self, component: Component) -> Profile | None:
        """The profile that a component is bound to, in its version or one that only adds to it or lacks some of it.

        Another major version breaks with it (Model data): a unit of that one is none of this one's.
        """
        named, version = self._profiles.get(component.profile or "", {}), component.profile_version
        majors = {_major(known) for known in named} if version is None else {None, _major(version)}
        if version is None and len(majors) > 1:
            return None
        alike = (one for known, one in named.items() if _major(known) in majors)
        return named.get(version) or next(alike, None)

    def field_of(self, sensor: Sensor) -> ProfileField | None:
        """The field that a sensor is of its component's profile."""
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
    """Records by their ids."""
    return {record.id: record for record in records}
