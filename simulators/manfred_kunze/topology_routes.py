"""Calls for devices, components, sensors, groups, sites and profiles."""

from collections.abc import Callable, Mapping, Sequence

from simulators.random_source import between, mix
from simulators.response import Reply

from .request import ApiError, Visit
from .responder import Desk
from .state import Component, Device, Organisation, Record, Sensor
from .times import at

_LISTED = 20
_HEALTH_GAP = 300
_LINKS = ("WIFI", "ETHERNET", "LTE")


class TopologyCalls:
    """Answers them."""

    def __init__(self, desk: Desk) -> None:
        """Ask the desk."""
        self._desk = desk

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        calls: dict[str, Callable[[Visit], Reply]] = {
            "GET /devices": self.devices,
            "GET /devices/{id}": self.device,
            "PUT /devices/{id}": self.change_device,
            "DELETE /devices/{id}": self.remove_device,
            "GET /devices/{id}/health health": self.health,
            "GET /components": self.components,
            "GET /components/{id}": self.component,
            "GET /sensors": self.sensors,
            "GET /sensors/{id}": self.sensor,
            "GET //schemas/sensor-profile/{id}": self.schema,
        }
        for kind in ("device-groups", "sites", "sensor-profiles", "device-profiles"):
            calls[f"GET /{kind}"] = self._listing(kind)
            calls[f"GET /{kind}/{{id}}"] = self._single(kind)
        return calls

    def devices(self, visit: Visit) -> Reply:
        """List the devices."""
        found = list(visit.organisation.devices.values())
        for asked, attribute in (("status", "status"), ("siteId", "site")):
            if wanted := visit.query.get(asked):
                found = [one for one in found if getattr(one, attribute) == wanted]
        return self._desk.page(visit, "devices", found, self.device_record)

    def device(self, visit: Visit) -> Reply:
        """Show one device."""
        found = self._desk.found(visit, visit.organisation.devices)
        return self._desk.one(visit, "devices", self.device_record(found))

    def change_device(self, visit: Visit) -> Reply:
        """Give a device another name, site, tags or metadata."""
        device = self._desk.found(visit, visit.organisation.devices)
        device.name = visit.text("name", "displayName", optional=True) or device.name
        if isinstance(tags := visit.body.get("tags"), list):
            device.tags = [str(tag) for tag in tags]
        if isinstance(metadata := visit.body.get("metadata"), dict):
            device.metadata = metadata
        if site := visit.text("siteId", optional=True):
            self._desk.by_id(visit, visit.organisation.table("sites"), site)
            device.site = site
        return self._desk.one(visit, "devices", self.device_record(device))

    def remove_device(self, visit: Visit) -> Reply:
        """Remove a device and what belongs to it."""
        remove_device(visit.organisation, self._desk.found(visit, visit.organisation.devices))
        return Reply(204, body=b"")

    def health(self, visit: Visit) -> Reply:
        """Show how a device is: one state, or the newest of many."""
        device = self._desk.found(visit, visit.organisation.devices)
        seen = device.seen(visit.now)
        if seen is None:
            raise ApiError(404, "No health has been reported")
        if self._desk.world.plan.forms.health == "latest":
            return self._desk.one(visit, "health", self.health_record(device, seen))
        states = [seen - number * _HEALTH_GAP for number in range(_LISTED)]
        return self._desk.page(
            visit, "health", states, lambda time: self.health_record(device, time)
        )

    def components(self, visit: Visit) -> Reply:
        """List the components, of all devices or of one."""
        found: Sequence[Component] = list(visit.organisation.components.values())
        if wanted := visit.query.get("deviceId"):
            found = [one for one in found if one.device.id == wanted]
        return self._desk.page(visit, "components", found, component_record)

    def component(self, visit: Visit) -> Reply:
        """Show one component."""
        found = self._desk.found(visit, visit.organisation.components)
        return self._desk.one(visit, "components", component_record(found))

    def sensors(self, visit: Visit) -> Reply:
        """List the sensors, of all devices or of one device or component."""
        found: Sequence[Sensor] = list(visit.organisation.sensors.values())
        if wanted := visit.query.get("deviceId"):
            found = [one for one in found if one.device.id == wanted]
        if wanted := visit.query.get("componentId"):
            found = [one for one in found if one.component and one.component.id == wanted]
        return self._desk.page(visit, "sensors", found, self.sensor_record)

    def sensor(self, visit: Visit) -> Reply:
        """Show one sensor."""
        found = self._desk.found(visit, visit.organisation.sensors)
        return self._desk.one(visit, "sensors", self.sensor_record(found))

    def schema(self, visit: Visit) -> Reply:
        """Show a sensor profile as an interface in JSON-LD."""
        profile = self._desk.found(visit, visit.organisation.table("sensor-profiles"))
        fields = profile["fields"]
        assert isinstance(fields, list)
        return Reply(
            200,
            {
                "@context": "dtmi:dtdl:context;3",
                "@id": f"dtmi:simulated:{profile['name']};1",
                "@type": "Interface",
                "displayName": profile["name"],
                "contents": [
                    {
                        "@type": "Telemetry",
                        "name": spec["name"],
                        "schema": str(spec["type"]).lower(),
                        "unit": spec["unit"],
                    }
                    for spec in fields
                ],
            },
            {"Content-Type": "application/ld+json"},
        )

    def device_record(self, device: Device) -> Record:
        """Return a device's record."""
        seen = device.seen(self._desk.world.now)
        return {
            "id": device.id,
            "name": device.name,
            "status": device.status,
            "deviceProfileId": device.profile,
            "siteId": device.site,
            "location": device.position
            and {"latitude": device.position[0], "longitude": device.position[1]},
            "tags": device.tags,
            "metadata": device.metadata,
            "firmwareVersion": device.firmware,
            "lastSeenAt": at(None if seen is None else seen + device.skew),
            "createdAt": at(device.created),
            "updatedAt": at(device.created),
        }

    def sensor_record(self, sensor: Sensor) -> Record:
        """Return a sensor's record."""
        record: Record = {
            "id": sensor.id,
            "deviceId": sensor.device.id,
            "componentId": sensor.component and sensor.component.id,
            "name": sensor.name,
            "valueType": sensor.type,
            "createdAt": at(sensor.created),
        }
        if self._desk.world.plan.forms.sensor_unit == "sensor":
            record["unit"] = sensor.unit
        return record

    @staticmethod
    def health_record(device: Device, time: int) -> Record:
        """Return a device's health at a time."""
        beat = time // _HEALTH_GAP
        up = max(0, time - device.restarted)
        return {
            "deviceId": device.id,
            "timestamp": at(time + device.skew),
            "uptimeSeconds": up,
            "freeHeapBytes": 90_000 + mix(device.seed, beat, 3) % 40_000,
            "signalStrengthDbm": round(between(-82, -55, device.seed, beat, 4)),
            "connectionType": _LINKS[device.number % 3],
            "readingsSent": up // 20,
            "readingsDropped": up // 40_000,
        }

    def _listing(self, kind: str) -> Callable[[Visit], Reply]:
        def listing(visit: Visit) -> Reply:
            return self._desk.many(visit, kind, list(visit.organisation.table(kind).values()))

        return listing

    def _single(self, kind: str) -> Callable[[Visit], Reply]:
        def single(visit: Visit) -> Reply:
            return self._desk.one(
                visit, kind, self._desk.found(visit, visit.organisation.table(kind))
            )

        return single


def component_record(component: Component) -> Record:
    """Return a component's record."""
    return {
        "id": component.id,
        "deviceId": component.device.id,
        "name": component.name,
        "sensorProfileId": component.profile,
        "sensorProfileVersion": "1.2",
        "createdAt": at(component.created),
    }


def remove_device(organisation: Organisation, device: Device) -> None:
    """Remove a device, its components and its sensors."""
    del organisation.devices[device.id]
    for holder in (organisation.components, organisation.sensors):
        for number in [key for key, one in holder.items() if one.device is device]:
            del holder[number]
