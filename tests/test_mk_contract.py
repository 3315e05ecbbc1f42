"""A deployment that describes its own API is asked as it says; what that contradicts is told."""

import json

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.watchpost.client.errors import UnexpectedResponseError
from custom_components.watchpost.vendors.manfred_kunze.client.openapi import OpenApiDocument
from custom_components.watchpost.vendors.manfred_kunze.client.pagination import PageStyle
from simulators.faults import Fault

from .mk_house import MkHouse, OpenMk, asked

DOCS = "/api/v3/api-docs"


async def test_the_names_of_pages_and_readings_are_taken_from_the_description(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    variants = {
        "page_names": "pageNumber pageSize",
        "first_page": 1,
        "readings_paths": "query",
        "batch": "absent",
    }
    mk = await open_mk(variants, openapi="key", devices=6, page_size=10, page_most=10)
    entry = await mk_house.sign_in(mk)
    told = entry.runtime_data.connection.diagnostics()["OpenApiFeature"]
    assert told["is_shown"]
    assert "/devices: pages by pageNumber/pageSize from 0" in told["contradictions"]
    for record in asked(mk, "/sensors"):
        assert "pageNumber" in record.query
        assert "page" not in record.query
    assert len(entry.runtime_data.connection._inventory_tree.sensors) == len(mk.sensors)
    assert not asked(mk, "/readings/batch")  # the description has none
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0

    # It is read once a day, and not again while it has not changed.
    await mk_house.pass_time(1900)
    assert [record.status for record in mk.log if record.path == DOCS] == [200]


async def test_without_a_description_or_with_nonsense_in_its_place_the_defaults_hold(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(devices=1)
    mk.faults.add(Fault(match=DOCS, kind="not_json"))
    entry = await mk_house.sign_in(mk)
    assert entry.state is ConfigEntryState.LOADED
    told = entry.runtime_data.connection.diagnostics()["OpenApiFeature"]
    assert told == {"is_shown": False, "why_not": "UnexpectedResponseError", "contradictions": []}
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0


def test_paths_that_are_elsewhere_are_found_where_only_one_can_be_meant() -> None:
    body = b"""{
      "servers": [{"url": "https://iot.example.com/api"}],
      "paths": {
        "/v2/devices": {"get": {"parameters": [{"in": "query", "name": "pageable"}]}},
        "/v2/devices/{deviceId}/health": {"get": {}},
        "/v1/quarantine": {"get": {}},
        "/v1/quarantine/{id}": {"delete": {}},
        "/v1/a/exports": {"get": {}},
        "/v1/b/exports": {"get": {}},
        "/v1/sensors": {"get": {"parameters": [
            {"in": "query", "name": "page", "schema": {"$ref": "#/components/schemas/Page"}},
            {"in": "query", "name": "limit"}, {"$ref": "#/nowhere"}, 7]}},
        "/v1/cameras": 7, "/health": {"get": {}}, "/v1/bad path": {"get": {}}
      },
      "components": {"schemas": {"Page": {"type": "integer", "minimum": 1}}}
    }"""
    contract = OpenApiDocument.read(body)
    assert contract.place("/devices") == ("v2", "/devices")
    assert contract.place("/devices/{}/health") == ("v2", "/devices/{}/health")
    assert contract.place("/admin/quarantine") == ("v1", "/quarantine")
    assert contract.place("/admin/quarantine/{}") == ("v1", "/quarantine/{}")
    assert contract.place("/exports") == ("v1", "/exports")  # which of the two is not known
    assert contract.dialect("/devices") == PageStyle()
    assert contract.dialect("/sensors") == PageStyle("page", "limit", first=1)
    assert contract.dialect("/cameras") is None
    said = contract.contradictions()
    assert "/devices: at /v2/devices" in said
    assert "/admin/quarantine: at /v1/quarantine" in said
    assert "/exports: not there" in said
    assert "/cameras: not there" in said


def test_fields_are_found_behind_references_lists_and_parts() -> None:
    body = b"""{"paths": {
      "/api/v1/devices": {"get": {"responses": {"200": {"$ref": "#/components/responses/Devices"}}}},
      "/api/v1/sensors": {"get": {"responses": {"200": {"content": {"a/b": {"schema":
          {"$ref": "#/components/schemas/Loop"}}}}}}},
      "/api/v1/readings/sensor/{id}": {"get": {"responses": {"default": {"content": {"a/b": {"schema":
          {"type": "array", "items": {"properties": {"when": {"format": "date-time"}, "v": {}}}}}}}}}}},
      "components": {
        "responses": {"Devices": {"content": {"application/json": {"schema":
          {"properties": {"content": {"items": {"$ref": "#/components/schemas/Device"}}}}}}}},
        "schemas": {
          "Device": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"label": {}}}]},
          "Base": {"properties": {"id": {}}},
          "Loop": {"$ref": "#/components/schemas/Loop"}}}}"""
    contract = OpenApiDocument.read(body)
    assert contract.operations["/devices"].fields == {"id", "label"}
    assert contract.operations["/readings/sensor/{}"].times == {"when"}
    assert contract.operations["/sensors"].fields == frozenset()
    assert "/devices: no field status" in contract.contradictions()


def test_a_description_of_several_versions_is_read_for_the_one_that_is_known() -> None:
    for first, second in (("v1", "v2"), ("v2", "v1")):
        body = f'{{"paths": {{"/{first}/devices": {{"get": {{}}}}, "/{second}/devices": {{"get": {{}}}}}}}}'
        assert OpenApiDocument.read(body.encode()).place("/devices") == ("v1", "/devices")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../devices",
        "/v1/x/./devices",
        "/v1//devices",
        "/v1/{devices",
        "/v1/a}/devices",
        "/v1/..",
        "/v1/a{b/}/devices",
    ],
)
def test_a_path_of_a_description_that_leads_nowhere_is_not_followed(path: str) -> None:
    contract = OpenApiDocument.read(
        json.dumps({"paths": {path: {"get": {}}, "/v1/a.b": {}}}).encode()
    )
    assert contract.place("/devices") == ("v1", "/devices")
    assert set(contract.operations) == {"/a.b"}


def test_a_description_that_is_made_of_itself_over_and_over_is_read_in_no_time() -> None:
    itself = {"$ref": "#/components/schemas/Self"}
    schema = {"allOf": [itself] * 40, "properties": {"id": {}}}
    answer = {"200": {"content": {"a/b": {"schema": {"items": itself}}}}}
    document = {
        "paths": {f"/v1/a{number}": {"get": {"responses": answer}} for number in range(200)},
        "components": {"schemas": {"Self": schema}},
    }
    contract = OpenApiDocument.read(
        json.dumps(document).encode()
    )  # else 40 to the power of 12 steps
    assert {each.fields for each in contract.operations.values()} == {frozenset({"id"})}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"paths": []}', b"<html>"])
def test_what_is_no_description_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        OpenApiDocument.read(body)
