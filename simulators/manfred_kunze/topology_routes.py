"""Serve the routes for devices, components, sensors, groups, sites and profiles."""

from collections.abc import Callable, Mapping, Sequence

from simulators.random_source import between, mix
from simulators.response import Response

from .errors import ApiError
from .request import ApiRequest
from .responder import Responder
from .state import Component, Device, Organisation, Record, Sensor
from .times import at

_LISTED = 20
_HEALTH_GAP = 300
_LINKS = ("WIFI", "ETHERNET", "LTE")


class TopologyRoutes:
    """The routes for devices, components, sensors, groups, sites and profiles."""

    def __init__(self, responder: Responder) -> None:
        """Respond through a responder."""
        self._responder = responder

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
        calls: dict[str, Callable[[ApiRequest], Response]] = {
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

    def devices(self, request: ApiRequest) -> Response:
        """List the devices."""
        found = list(request.organisation.devices.values())
        for asked, attribute in (("status", "status"), ("siteId", "site")):
            if wanted := request.query.get(asked):
                found = [one for one in found if getattr(one, attribute) == wanted]
        return self._responder.page(request, "devices", found, self.device_record)

    def device(self, request: ApiRequest) -> Response:
        """Return one device."""
        found = self._responder.find(request, request.organisation.devices)
        return self._responder.one(request, "devices", self.device_record(found))

    def change_device(self, request: ApiRequest) -> Response:
        """Change a device's name, site, tags or metadata."""
        device = self._responder.find(request, request.organisation.devices)
        device.name = request.text("name", "displayName", optional=True) or device.name
        if isinstance(tags := request.body.get("tags"), list):
            device.tags = [str(tag) for tag in tags]
        if isinstance(metadata := request.body.get("metadata"), dict):
            device.metadata = metadata
        if site := request.text("siteId", optional=True):
            self._responder.by_id(request, request.organisation.table("sites"), site)
            device.site = site
        return self._responder.one(request, "devices", self.device_record(device))

    def remove_device(self, request: ApiRequest) -> Response:
        """Remove a device and what belongs to it."""
        remove_device(
            request.organisation, self._responder.find(request, request.organisation.devices)
        )
        return Response(204, body=b"")

    def health(self, request: ApiRequest) -> Response:
        """Return a device's health: one state, or the newest of many."""
        device = self._responder.find(request, request.organisation.devices)
        seen = device.seen(request.now)
        if seen is None:
            raise ApiError(404, "No health has been reported")
        if self._responder.world.config.variants.health == "latest":
            return self._responder.one(request, "health", self.health_record(device, seen))
        states = [seen - number * _HEALTH_GAP for number in range(_LISTED)]
        return self._responder.page(
            request, "health", states, lambda time: self.health_record(device, time)
        )

    def components(self, request: ApiRequest) -> Response:
        """List the components, of all devices or of one."""
        found: Sequence[Component] = list(request.organisation.components.values())
        if wanted := request.query.get("deviceId"):
            found = [one for one in found if one.device.id == wanted]
        return self._responder.page(request, "components", found, component_record)

    def component(self, request: ApiRequest) -> Response:
        """Return one component."""
        found = self._responder.find(request, request.organisation.components)
        return self._responder.one(request, "components", component_record(found))

    def sensors(self, request: ApiRequest) -> Response:
        """List the sensors, of all devices or of one device or component."""
        found: Sequence[Sensor] = list(request.organisation.sensors.values())
        if wanted := request.query.get("deviceId"):
            found = [one for one in found if one.device.id == wanted]
        if wanted := request.query.get("componentId"):
            found = [one for one in found if one.component and one.component.id == wanted]
        return self._responder.page(request, "sensors", found, self.sensor_record)

    def sensor(self, request: ApiRequest) -> Response:
        """Return one sensor."""
        found = self._responder.find(request, request.organisation.sensors)
        return self._responder.one(request, "sensors", self.sensor_record(found))

    def schema(self, request: ApiRequest) -> Response:
        """Return a sensor profile as an interface in JSON-LD."""
        profile = self._responder.find(request, request.organisation.table("sensor-profiles"))
        fields = profile["fields"]
        assert isinstance(fields, list)
        return Response(
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
        seen = device.seen(self._responder.world.now)
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
        if self._responder.world.config.variants.sensor_unit == "sensor":
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

    def _listing(self, kind: str) -> Callable[[ApiRequest], Response]:
        def listing(request: ApiRequest) -> Response:
            return self._responder.many(
                request, kind, list(request.organisation.table(kind).values())
            )

        return listing

    def _single(self, kind: str) -> Callable[[ApiRequest], Response]:
        def single(request: ApiRequest) -> Response:
            return self._responder.one(
                request, kind, self._responder.find(request, request.organisation.table(kind))
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
