"""Describe the API in OpenAPI as it is served now."""

from collections.abc import Mapping
import hashlib
import json
import re

from simulators.response import JsonObject, Response

from .request import Route
from .responder import Responder
from .state import Record
from .topology_routes import TopologyRoutes, component_record

_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def openapi_response(
    routes: list[Route], responder: Responder, origin: str, headers: Mapping[str, str]
) -> Response:
    """Return the OpenAPI document, or 304 if the client has it."""
    body = json.dumps(_document(routes, responder, origin)).encode()
    tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    if headers.get("If-None-Match") == tag:
        return Response(304, None, {"ETag": tag})
    return Response(200, None, {"ETag": tag, "Content-Type": "application/json"}, body)


def _document(routes: list[Route], responder: Responder, origin: str) -> JsonObject:
    absent = responder.world.config.absent
    paths: dict[str, JsonObject] = {}
    for route in routes:
        if route.group in absent or not responder.serves(route):
            continue
        path = re.sub(r"\(\?P<(\w+)>\[\^/\]\+\)", r"{\1}", route.pattern.pattern).removesuffix("/?")
        operations = paths.setdefault(path, {})
        operations[route.method.lower()] = _operation(route, path, responder)
    return {
        "openapi": "3.1.0",
        "info": {"title": "IoT platform", "version": "v1"},
        "servers": [{"url": f"{origin}/api"}],
        "paths": paths,
        "components": {"schemas": _schemas(responder)},
    }


def _operation(route: Route, path: str, responder: Responder) -> JsonObject:
    names = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if route.method == "GET" and not path.endswith("}"):
        number, size = responder.page_names
        names += [
            {"name": name, "in": "query", "required": False, "schema": {"type": "integer"}}
            for name in (number, size)
        ]
    return {
        "tags": [route.group],
        "operationId": f"{route.method.lower()}{path.title().replace('/', '')}",
        "parameters": names,
        "responses": {"200": {"description": "OK"}},
    }


def _schemas(responder: Responder) -> JsonObject:
    main = responder.world.main
    records: dict[str, tuple[str, Record]] = {}
    if main.sensors:
        sensor = next(iter(main.sensors.values()))
        topology = TopologyRoutes(responder)
        records["Device"] = ("devices", topology.device_record(sensor.device))
        records["Sensor"] = ("sensors", topology.sensor_record(sensor))
        health = topology.health_record(sensor.device, responder.world.now)
        records["DeviceHealth"] = ("health", health)
        if sensor.component is not None:
            records["Component"] = ("components", component_record(sensor.component))
    schemas: JsonObject = {
        name: {
            "type": "object",
            "properties": _properties(responder.serializer.serialize(kind, record, main.id)),
        }
        for name, (kind, record) in records.items()
    }
    page = responder.serializer.page([], 0, 20, 0, last=True)
    if isinstance(page, dict):
        schemas["PageDevice"] = {"type": "object", "properties": _properties(page)}
    return schemas


def _properties(shown: JsonObject) -> JsonObject:
    return {name: {"type": _type(value)} for name, value in shown.items()}


def _type(value: object) -> str:
    if isinstance(value, list):
        return "array"
    return _TYPES.get(type(value), "object")
