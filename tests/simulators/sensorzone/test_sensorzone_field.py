"""Machines, tags, sites, entities: what is told of them, and in which forms."""

from datetime import datetime
from itertools import pairwise
import json
from pathlib import Path

import pytest

from simulators.sensorzone import JSON_API, OTHER, ApiVariants, Oddities

MACHINE = "/api/v1/base_stations/101"
PAGE = Path(__file__).parents[3] / "docs/simulators/sensorzone.md"


async def signed_in(open_cloud, make_client, **plan):
    cloud = await open_cloud(**plan)
    client = make_client(cloud)
    assert (await client.sign_in()).status in (200, 201, 204)
    return cloud, client


async def test_a_machine_tells_asset_ignition_position_and_runtime(cloud, user, clock):
    shown = (await user.get(MACHINE)).json
    machine = cloud.machines[0]
    assert shown["name"] == "Excavator 1"
    assert shown["manufacturer"] == "Ironbeck"
    assert shown["serial_number"] == "BS-40117"
    assert shown["worksite_id"] == 21
    seen = datetime.fromisoformat(shown["last_seen_at"]).timestamp()
    assert 0 <= clock.now().timestamp() - seen <= 30
    assert (shown["latitude"], shown["longitude"]) == machine.true_position(seen)
    assert shown["ignition"] == machine.is_running(seen)
    assert (await user.get(f"{MACHINE}/status")).json["runtime_hours"] == shown["runtime_hours"]


async def test_a_machine_drives_within_its_site_and_stands_at_night(cloud, user, clock):
    cloud.config.variants.cookie = "sliding"
    places, runtimes = set(), []
    for _ in range(24):
        clock.advance(3600)
        shown = (await user.get(f"{MACHINE}/status")).json
        places.add((shown["latitude"], shown["longitude"]))
        runtimes.append(shown["runtime_hours"])
        assert 54.61 < shown["latitude"] < 54.616
        if clock.now().hour in (22, 23, 0, 1, 2, 3, 4):
            assert shown["ignition"] is False
    assert len(places) > 5
    assert runtimes == sorted(runtimes)
    assert 12 < runtimes[-1] - runtimes[0] < 16


async def test_positions_can_be_missing_or_zero(cloud, user):
    cloud.machines[0].gps = "none"
    cloud.machines[1].gps = "zero"
    shown = {one["id"]: one for one in (await user.get("/api/v1/base_stations")).json}
    assert (shown[101]["latitude"], shown[101]["longitude"]) == (None, None)
    assert (shown[102]["latitude"], shown[102]["longitude"]) == (0, 0)
    cloud.incur(cloud.machines[0])
    cloud.incur(cloud.machines[1])
    places = {
        one["base_station_id"]: (one["latitude"], one["longitude"])
        for one in (await user.get("/api/v1/incursions")).json
    }
    assert places[101] == (None, None)
    assert places[102] == (0, 0)


async def test_a_machine_can_be_renamed_added_removed_and_put_back(cloud, user):
    cloud.machines[0].name = "Old Bertha"
    added = cloud.add_machine("Newcomer")
    cloud.machines[1].removed = True
    shown = {one["id"]: one["name"] for one in (await user.get("/api/v1/base_stations")).json}
    assert shown == {101: "Old Bertha", 103: "Telehandler 3", added.id: "Newcomer"}
    assert (await user.get("/api/v1/base_stations/102")).status == 404


async def test_a_machine_that_is_new_has_no_past_and_leaves_that_of_others_alone(
    cloud, user, clock
):
    before = (await user.get("/api/v1/incursions", since="2026-09-10")).json
    added = cloud.add_machine()
    assert (await user.get("/api/v1/incursions", since="2026-09-10")).json == before
    assert (await user.get(f"/api/v1/base_stations/{added.id}")).json["runtime_hours"] == 0
    clock.advance(7000)
    assert 0 < (await user.get(f"/api/v1/base_stations/{added.id}")).json["runtime_hours"] < 2


async def test_a_merged_machine_is_gone_and_its_incursions_are_the_others(cloud, user):
    number = cloud.incur(cloud.machines[0]).id
    cloud.merge(cloud.machines[0], into=cloud.machines[2])
    assert (await user.get(MACHINE)).status == 404
    assert (await user.get(f"/api/v1/incursions/{number}")).json["base_station_id"] == 103
    entities = (await user.get("/api/v1/entities", kind="machine")).json
    assert [one["id"] for one in entities] == [102, 103]


async def test_entities_count_what_the_incursions_say(user):
    incursions = (await user.get("/api/v1/incursions")).json
    entities = (await user.get("/api/v1/entities")).json
    assert {one["kind"] for one in entities} == {"machine", "person"}
    for one in entities:
        key = "base_station_id" if one["kind"] == "machine" else "tag_id"
        own = [incursion for incursion in incursions if incursion[key] == one["id"]]
        assert one["incursions_count"] == len(own)
        assert one["acknowledged_count"] == sum(incursion["acknowledged"] for incursion in own)
        assert one["last_incursion_at"] == max((i["started_at"] for i in own), default=None)
    assert {one["activity_status"] for one in entities} == {"active", "inactive"}


async def test_tags_tell_serial_wearer_role_and_last_test(cloud, user):
    tags = (await user.get("/api/v1/tags")).json
    assert {tag["role"] for tag in tags} == {"pedestrian", "operator"}
    assert len({tag["serial_number"] for tag in tags}) == len(tags)
    for tag in tags[:4]:
        tests = (await user.get(f"/api/v1/tags/{tag['id']}/tests", since="2026-07-20")).json
        assert tag["last_tested_at"] == tests[0]["tested_at"]
        assert {test["result"] for test in tests} <= {"passed", "failed"}
        assert all(newer["tested_at"] > older["tested_at"] for newer, older in pairwise(tests))
        assert (await user.get(f"/api/v1/tags/{tag['id']}")).json == tag
    assert "battery_level" not in tags[0]
    cloud.config.variants.battery = "percent"
    assert 20 <= (await user.get("/api/v1/tags/5001")).json["battery_level"] <= 100
    assert (await user.get("/api/v1/tags/1")).status == 404


async def test_a_tag_that_is_never_tested_has_no_last_test(open_cloud, make_client):
    _, client = await signed_in(open_cloud, make_client, history_days=0.1)
    tags = (await client.get("/api/v1/tags")).json
    assert {(tag["last_tested_at"], tag["days_since_last_test"]) for tag in tags} >= {(None, None)}


async def test_sites_are_polygons_or_circles_around_their_machines(user):
    polygon, circle = (await user.get("/api/v1/worksites")).json
    ring = polygon["boundary"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert not _crosses(ring)
    assert polygon["base_station_ids"] == [101, 103]
    assert (circle["boundary"], circle["radius"]) == (None, 180)
    assert circle["center"]["type"] == "Point"
    assert (await user.get("/api/v1/worksites/22")).json == circle
    assert (await user.get("/api/v1/worksites/99")).status == 404


async def test_a_boundary_can_cross_itself(cloud, user):
    cloud.world.sites[0].crossed = True
    site = (await user.get("/api/v1/worksites/21")).json
    assert _crosses(site["boundary"]["coordinates"][0])


def _crosses(ring):
    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0

    sides = list(pairwise(ring))
    return any(
        side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)
        for n, (a, b) in enumerate(sides)
        for c, d in sides[n + 2 :]
        if d != a
    )


async def test_messages_and_clips_come_with_times_and_signed_links(open_cloud, make_client):
    _, client = await signed_in(open_cloud, make_client, cameras=1.0)
    messages = (await client.get(f"{MACHINE}/messages")).json
    assert 5 <= len(messages) <= 8
    assert [one["sent_at"] for one in messages] == sorted(
        (one["sent_at"] for one in messages), reverse=True
    )
    clips = (await client.get(f"{MACHINE}/clips")).json
    assert clips
    incursions = {
        one["id"] for one in (await client.get("/api/v1/incursions", since="2026-09-05")).json
    }
    assert {clip["incursion_id"] for clip in clips} <= incursions
    film = await client.get(clips[0]["url"])
    assert film.headers["Content-Type"] == "video/mp4"
    assert film.body[4:8] == b"ftyp"
    picture = await client.get(clips[0]["thumbnail_url"])
    assert picture.body.startswith(b"\x89PNG")
    assert (await client.get(clips[0]["url"].split("?")[0])).status == 403


async def test_a_machine_without_a_camera_has_no_clips(open_cloud, make_client):
    _, client = await signed_in(open_cloud, make_client, cameras=0.0)
    assert (await client.get(f"{MACHINE}/clips")).json == []


@pytest.mark.parametrize("form", ["bare", "data", "named", "jsonapi"])
@pytest.mark.parametrize("paging", ["none", "page", "link"])
@pytest.mark.parametrize("links", ["header", "body", "relative"])
async def test_every_form_of_a_list_holds_the_same_records(
    open_cloud, make_client, form, paging, links
):
    cloud, client = await signed_in(
        open_cloud,
        make_client,
        page_size=40,
        variants=ApiVariants(lists=form, paging=paging, links=links),
    )
    found, path, query = [], "/api/v1/incursions", {}
    for page in range(1, 20):
        answer = await client.get(path, **query)
        payload = answer.json
        records = (
            payload if form == "bare" else payload["incursions" if form == "named" else "data"]
        )
        assert paging == "none" or len(records) <= 40
        found += [int(one["id"]) for one in records]
        following = _following(answer, payload)
        if paging == "link" and following:
            path, query = following, {}
        elif paging == "page" and len(records) == 40:
            query = {"page": page + 1}
        else:
            break
    cloud.config.variants = ApiVariants()
    everything = [one["id"] for one in (await client.get("/api/v1/incursions")).json]
    assert found == everything
    assert len(everything) > 120


def _following(answer, payload):
    if "Link" in answer.headers:
        return answer.headers["Link"].partition(">")[0].lstrip("<")
    return isinstance(payload, dict) and payload.get("links", {}).get("next")


async def test_pages_tell_how_many_there_are(open_cloud, make_client):
    cloud, client = await signed_in(open_cloud, make_client, variants=ApiVariants(paging="page"))
    answer = await client.get("/api/v1/tags", per_page=5, page=2)
    assert len(answer.json) == 5
    assert answer.headers["X-Total"] == "13"
    assert answer.headers["X-Total-Pages"] == "3"
    cloud.config.variants.lists = "jsonapi"
    answer = await client.get("/api/v1/tags", **{"page[size]": "5", "page[number]": "3"})
    assert len(answer.json["data"]) == 3
    assert answer.json["meta"] == {"page": 3, "per_page": 5, "total": 13, "total_pages": 3}
    assert (await client.get("/api/v1/tags", page=9)).json["data"] == []


async def test_a_record_can_be_on_two_pages(open_cloud, make_client):
    _, client = await signed_in(
        open_cloud,
        make_client,
        page_size=10,
        variants=ApiVariants(paging="page"),
        oddities=Oddities(repeated=True),
    )
    first = (await client.get("/api/v1/incursions")).json
    second = (await client.get("/api/v1/incursions", page=2)).json
    assert (len(first), len(second)) == (10, 11)
    assert first[-1] == second[0]


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        ({}, {"started_at": "2026-09-13T12:00:00Z", "duration": 12, "acknowledged": False}),
        ({"times": "s"}, {"started_at": 1789300800}),
        ({"times": "ms"}, {"started_at": 1789300800000}),
        ({"times": "offset"}, {"started_at": "2026-09-13T22:00:00.000+10:00"}),
        ({"times": "naive"}, {"started_at": "2026-09-13 12:00:00"}),
        ({"durations": "ms"}, {"duration_ms": 12000}),
        ({"durations": "none"}, {"ended_at": "2026-09-13T12:00:12Z"}),
        ({"acknowledgement": "time"}, {"acknowledged_at": None}),
        ({"acknowledgement": "word"}, {"status": "unacknowledged"}),
        ({"ids": "text"}, {"base_station_id": "101", "worksite_id": "21"}),
        ({"references": "nested"}, {"base_station": {"id": 101, "name": "Excavator 1"}}),
        ({"keys": "camel"}, {"baseStationId": 101, "startedAt": "2026-09-13T12:00:00Z"}),
        ({"lists": "data"}, {"base_station_id": 101}),
    ],
)
async def test_an_incursion_in_every_form(open_cloud, make_client, clock, variants, expected):
    cloud, client = await signed_in(
        open_cloud, make_client, offset_hours=10, variants=ApiVariants(**variants)
    )
    number = cloud.incur(cloud.machines[0]).id
    clock.advance(60)
    shown = (await client.get(f"/api/v1/incursions/{number}")).json
    shown = shown["data"] if "lists" in variants else shown
    assert {key: shown[key] for key in expected} == expected
    assert ("duration" in shown) == ("durations" not in variants)


@pytest.mark.parametrize("form", ["nested", "geojson"])
async def test_positions_in_other_forms(open_cloud, make_client, clock, form):
    cloud, client = await signed_in(open_cloud, make_client, variants=ApiVariants(positions=form))
    incursion = cloud.incur(cloud.machines[0])
    shown = (await client.get(f"/api/v1/incursions/{incursion.id}")).json
    latitude, longitude = incursion.position
    if form == "nested":
        assert shown["position"] == {"lat": latitude, "lng": longitude}
    else:
        assert shown["location"] == {"type": "Point", "coordinates": [longitude, latitude]}
    cloud.machines[0].gps = "none"
    shown = (await client.get(f"/api/v1/incursions/{incursion.id}")).json
    assert shown["position" if form == "nested" else "location"] is None


async def test_json_api_everywhere(open_cloud, make_client):
    cloud, client = await signed_in(open_cloud, make_client, variants=ApiVariants(**JSON_API))
    number = cloud.incur(cloud.machines[0]).id
    answer = await client.get(f"/api/v1/incursions/{number}")
    assert answer.headers["Content-Type"] == "application/vnd.api+json"
    shown = answer.json["data"]
    assert (shown["type"], shown["id"]) == ("incursions", str(number))
    assert shown["relationships"]["base_station"] == {
        "data": {"type": "base_stations", "id": "101"}
    }
    assert "base_station_id" not in shown["attributes"]
    answer = await client.get("/api/v1/incursions/1")
    assert answer.json["errors"][0]["status"] == "404"


@pytest.mark.parametrize("form", ["error", "list", "fields", "jsonapi", "html"])
async def test_refusals_in_every_form(open_cloud, make_client, form):
    _, client = await signed_in(open_cloud, make_client, variants=ApiVariants(errors=form))
    answer = await client.get("/api/v1/tags/1")
    assert answer.status == 404
    expected = {
        "error": {"error": "No such tag"},
        "list": {"errors": ["No such tag"]},
        "fields": {"errors": {"base": ["No such tag"]}},
        "jsonapi": {"errors": [{"status": "404", "title": "No such tag"}]},
    }
    if form == "html":
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert answer.json == expected[form]


async def test_oldest_first_if_the_plan_says_so(open_cloud, make_client):
    _, client = await signed_in(open_cloud, make_client, variants=ApiVariants(order="oldest"))
    times = [one["started_at"] for one in (await client.get("/api/v1/incursions")).json]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("entities", "entities"),
        ("base_stations", "base_stations"),
        ("tags", "tags"),
        ("worksites", "worksites"),
        ("base_stations/101/clips", "clips"),
        ("base_stations/101/messages", "messages"),
        ("tags/5001/tests", "tag_tests"),
    ],
)
async def test_lists_can_be_named_for_what_is_in_them(open_cloud, make_client, path, name):
    cloud, client = await signed_in(open_cloud, make_client, variants=ApiVariants(lists="named"))
    assert list((await client.get(f"/api/v1/{path}")).json) == [name]
    cloud.config.variants = ApiVariants(lists="jsonapi", keys="camel", references="nested")
    shown = (await client.get(f"/api/v1/{path}")).json["data"]
    assert {one["type"] for one in shown} <= {name}
    assert not any("_" in key for one in shown for key in one["attributes"])


async def test_lists_of_references_can_be_nested_or_text(open_cloud, make_client):
    cloud, client = await signed_in(
        open_cloud, make_client, variants=ApiVariants(references="nested", ids="text", keys="camel")
    )
    site = (await client.get("/api/v1/worksites/21")).json
    assert site["projects"] == [{"id": "7", "name": "Ring road"}]
    assert site["baseStations"][0] == {"id": "101", "name": "Excavator 1"}
    assert site["technicalContact"]["name"] == "Terry Contact"
    cloud.config.variants.references = "flat"
    assert (await client.get("/api/v1/worksites/21")).json["projectIds"] == ["7"]


async def test_machines_tags_and_entities_with_other_words(open_cloud, make_client):
    variants = ApiVariants(states="second", summaries="second", tests="time", site_projects="one")
    cloud, client = await signed_in(open_cloud, make_client, variants=variants)
    machine = (await client.get(MACHINE)).json
    assert (machine["ignition_state"], machine["project_id"]) == ("on", 7)
    tag = (await client.get("/api/v1/tags/5001")).json
    assert (tag["role"], "days_since_last_test" in tag) == ("Pedestrian", False)
    entities = (await client.get("/api/v1/entities")).json
    assert {one["active"] for one in entities} == {True, False}
    assert entities[0]["summary"]["incursions_count"] > 0
    assert (await client.get("/api/v1/insights")).json["total"] > 0
    cloud.config.variants = ApiVariants(tests="days")
    assert "last_tested_at" not in (await client.get("/api/v1/tags/5001")).json


@pytest.mark.parametrize("form", ["feature", "text"])
async def test_boundaries_in_other_forms(open_cloud, make_client, form):
    cloud, client = await signed_in(open_cloud, make_client, variants=ApiVariants(boundaries=form))
    boundary = (await client.get("/api/v1/worksites/21")).json["boundary"]
    geometry = boundary["geometry"] if form == "feature" else json.loads(boundary)
    assert geometry == cloud.world.sites[0].boundary


async def test_links_to_clips_can_lack_the_host(open_cloud, make_client):
    _, client = await signed_in(
        open_cloud, make_client, cameras=1.0, variants=ApiVariants(media_links="relative")
    )
    clip = (await client.get(f"{MACHINE}/clips")).json[0]
    assert clip["url"].startswith("/media/clips/")
    assert (await client.get(clip["url"])).status == 200


@pytest.mark.parametrize("variants", [JSON_API, OTHER])
async def test_every_resource_answers_in_every_set_of_forms(open_cloud, make_client, variants):
    """And each reply is JSON of an object or a list."""
    _, client = await signed_in(open_cloud, make_client, variants=ApiVariants(**variants))
    other = make_client(client.cloud)
    other.token = next(
        value
        for name, value in (await other.log_in()).headers.items()
        if name.lower() == "accesstoken"
    )
    for path in _V1:
        answer = await client.get(f"/api/v1/{path}")
        assert (answer.status, type(answer.json) in (dict, list)) == (200, True), path
    for path in _V2:
        answer = await other.get(f"/api/v2/{path}")
        assert (answer.status, type(answer.json) in (dict, list)) == (200, True), path


_V1 = [
    "session",
    "insights",
    "entities",
    "incursions",
    "projects",
    "reports",
    "alerts",
    "worksites",
    "base_stations",
    "tags",
    "notes",
    "base_stations/101",
    "base_stations/101/status",
    "base_stations/101/messages",
    "base_stations/101/clips",
    "tags/5001",
    "tags/5001/incursions",
    "tags/5001/tests",
    "worksites/21",
    "projects/7",
]
_V2 = [
    "session",
    "insights/charts/machine_runtime",
    "insights/charts/acknowledged_incursions",
    "insights/charts/zone_time",
    "insights/charts/trends",
    "advanced_insights/pivot",
    "advanced_insights/outliers",
    "reports",
    "projects",
    "worksites",
    "user_preferences",
    "base_stations/101",
    "base_stations/101/gps_tracks",
    "base_stations/101/events",
]


async def test_a_resource_can_be_absent(open_cloud, make_client):
    _, client = await signed_in(
        open_cloud, make_client, absent=frozenset({"tags", "base_station_clips"})
    )
    assert (await client.get("/api/v1/tags")).status == 404
    assert (await client.get(f"{MACHINE}/video_clips")).status == 404
    assert (await client.get(MACHINE)).status == 200


async def test_the_documentation_names_every_resource_that_can_be_absent(cloud, user):
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("| Call | Name |")[2].partition("\n\n")[0]
    names = {line.split("`")[-2] for line in table.splitlines()[2:]}
    assert len(names) == 37
    cloud.config.absent = frozenset(names)
    found = [path for path in _V1 if (await user.get(f"/api/v1/{path}")).status != 404]
    await user.log_in()
    found += [path for path in _V2 if (await user.get(f"/api/v2/{path}")).status != 404]
    assert found == []


async def test_an_unknown_path_and_a_wrong_method_are_refused(user):
    assert (await user.get("/api/v1/nothing")).status == 404
    assert (await user.get("/")).status == 404
    assert (await user.delete("/api/v1/entities")).status == 404


async def test_what_has_not_changed_is_not_sent_again(open_cloud, make_client, clock):
    _, client = await signed_in(open_cloud, make_client, etag=True)
    first = await client.get("/api/v1/worksites")
    headers = {"If-None-Match": first.headers["ETag"]}
    again = await client.ask("GET", "/api/v1/worksites", headers=headers)
    assert (again.status, again.body) == (304, b"")
    other = await client.ask("GET", "/api/v1/tags", headers=headers)
    assert other.status == 200
