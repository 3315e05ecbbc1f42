"""What a tester device can ask: people assets, tag assignments, visitor sessions."""

from collections import Counter

import pytest

from simulators.sensorzone import JSON_API, ApiVariants

PEOPLE = "/api/v1/tester/people_assets"
ASSIGNMENTS = "/api/v1/tester/tag_assignments"
SESSIONS = "/api/v1/tester/visitor_sessions"


@pytest.fixture
async def other_tester(cloud, make_client):
    client = make_client(cloud)
    client.token = f"{cloud.tester_token}_other"
    return client


async def test_people_are_listed_by_kind(tester):
    everybody = (await tester.get(PEOPLE)).json
    assert Counter(one["kind"] for one in everybody) == {"staff": 9, "visitor": 4}
    staff = (await tester.get(PEOPLE, kind="staff")).json
    assert staff == [one for one in everybody if one["kind"] == "staff"]
    assert (await tester.get(PEOPLE, kind="robots")).status == 400


async def test_a_created_person_comes_back_bare_with_the_six_stated_fields(tester):
    answer = await tester.post(PEOPLE, name="Kit Moss", kind="staff", employee_id="N-77")
    assert answer.status == 201
    created = answer.json
    assert isinstance(created.pop("id"), int)
    assert created == {
        "name": "Kit Moss",
        "employee_id": "N-77",
        "kind": "staff",
        "company": None,
        "email": None,
    }
    assert answer.json in (await tester.get(PEOPLE)).json


async def test_it_comes_back_bare_whatever_form_lists_have(cloud, tester):
    cloud.config.variants = ApiVariants(**JSON_API)
    answer = await tester.post(PEOPLE, name="Vi Sitor", kind="visitor", company="Acme")
    assert (answer.json["name"], answer.json["company"]) == ("Vi Sitor", "Acme")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "A", "kind": "staff", "employee_id": "EMP001"}, ["employee_id"]),
        ({"name": "A", "kind": "staff"}, ["employee_id"]),
        ({"name": " ", "kind": "visitor"}, ["name"]),
        ({"name": "A", "kind": "robot"}, ["kind"]),
        ({"name": "A", "kind": "staff", "email": "nobody"}, ["employee_id", "email"]),
        ({"name": "A" * 256, "kind": "visitor"}, ["name"]),
    ],
)
async def test_what_is_wrong_with_a_person_is_told_by_field(cloud, tester, fields, wrong):
    cloud.config.variants.errors = "fields"
    answer = await tester.post(PEOPLE, **fields)
    assert answer.status == 422
    assert list(answer.json["errors"]) == wrong
    assert len((await tester.get(PEOPLE)).json) == 13


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("error", {"error": "Employee id has already been taken"}),
        ("list", {"errors": ["Employee id has already been taken"]}),
        ("fields", {"errors": {"employee_id": ["has already been taken"]}}),
        (
            "jsonapi",
            {
                "errors": [
                    {
                        "status": "422",
                        "title": "Validation failed",
                        "detail": "Employee id has already been taken",
                        "source": {"pointer": "/data/attributes/employee_id"},
                    }
                ]
            },
        ),
    ],
)
async def test_an_employee_id_that_is_taken_in_every_form(cloud, tester, form, expected):
    cloud.config.variants.errors = form
    answer = await tester.post(PEOPLE, name="A", kind="staff", employee_id="EMP001")
    assert answer.json == expected


async def test_a_body_that_is_no_json_object_is_refused(tester):
    for body in (b"{", b"[]", b'"x"'):
        headers = {"Content-Type": "application/json"}
        assert (await tester.ask("POST", PEOPLE, data=body, headers=headers)).status == 400


async def test_a_token_sees_and_changes_its_own_brand_only(cloud, tester, other_tester):
    own = {one["id"] for one in (await tester.get(PEOPLE)).json}
    others = {one["id"] for one in (await other_tester.get(PEOPLE)).json}
    assert own
    assert others
    assert not own & others
    taken = await other_tester.post(PEOPLE, name="A", kind="staff", employee_id="EMP001")
    assert taken.status == 201
    wrong = await other_tester.post(ASSIGNMENTS, tag_id=5001, people_asset_id=1)
    assert wrong.status == 422
    given = (await tester.post(ASSIGNMENTS, tag_id=5001, people_asset_id=2)).json
    assert (await other_tester.delete(f"{ASSIGNMENTS}/{given['id']}")).status == 404
    visit = (await tester.post(SESSIONS, name="V")).json
    assert (await other_tester.patch(f"{SESSIONS}/{visit['id']}")).status == 404


@pytest.mark.parametrize(
    "tag",
    [
        {"tag_id": 5002},
        {"tag_serial": "TG700038"},
        {"tag_id": "TG700038"},
        {"serial_number": "TG700038"},
    ],
)
async def test_a_tag_is_assigned_and_released(cloud, tester, user, tag):
    answer = await tester.post(ASSIGNMENTS, people_asset_id=5, **tag)
    assert answer.status == 201
    assert (answer.json["tag_id"], answer.json["people_asset_id"]) == (5002, 5)
    assert (await user.get("/api/v1/tags/5002")).json["person_id"] == 5
    twice = await tester.post(ASSIGNMENTS, people_asset_id=1, **tag)
    assert twice.status == 422
    path = f"{ASSIGNMENTS}/{answer.json['id']}"
    assert (await tester.delete(path)).status == 204
    assert (await user.get("/api/v1/tags/5002")).json["person_id"] == 2
    assert (await tester.delete(path)).status == 404


async def test_an_id_is_not_given_twice(tester, user):
    ids = []
    for _ in range(2):
        ids.append((await tester.post(ASSIGNMENTS, tag_id=5001, person_id=1)).json["id"])
        await tester.delete(f"{ASSIGNMENTS}/{ids[-1]}")
        ids.append((await user.post("/api/v1/alerts", name="Many", threshold=1)).json["id"])
        await user.delete(f"/api/v1/alerts/{ids[-1]}")
    assert len(set(ids)) == 4


async def test_an_assignment_needs_a_tag_and_a_person(tester):
    assert (await tester.post(ASSIGNMENTS, person_id=1)).json == {"error": "Tag can't be blank"}
    assert (await tester.post(ASSIGNMENTS, tag_id=1, person_id=1)).json == {
        "error": "Tag must exist"
    }
    assert (await tester.post(ASSIGNMENTS, tag_id=5001)).json == {"error": "Person can't be blank"}


async def test_a_release_can_be_answered_with_what_was_released(cloud, tester):
    cloud.config.variants.deleted = "object"
    given = (await tester.post(ASSIGNMENTS, tag_id=5001, person_id=2)).json
    answer = await tester.delete(f"{ASSIGNMENTS}/{given['id']}")
    assert (answer.status, answer.json) == (200, given)


@pytest.mark.parametrize(
    ("method", "suffix"), [("PATCH", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/check_out")]
)
async def test_a_visitor_is_checked_in_and_out(cloud, tester, clock, method, suffix):
    tag = cloud.walkers[-1].serial
    answer = await tester.post(
        SESSIONS, name="Vi Sitor", company="Acme", tag_serial=tag, notes="Gate 2"
    )
    assert answer.status == 201
    session = answer.json
    assert (session["name"], session["company"], session["tag_serial"]) == ("Vi Sitor", "Acme", tag)
    assert (session["checked_out_at"], session["notes"]) == (None, "Gate 2")
    assert session in (await tester.get(SESSIONS)).json
    in_use = await tester.post(SESSIONS, name="Other", tag_serial=tag)
    assert in_use.status == 422
    clock.advance(1800)
    answer = await tester.ask(method, f"{SESSIONS}/{session['id']}{suffix}")
    assert answer.status == 200
    assert (answer.json["duration"], answer.json["checked_out_by"]) == (1800, "Gate tester")
    assert (await tester.ask(method, f"{SESSIONS}/{session['id']}{suffix}")).status == 422
    assert (await tester.post(SESSIONS, name="Other", tag_serial=tag)).status == 201


async def test_a_visitor_can_be_checked_in_by_the_id_of_a_person(tester):
    person = (await tester.get(PEOPLE, kind="visitor")).json[0]
    session = (await tester.post(SESSIONS, people_asset_id=person["id"])).json
    assert (session["name"], session["tag_id"]) == (person["name"], None)
    assert (await tester.post(SESSIONS)).status == 422
    assert (await tester.patch(f"{SESSIONS}/1")).status == 404


async def test_visits_of_the_past_are_there_and_some_never_ended(tester):
    sessions = (await tester.get(SESSIONS, since="2026-08-01")).json
    assert len(sessions) > 60
    ended = [one for one in sessions if one["checked_out_at"] is not None]
    assert 0 < len(sessions) - len(ended) < len(sessions) / 3
    assert all(45 * 60 <= one["duration"] <= 180 * 60 for one in ended)
