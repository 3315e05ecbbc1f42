"""The description of the API in OpenAPI, made from what is served now."""

from collections.abc import Mapping
import hashlib
import json
import re

from simulators.response import JsonObject, Reply

from .request import Route
from .responder import Desk
from .state import Record
from .topology_routes import TopologyCalls, component_record

_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def described(routes: list[Route], desk: Desk, origin: str, headers: Mapping[str, str]) -> Reply:
    """Return the description, or 304 if the client has it."""
    body = json.dumps(_document(routes, desk, origin)).encode()
    tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    if headers.get("If-None-Match") == tag:
        return Reply(304, None, {"ETag": tag})
    return Reply(200, None, {"ETag": tag, "Content-Type": "application/json"}, body)


def _document(routes: list[Route], desk: Desk, origin: str) -> JsonObject:
    absent = desk.world.plan.absent
    paths: dict[str, JsonObject] = {}
    for route in routes:
        if route.group in absent or not desk.serves(route):
            continue
        path = re.sub(r"\(\?P<(\w+)>\[\^/\]\+\)", r"{\1}", route.pattern.pattern).removesuffix("/?")
        operations = paths.setdefault(path, {})
        operations[route.method.lower()] = _operation(route, path, desk)
    return {
        "openapi": "3.1.0",
        "info": {"title": "IoT platform", "version": "v1"},
        "servers": [{"url": f"{origin}/api"}],
        "paths": paths,
        "components": {"schemas": _schemas(desk)},
    }


def _operation(route: Route, path: str, desk: Desk) -> JsonObject:
    names = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if route.method == "GET" and not path.endswith("}"):
        number, size = desk.page_names
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


def _schemas(desk: Desk) -> JsonObject:
    main = desk.world.main
    records: dict[str, tuple[str, Record]] = {}
    if main.sensors:
        sensor = next(iter(main.sensors.values()))
        topology = TopologyCalls(desk)
        records["Device"] = ("devices", topology.device_record(sensor.device))
        records["Sensor"] = ("sensors", topology.sensor_record(sensor))
        health = topology.health_record(sensor.device, desk.world.now)
        records["DeviceHealth"] = ("health", health)
        if sensor.component is not None:
            records["Component"] = ("components", component_record(sensor.component))
    schemas: JsonObject = {
        name: {
            "type": "object",
            "properties": _properties(desk.shapes.dress(kind, record, main.id)),
        }
        for name, (kind, record) in records.items()
    }
    page = desk.shapes.page([], 0, 20, 0, last=True)
    if isinstance(page, dict):
        schemas["PageDevice"] = {"type": "object", "properties": _properties(page)}
    return schemas


def _properties(shown: JsonObject) -> JsonObject:
    return {name: {"type": _type(value)} for name, value in shown.items()}


def _type(value: object) -> str:
    if isinstance(value, list):
        return "array"
    return _TYPES.get(type(value), "object")
