"""Version 2: charts, advanced insights, JSON:API resources, preferences, tracks, events."""

from datetime import datetime, timedelta
from math import dist

import pytest

from simulators.sensorzone import ApiVariants

CHARTS, ADVANCED = "/api/v2/insights/charts", "/api/v2/advanced_insights"
MACHINE = "/api/v2/base_stations/101"


async def test_the_runtime_chart_adds_up_to_the_machines_total(cloud, api_user, user):
    query = {"start_date": "2026-07-01"}
    chart = (await api_user.get(f"{CHARTS}/machine_runtime", **query)).json
    assert len(chart["labels"]) in (60, 61)
    for series in chart["datasets"]:
        machine = series["base_station_id"]
        total = (await user.get(f"/api/v1/base_stations/{machine}")).json["runtime_hours"]
        hours = [value for value in series["data"] if value is not None]
        assert sum(hours) == pytest.approx(total, abs=16)
        assert all(0 < value < 16 for value in hours)


async def test_a_chart_in_three_forms_says_the_same(cloud, api_user):
    query = {"start_date": "2026-09-10", "end_date": "2026-09-12", "base_station_id": "102"}
    series = (await api_user.get(f"{CHARTS}/machine_runtime", **query)).json
    cloud.config.variants.charts = "rows"
    rows = (await api_user.get(f"{CHARTS}/machine_runtime", **query)).json
    cloud.config.variants.charts = "jsonapi"
    resources = (await api_user.get(f"{CHARTS}/machine_runtime", **query)).json["data"]
    assert series["labels"] == [row["date"] for row in rows]
    assert series["labels"] == ["2026-09-10", "2026-09-11", "2026-09-12"]
    assert series["datasets"][0]["data"] == [row["runtime_hours"] for row in rows]
    assert [resource["attributes"] for resource in resources] == rows
    assert resources[0]["id"] == "102-2026-09-10"


async def test_counting_charts_agree_with_the_incursions(api_user, user):
    query = {"since": "2026-09-11", "until": "2026-09-12"}
    incursions = (await user.get("/api/v1/incursions", **query)).json
    chart = (await api_user.get(f"{CHARTS}/acknowledged_incursions", **query)).json
    counts = {series["metric"]: sum(series["data"]) for series in chart["datasets"]}
    known = sum(one["acknowledged"] for one in incursions)
    assert counts == {"acknowledged": known, "unacknowledged": len(incursions) - known}
    zones = (await api_user.get(f"{CHARTS}/zone_time", **query)).json
    seconds = sum(sum(series["data"]) for series in zones["datasets"])
    assert seconds == sum(one["duration"] for one in incursions)
    trends = (await api_user.get(f"{CHARTS}/trend", **query)).json
    totals = next(series for series in trends["datasets"] if series["metric"] == "total")
    assert sum(totals["data"]) == len(incursions)
    assert (await api_user.get(f"{CHARTS}/mood")).status == 404


@pytest.mark.parametrize("form", ["series", "rows", "jsonapi"])
async def test_a_pivot_table_counts_each_incursion_once(cloud, api_user, user, form):
    cloud.config.variants.charts = form
    query = {"since": "2026-09-11", "until": "2026-09-12"}
    count = len((await user.get("/api/v1/incursions", **query)).json)
    for dimensions in ("machine", "site,day", "operator", "pedestrian,week", "projects", "month"):
        answer = await api_user.post(f"{ADVANCED}/pivot", dimensions=dimensions.split(","), **query)
        assert answer.status == 200
        payload = answer.json
        if form == "series":
            place = payload["columns"].index("total")
            totals = [row[place] for row in payload["rows"]]
        elif form == "rows":
            totals = [row["total"] for row in payload]
        else:
            totals = [row["attributes"]["total"] for row in payload["data"]]
        assert sum(totals) == count, dimensions
        assert len(totals) >= 1
    by_query = await api_user.get(f"{ADVANCED}/pivot", dimensions="machine", **query)
    assert by_query.status == 200
    assert (await api_user.get(f"{ADVANCED}/pivot", dimensions="mood")).status == 422


async def test_an_export_is_a_csv_file(cloud, api_user):
    cloud.world.machines[0].name = 'A "big", old one'
    answer = await api_user.get(f"{ADVANCED}/export", group_by="machine,month")
    assert answer.headers["Content-Type"].startswith("text/csv")
    lines = answer.body.decode().splitlines()
    assert lines[0].startswith("machine,month,total,acknowledged")
    assert lines[1].startswith('"A ""big"", old one",2026-08,')
    cloud.config.variants.download = "url"
    link = (await api_user.get(f"{ADVANCED}/export")).json["url"]
    assert (await api_user.get(link)).body.startswith(b"machine,total")
    empty = await api_user.get(link.replace("signature=", "signature=0"))
    assert empty.status == 403


async def test_an_export_of_nothing_has_a_head_only(api_user, cloud):
    cloud.config.variants.charts = "series"
    query = {"since": "2026-09-13T00:00:00Z", "until": "2026-09-13T01:00:00Z"}
    assert (await api_user.get(f"{ADVANCED}/export", **query)).body == b"machine\r\n"
    assert (await api_user.get(f"{ADVANCED}/pivot", **query)).json == {
        "columns": ["machine"],
        "rows": [],
    }


async def test_outliers_are_days_above_what_was_expected(api_user):
    found = (await api_user.get(f"{ADVANCED}/outliers")).json
    assert found
    assert all(one["total"] > one["expected"] for one in found)


async def test_a_site_report_is_written_after_a_while(cloud, api_user, clock):
    asked = await api_user.post(f"{ADVANCED}/site_report", worksite_id=21)
    assert asked.status == 201
    assert (asked.json["status"], asked.json["content"]) == ("pending", None)
    clock.advance(60)
    written = (await api_user.get(f"{ADVANCED}/site_report/{asked.json['id']}")).json
    assert written["status"] == "completed"
    assert written["content"].startswith("Quarry Lane: ")
    cloud.config.variants.site_reports = "at_once"
    at_once = (await api_user.get(f"{ADVANCED}/site_report", worksite_id=22)).json
    assert at_once["content"].startswith("North Yard: ")
    assert (await api_user.post(f"{ADVANCED}/site_report")).status == 422


async def test_stated_json_api_is_json_api_in_any_plan(cloud, api_user, clock):
    cloud.config.variants = ApiVariants(lists="bare")
    for kind in ("reports", "projects", "worksites"):
        answer = await api_user.get(f"/api/v2/{kind}")
        assert answer.headers["Content-Type"] == "application/vnd.api+json"
        assert isinstance(answer.json["data"], list)
        refused = await api_user.get(f"/api/v2/{kind}/1")
        assert refused.json["errors"][0]["status"] == "404"
    body = {"data": {"type": "reports", "attributes": {"name": "Weekly"}}}
    created = (await api_user.ask("POST", "/api/v2/reports", json=body)).json["data"]
    assert (created["type"], created["attributes"]["name"]) == ("reports", "Weekly")
    path = f"/api/v2/reports/{created['id']}"
    clock.advance(60)
    link = (await api_user.get(path)).json["data"]["attributes"]["download_url"]
    assert (await api_user.get(link)).body.startswith(b"%PDF")
    assert (await api_user.delete(path)).status == 204
    assert (await api_user.get(path)).status == 404


async def test_json_api_lists_have_pages_with_links(cloud, api_user):
    cloud.config.page_size = 1
    first = (await api_user.get("/api/v2/worksites")).json
    following = first["links"]["next"]
    assert following.startswith(cloud.url)
    second = (await api_user.get(following)).json
    assert second["links"] == {"next": None}
    assert [page["data"][0]["id"] for page in (first, second)] == ["21", "22"]


async def test_a_site_can_be_renamed_by_an_administrator(cloud, api_user, make_client):
    path = "/api/v2/worksites/21"
    changed = (await api_user.patch(path, name="Quarry", colour="#000000")).json["data"]
    assert (changed["attributes"]["name"], changed["attributes"]["colour"]) == ("Quarry", "#000000")
    assert (await api_user.patch(path, name="x" * 101)).status == 422
    assert (await api_user.get(path)).json["data"] == changed
    standard = make_client(cloud)
    await standard.log_in(cloud.config.standard_username)
    assert (await standard.patch(path, name="Q")).status == 403


async def test_projects_of_version_2_are_those_of_version_1(api_user, user):
    created = (await api_user.post("/api/v2/projects", name="Harbour")).json["data"]
    shown = (await user.get(f"/api/v1/projects/{created['id']}")).json
    assert shown["name"] == created["attributes"]["name"] == "Harbour"


async def test_preferences_are_kept_per_user(cloud, api_user, make_client):
    changed = (await api_user.patch("/api/v2/preferences", locale="de-DE", unknown=1)).json
    assert changed["locale"] == "de-DE"
    assert "unknown" not in changed
    assert (await api_user.get("/api/v2/user_preferences")).json == changed
    other = make_client(cloud)
    await other.log_in(cloud.config.standard_username)
    assert (await other.get("/api/v2/preferences")).json["locale"] == "en-GB"


async def test_a_track_leads_to_where_the_machine_is(cloud, api_user, clock):
    points = (await api_user.get(f"{MACHINE}/gps_tracks")).json
    assert 60 < len(points) <= 121
    machine = cloud.machines[0]
    for point in points[::10]:
        moment = datetime.fromisoformat(point["recorded_at"]).timestamp()
        assert (point["latitude"], point["longitude"]) == machine.true_position(moment)
    assert max(point["speed"] for point in points) <= 8.5
    moving = [point for point in points if point["speed"] > 1]
    assert len({point["heading"] for point in moving}) > 3
    assert moving
    since = int((clock.now() - timedelta(minutes=10)).timestamp())
    assert len((await api_user.get(f"{MACHINE}/gps_track", since=since)).json) <= 21


async def test_a_track_in_geojson_without_gps_and_at_zero(cloud, api_user):
    points = (await api_user.get(f"{MACHINE}/gps_tracks")).json
    cloud.config.variants.track = "geojson"
    line = (await api_user.get(f"{MACHINE}/gps_tracks")).json
    assert line["geometry"]["coordinates"] == [
        [point["longitude"], point["latitude"]] for point in points
    ]
    assert line["properties"]["times"] == [point["recorded_at"] for point in points]
    cloud.machines[0].gps = "zero"
    line = (await api_user.get(f"{MACHINE}/gps_tracks")).json
    assert all(dist(place, (0, 0)) == 0 for place in line["geometry"]["coordinates"])
    cloud.machines[0].gps = "none"
    line = (await api_user.get(f"{MACHINE}/gps_tracks")).json
    assert line["geometry"]["coordinates"] == []


async def test_events_of_a_machine_come_in_order_and_one_by_one(cloud, api_user):
    cloud.machines[0].has_camera = True
    events = (await api_user.get(f"{MACHINE}/events", since="2026-09-11")).json
    kinds = {event["kind"] for event in events}
    assert kinds == {"incursion", "video_request", "device_log", "gps_track"}
    times = [event["occurred_at"] for event in events]
    assert times == sorted(times, reverse=True)
    assert len({event["id"] for event in events}) == len(events)
    only = (await api_user.get(f"{MACHINE}/events", kind="incursion")).json
    assert {event["kind"] for event in only} == {"incursion"}
    found = await api_user.get(f"{MACHINE}/events/{only[0]['id']}")
    assert found.json == only[0]
    assert (await api_user.get(f"{MACHINE}/events/1")).status == 404
    assert (await api_user.get(MACHINE)).json["name"] == "Excavator 1"
