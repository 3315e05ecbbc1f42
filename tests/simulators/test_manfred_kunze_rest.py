"""Annotations and the rest of the groups, the quarantine, and the description of the API."""

import pytest

from simulators.faults import Fault

from .manfred_kunze import caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401


async def test_annotations_have_classes_scopes_and_sources(cloud, caller):
    kind = (await caller.all("/annotation-classes"))[0]["id"]
    body = {
        "annotationClassId": kind,
        "scopeType": "SENSOR",
        "scopeId": cloud.sensors[0].id,
        "from": "2026-09-13T11:00:00Z",
        "to": "2026-09-13T11:30:00Z",
        "values": {"note": "filter changed"},
    }
    made = await caller.post("/annotations", **body)
    assert made.status == 201
    assert {**made.json, **body} == made.json
    assert made.json["source"] == "MANUAL"
    path = f"/annotations/{made.json['id']}"
    point = await caller.put(path, **made.json | {"to": None})
    assert point.json["to"] is None
    assert (await caller.all("/annotations/by-source", source="MANUAL")) == [point.json]
    assert (await caller.all("/annotations/by-source", source="RULE")) == []
    assert (await caller.get("/annotations/by-source")).status == 400
    for wrong in ({"scopeType": "X"}, {"source": "X"}, {"from": "soon"}, {"from": ""}):
        assert (await caller.post("/annotations", **body | wrong)).status == 400
    wrong = {"annotationClassId": cloud.devices[0].id}
    assert (await caller.post("/annotations", **body | wrong)).status == 404
    assert (await caller.delete(path)).status == 204
    assert (await caller.get(path)).status == 404


async def test_annotations_are_exported_with_what_they_are_about(cloud, caller, clock):
    device = cloud.devices[0].id
    kind = (await caller.all("/annotation-classes"))[0]["id"]
    about = {"scopeType": "DEVICE", "scopeId": device}
    await caller.post("/annotations", classId=kind, **about, **{"from": "2026-09-13T11:00:00Z"})
    period = {"from": "2026-09-13T10:00:00Z", "to": "2026-09-13T12:00:00Z"}
    made = await caller.post("/exports", **about, **period, includes=["ANNOTATIONS"])
    clock.advance(12)
    assert (await caller.get(f"/exports/{made.json['id']}")).json["annotationCount"] == 1


async def test_reference_pairs_dashboards_classes_and_packs(cloud, caller):
    one, two = cloud.components[:2]
    body = {
        "primaryComponentId": one.id,
        "referenceComponentId": two.id,
        "from": "2026-09-01T00:00:00Z",
        "to": "2026-09-02T00:00:00Z",
    }
    pair = await caller.post("/reference-pairs", **body)
    assert {**pair.json, **body} == pair.json
    board = await caller.post("/dashboards", name="Night shift", widgets=[{"type": "chart"}])
    assert len(await caller.all("/dashboards")) == 2
    assert (await caller.delete(f"/dashboards/{board.json['id']}")).status == 204
    kind = await caller.post("/annotation-classes", name="Spill", fields=[])
    assert (await caller.get(f"/annotation-classes/{kind.json['id']}")).json == kind.json
    pack = (await caller.all("/packs"))[0]
    assert (await caller.get(f"/packs/{pack['id']}")).json == pack
    cloud.config.variants.created = 200
    assert (await caller.post("/dashboards", name="x")).status == 200


async def test_the_quarantine_is_for_who_may_see_it(cloud, caller):
    listed = await caller.all("/admin/quarantine")
    assert [one["reason"] for one in listed] == ["UNKNOWN_SENSOR", "MISSING_PROFILE"]
    await caller.control("POST", "/quarantine", reason="OUT_OF_RANGE")
    newest = (await caller.all("/admin/quarantine"))[0]
    assert newest["reason"] == "OUT_OF_RANGE"
    assert (await caller.delete(f"/admin/quarantine/{newest['id']}")).status == 204
    assert len(await caller.all("/admin/quarantine")) == 2
    assert (await caller.control("POST", "/quarantine", reason="X")).status == 400
    await caller.control("POST", "/config", admin=False)
    assert (await caller.get("/admin/quarantine")).status == 403
    assert (await caller.get("/devices")).status == 200


async def test_firmware_and_billing(cloud, caller):
    versions = await caller.all("/firmware")
    assert [one["version"] for one in versions] == ["1.4.2", "1.5.0"]
    path = f"/firmware/{versions[1]['id']}"
    assert (await caller.get(path)).json == versions[1]
    grant = (await caller.post(f"{path}/download-grants")).json
    assert (await caller.bare(grant["downloadUrl"])).body == b"1.5.0"
    bill = (await caller.get("/billing")).json
    assert bill["usage"] == {"devices": 3, "sensors": 15}


async def test_the_api_is_described_where_that_is_switched_on(cloud, caller):
    base = f"{cloud.url}/api"
    assert (await caller.ask("GET", "/v3/api-docs", base=base)).status == 404
    await caller.control("POST", "/config", openapi="key")
    assert (await caller.bare(f"{base}/v3/api-docs")).status == 401
    await caller.control("POST", "/config", openapi="open")
    answer = await caller.bare(f"{base}/v3/api-docs")
    document = answer.json
    assert document["servers"] == [{"url": base}]
    assert set(document["paths"]["/v1/alerts/{id}/acknowledge"]) == {"post"}
    assert set(document["paths"]["/v1/readings/batch"]) == {"get", "post"}
    listed = document["paths"]["/v1/devices"]["get"]["parameters"]
    assert [one["name"] for one in listed] == ["page", "size"]
    again = {"headers": {"If-None-Match": answer.headers["ETag"]}}
    assert (await caller.ask("GET", "/v3/api-docs", base=base, **again)).status == 304
    variants = cloud.config.variants
    variants.names, variants.batch, variants.page_names = "other", "post", "pageNumber pageSize"
    variants.readings_paths, cloud.config.absent = "query", {"packs"}
    changed = await caller.ask("GET", "/v3/api-docs", base=base, **again)
    assert changed.status == 200
    paths, schemas = changed.json["paths"], changed.json["components"]["schemas"]
    assert set(paths["/v1/readings/batch"]) == {"post"}
    assert "/v1/readings/aggregated" in paths
    assert not {"/v1/packs", "/v1/readings/sensor/{id}/stats"} & set(paths)
    assert "displayName" in schemas["Device"]["properties"]
    assert [one["name"] for one in paths["/v1/devices"]["get"]["parameters"]] == [
        "pageNumber",
        "pageSize",
    ]
    page = (await caller.get("/devices", pageNumber=1, pageSize=2)).json
    assert (page["number"], len(page["content"])) == (1, 1)
    assert len((await caller.get("/devices", size=2)).json["content"]) == 3


@pytest.mark.parametrize("paging", ["content", "array", "data", "items"])
async def test_everything_described_answers(open_mk, session, paging):
    cloud = await open_mk(openapi="open")
    caller = caller_fixture.__wrapped__(session, cloud)
    cloud.config.variants.paging = paging
    described = (await caller.bare(f"{cloud.url}/api/v3/api-docs")).json["paths"]
    simple = [
        path
        for path, operations in described.items()
        if "{" not in path and "get" in operations and "/readings/" not in path
    ]
    assert len(simple) > 25
    for path in simple:
        query = {"source": "MANUAL"} if path.endswith("by-source") else {}
        answer = await caller.ask("GET", path, base=f"{cloud.url}/api", params=query)
        assert answer.status == 200, path


async def test_another_product_or_a_broken_one(cloud, caller):
    cloud.faults.add(Fault(kind="not_json", times=1))
    answer = await caller.get("/devices")
    assert answer.headers["Content-Type"].startswith("text/html")
    cloud.faults.add(Fault(kind="root", value={"hello": "world"}, times=1))
    assert (await caller.get("/devices")).json == {"hello": "world"}
    cloud.faults.add(Fault(kind="status", status=503, headers={"Retry-After": "30"}, times=1))
    busy = await caller.get("/devices")
    assert (busy.status, busy.headers["Retry-After"]) == (503, "30")
    assert busy.json["title"] == "Service Unavailable"
    outside = await caller.ask("GET", "/devices", base=cloud.url)
    assert outside.status == 404
