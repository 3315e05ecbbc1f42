"""Insights, projects, reports, alerts, notes: version 1 at a desk."""

import pytest

from simulators.sensorzone import JSON_API, ApiVariants

INSIGHTS, PROJECTS, REPORTS = "/api/v1/insights", "/api/v1/projects", "/api/v1/reports"
ALERTS, NOTES = "/api/v1/alerts", "/api/v1/notes"


@pytest.fixture
async def standard_user(cloud, make_client):
    client = make_client(cloud)
    await client.sign_in(cloud.config.standard_username)
    return client


async def test_insights_add_up(user):
    insights = (await user.get(INSIGHTS)).json
    incursions = (await user.get("/api/v1/incursions")).json
    totals = insights["totals"]
    assert totals["total"] == len(incursions)
    assert totals["acknowledged"] == sum(one["acknowledged"] for one in incursions)
    assert totals["acknowledged"] + totals["unacknowledged"] == totals["total"]
    assert totals["acknowledgement_score"] == pytest.approx(
        100 * totals["acknowledged"] / totals["total"], abs=0.06
    )
    assert totals["incursions_per_runtime_hour"] == pytest.approx(
        totals["total"] / totals["runtime_hours"], abs=0.01
    )
    lengths = [one["duration"] for one in incursions if one["duration"] is not None]
    assert totals["average_duration"] == pytest.approx(sum(lengths) / len(lengths), abs=0.06)
    for part in ("trends", "by_machine", "by_site", "by_person"):
        assert sum(row["total"] for row in insights[part]) == totals["total"], part
    assert [row["base_station_id"] for row in insights["by_machine"]] == [101, 102, 103]


async def test_insights_of_a_machine_and_a_period(cloud, user):
    query = {"base_station_id": "102", "since": "2026-09-11", "until": "2026-09-11"}
    insights = (await user.get(INSIGHTS, **query)).json
    assert [row["base_station_id"] for row in insights["by_machine"]] == [102]
    assert [row["date"] for row in insights["trends"]] == ["2026-09-11"]
    assert insights["by_machine"] == [
        {"base_station_id": 102, "name": "Wheel loader 2"} | insights["totals"]
    ]
    assert 10 < insights["totals"]["runtime_hours"] < 16
    cloud.config.variants.runtime = "seconds"
    assert (await user.get(INSIGHTS, **query)).json["totals"]["runtime_seconds"] > 36_000


async def test_insights_without_incursions_have_no_averages(user):
    totals = (
        await user.get(INSIGHTS, since="2026-09-12T23:00:00Z", until="2026-09-13T01:00:00Z")
    ).json
    assert totals["totals"] == {
        "total": 0,
        "acknowledged": 0,
        "unacknowledged": 0,
        "acknowledgement_score": None,
        "average_duration": None,
        "average_acknowledgement_time": None,
        "runtime_hours": 0,
        "incursions_per_runtime_hour": None,
    }


async def test_a_project_is_created_listed_and_updated(user):
    created = (await user.post(PROJECTS, name="Harbour", worksite_ids=[22])).json
    assert created in (await user.get(PROJECTS)).json
    path = f"{PROJECTS}/{created['id']}"
    updated = (await user.patch(path, name="Harbour wall", worksite_ids=[21])).json
    assert updated == {
        "id": created["id"],
        "name": "Harbour wall",
        "description": "",
        "worksite_ids": [21],
    }
    assert (await user.get(path)).json == updated
    assert (await user.get("/api/v1/worksites/21")).json["project_ids"] == [7, created["id"]]
    assert (await user.ask("PUT", path, json={"description": "Stone"})).json[
        "name"
    ] == "Harbour wall"
    assert (await user.get(f"{PROJECTS}/9")).status == 404


async def test_a_projects_name_is_needed_short_and_its_own(user):
    for fields in ({}, {"name": "x" * 101}, {"name": "Ring road"}):
        assert (await user.post(PROJECTS, **fields)).status == 422
    assert (await user.patch(f"{PROJECTS}/8", name="Ring road")).status == 422
    assert (await user.patch(f"{PROJECTS}/8", name="Depots")).status == 200


async def test_json_api_bodies_and_wrapped_ones_are_read(user):
    body = {
        "data": {
            "type": "projects",
            "attributes": {"name": "Harbour"},
            "relationships": {
                "worksites": {"data": [{"type": "worksites", "id": "22"}]},
                "brand": {"data": {"type": "brands", "id": "3"}},
                "none": None,
            },
        }
    }
    created = await user.ask(
        "POST", PROJECTS, json=body, headers={"Content-Type": "application/vnd.api+json"}
    )
    assert (created.json["name"], created.json["worksite_ids"]) == ("Harbour", [22])
    assert (await user.post(PROJECTS, project={"name": "Quay"})).json["name"] == "Quay"
    form = await user.ask("POST", PROJECTS, data={"project[name]": "Pier"})
    assert form.json["name"] == "Pier"


@pytest.mark.parametrize("form", ["file", "url", "redirect"])
async def test_a_report_is_made_after_a_while_and_fetched(cloud, user, clock, form):
    cloud.config.variants.download = form
    answer = await user.post(REPORTS, name="August", start_date="2026-08-01", end_date="2026-08-31")
    assert answer.status == 201
    path = f"{REPORTS}/{answer.json['id']}"
    states = [answer.json["status"]]
    assert (await user.get(f"{path}/download")).status == 422
    for _ in range(3):
        clock.advance(15)
        states.append((await user.get(path)).json["status"])
    assert states == ["pending", "processing", "processing", "completed"]
    report = (await user.get(path)).json
    assert report in (await user.get(REPORTS)).json
    fetched = await user.get(report["download_url"])
    if form == "url":
        fetched = await user.get(fetched.json["url"])
    elif form == "redirect":
        assert fetched.status == 302
        fetched = await user.get(fetched.headers["Location"])
    assert fetched.headers["Content-Type"] == "application/pdf"
    assert fetched.body.startswith(b"%PDF")


async def test_a_file_needs_its_signature(cloud, user):
    assert (await user.get("/media/files/1", signature="0")).status == 403
    signature = cloud.report_routes._reports._signature(9)
    assert (await user.get("/media/files/9", signature=signature)).status == 404


async def test_reports_can_fail_and_have_other_words_for_it(cloud, user, clock):
    cloud.config.reports_fail = True
    cloud.config.variants.report_states = "other"
    report = (await user.post(REPORTS)).json
    assert report["status"] == "queued"
    clock.advance(60)
    failed = (await user.get(f"{REPORTS}/{report['id']}")).json
    assert (failed["status"], failed["download_url"]) == ("error", None)


async def test_a_report_needs_a_period_and_its_own_brand(cloud, user, make_client):
    assert (await user.post(REPORTS, start_date="2026-09-02", end_date="2026-09-01")).status == 422
    report = (await user.post(REPORTS)).json
    other = make_client(cloud)
    await other.sign_in("olga@example.com")
    assert (await other.get(REPORTS)).json == []
    assert (await other.get(f"{REPORTS}/{report['id']}")).status == 404


async def test_an_alert_is_created_changed_and_deleted(user):
    fields = {"name": "Many", "metric": "incursions", "threshold": 20, "emails": ["a@example.org"]}
    created = await user.post(ALERTS, **fields)
    assert created.status == 201
    path = f"{ALERTS}/{created.json['id']}"
    assert (await user.get(ALERTS)).json == [created.json]
    changed = (await user.patch(path, threshold=30, enabled=False)).json
    assert (changed["threshold"], changed["enabled"], changed["name"]) == (30, False, "Many")
    assert (await user.get(path)).json == changed
    second = (await user.post(ALERTS, **fields)).json
    assert (await user.delete(path)).status == 204
    assert (await user.get(path)).status == 404
    third = (await user.post(ALERTS, **fields)).json
    assert [one["id"] for one in (await user.get(ALERTS)).json] == [second["id"], third["id"]]
    assert second["id"] != third["id"]


async def test_an_alert_that_makes_no_sense_is_refused(cloud, user):
    cloud.config.variants.errors = "fields"
    answer = await user.post(ALERTS, metric="mood", threshold="high", emails=["nobody"])
    assert answer.status == 422
    assert sorted(answer.json["errors"]) == ["emails", "metric", "name", "threshold"]


async def test_a_standard_user_reads_but_may_not_change(standard_user):
    assert (await standard_user.get(PROJECTS)).status == 200
    assert (await standard_user.get("/api/v1/base_stations")).status == 200
    assert (await standard_user.post(PROJECTS, name="X")).status == 403
    assert (await standard_user.patch(f"{PROJECTS}/7", name="X")).status == 403
    assert (await standard_user.get(ALERTS)).status == 403
    assert (await standard_user.post(NOTES, base_station_id=101, body="Seen")).status == 201


@pytest.mark.parametrize(
    ("path", "fields", "about"),
    [
        (NOTES, {"base_station_id": 101}, {"base_station_id": 101}),
        (NOTES, {"tag_id": "5002"}, {"tag_id": 5002}),
        (NOTES, {"entity_id": 101, "entity_type": "machine"}, {"base_station_id": 101}),
        (NOTES, {"entity_id": 5002, "entity_type": "Person"}, {"tag_id": 5002}),
        ("/api/v1/base_stations/101/notes", {}, {"base_station_id": 101}),
        ("/api/v1/tags/5002/notes", {}, {"tag_id": 5002}),
    ],
)
@pytest.mark.parametrize("key", ["body", "text"])
async def test_a_note_is_added_and_found(user, path, fields, about, key):
    added = await user.post(path, **fields, **{key: "Horn is broken"})
    assert added.status == 201
    assert added.json == added.json | {"body": "Horn is broken", "author": "Anna Admin"} | about
    assert (await user.get(path, **{} if path != NOTES else fields)).json == [added.json]
    assert (await user.get(NOTES, base_station_id=102)).json == []


async def test_a_note_needs_a_text_and_something_it_is_about(user):
    assert (await user.post(NOTES, base_station_id=101, body="")).status == 422
    assert (await user.post(NOTES, body="x")).status == 422
    assert (await user.post(NOTES, base_station_id=104, body="x")).status == 404
    assert (await user.post(NOTES, tag_id=1, body="x")).status == 404
    assert (await user.get("/api/v1/worksites/21/notes")).status == 404


async def test_everything_is_json_api_if_the_plan_says_so(cloud, user):
    cloud.config.variants = ApiVariants(**JSON_API)
    assert (await user.get(INSIGHTS)).json["data"]["attributes"]["totals"]["total"] > 0
    created = (await user.post(NOTES, base_station_id=101, body="x")).json["data"]
    assert created["relationships"] == {
        "base_station": {"data": {"type": "base_stations", "id": "101"}}
    }
