"""Each fault, as a client meets it."""

import asyncio
import gzip
import json
import math

from aiohttp import ClientError, ClientSession, ClientTimeout
import pytest

from simulators.faults import KINDS, Fault
from simulators.mutations import MUTATIONS


async def test_latency_makes_a_client_give_up(cloud, account):
    cloud.faults.add(Fault(kind="latency", seconds=5))
    with pytest.raises(TimeoutError):
        await account.ask("GET", "/users", timeout=ClientTimeout(total=0.05))


async def test_a_held_request_goes_on_when_it_is_released(cloud, account):
    fault = cloud.faults.add(Fault(kind="hold", match="/users"))
    asking = asyncio.create_task(account.get("/users"))
    assert (await account.get("/gateways")).status == 200
    assert not asking.done()
    fault.release()
    assert (await asking).status == 200


@pytest.mark.parametrize("kind", ["drop", "cut"])
async def test_a_connection_can_end_before_the_reply_does(cloud, account, kind):
    cloud.faults.add(Fault(kind=kind))
    with pytest.raises(ClientError):
        await account.get("/gateways")
    cloud.faults.clear()
    assert cloud.log[-1].status == 0
    assert (await account.get("/gateways")).status == 200


async def test_a_status_comes_with_its_headers_and_the_vendors_body(cloud, account):
    cloud.faults.add(Fault(status=429, headers={"Retry-After": "60"}))
    answer = await account.get("/users")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert answer.json["code"] == 429


async def test_a_status_can_have_any_body(cloud, account):
    cloud.faults.add(Fault(status=503, body="<h1>Maintenance</h1>"))
    assert (await account.get("/users")).body == b"<h1>Maintenance</h1>"


@pytest.mark.parametrize(("takes_effect", "title"), [(False, "Gateway 1"), (True, "New")])
async def test_a_refused_request_did_its_work_or_not(cloud, account, takes_effect, title):
    cloud.faults.add(Fault(status=502, method="POST", takes_effect=takes_effect))
    await account.post(f"/gateways/{cloud.gateways[0].id}", name="New")
    assert cloud.gateways[0].title == title


async def test_a_request_that_was_given_up_may_have_done_its_work(cloud, account):
    cloud.faults.add(Fault(kind="hold", takes_effect=True))
    path = f"/gateways/{cloud.gateways[0].id}"
    with pytest.raises(TimeoutError):
        await account.ask("POST", path, data={"name": "New"}, timeout=ClientTimeout(total=0.05))
    assert cloud.gateways[0].title == "New"


async def test_a_dropped_request_may_have_done_its_work(cloud, account):
    cloud.faults.add(Fault(kind="drop", takes_effect=True))
    with pytest.raises(ClientError):
        await account.post(f"/gateways/{cloud.gateways[0].id}", name="New")
    assert cloud.gateways[0].title == "New"


async def test_json_can_be_cut_with_a_matching_length(cloud, account):
    cloud.faults.add(Fault(kind="cut_json"))
    answer = await account.get("/gateways")
    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = answer.json


async def test_a_login_page_can_come_instead_of_json(cloud, account):
    cloud.faults.add(Fault(kind="not_json"))
    answer = await account.get("/gateways")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("value", [[], [1], 42, "text", None, True])
async def test_the_json_root_can_be_wrong(cloud, account, value):
    cloud.faults.add(Fault(kind="root", value=value))
    assert (await account.get("/users")).json == value


async def test_the_json_root_can_be_nan(cloud, account):
    cloud.faults.add(Fault(kind="root", value=math.nan))
    assert (await account.get("/users")).body == b"NaN"


async def test_the_envelope_can_say_another_code_than_http(cloud, account):
    cloud.faults.add(Fault(kind="envelope_code", code=503))
    answer = await account.get("/users")
    assert (answer.status, answer.json["code"]) == (200, 503)
    assert "user" in answer.json


async def test_a_body_can_be_huge(cloud, account):
    cloud.faults.add(Fault(kind="huge", size=3_000_000))
    for encoding in ("gzip", "identity"):
        answer = await account.get("/users", headers={"Accept-Encoding": encoding})
        assert len(answer.body) == 3_000_000
        assert answer.json["code"] == 200
        assert "Content-Length" not in answer.headers


async def test_a_gzip_bomb_is_small_on_the_wire(cloud):
    cloud.faults.add(Fault(kind="gzip_bomb", size=5_000_000))
    headers = {"Accept-Encoding": "identity"}
    async with (
        ClientSession(auto_decompress=False) as session,
        session.get(f"{cloud.url}/users", headers=headers) as reply,
    ):
        assert reply.headers["Content-Encoding"] == "gzip"
        packed = await reply.read()
    assert len(packed) < 10_000
    assert len(gzip.decompress(packed)) == 5_000_000


async def test_a_redirect_says_where(cloud, account):
    cloud.faults.add(Fault(kind="redirect", location="https://elsewhere.example.com/v1/users"))
    answer = await account.get("/users")
    assert answer.status == 302
    assert answer.headers["Location"] == "https://elsewhere.example.com/v1/users"
    cloud.faults.clear()
    cloud.faults.add(Fault(kind="redirect", status=308, location="/v2/users"))
    assert (await account.get("/users")).status == 308


async def test_a_body_can_drip(cloud, account):
    cloud.faults.add(Fault(kind="drip", size=100))
    answer = await account.get("/users")
    assert answer.json["code"] == 200
    cloud.faults.clear()
    cloud.faults.add(Fault(kind="drip", size=1, seconds=5))
    with pytest.raises(TimeoutError):
        await account.ask("GET", "/users", timeout=ClientTimeout(total=0.05))


async def test_the_vendors_clock_can_be_wrong(cloud, account):
    cloud.faults.add(Fault(kind="clock_skew", seconds=-3_600))
    assert (await account.get("/users")).headers["Date"] == "Sun, 13 Sep 2026 11:00:00 GMT"


async def test_headers_can_be_replaced_and_removed(cloud, account):
    headers = {"Cache-Control": "max-age=5", "Content-Type": None, "Age": "3"}
    cloud.faults.add(Fault(kind="headers", headers=headers))
    answer = await account.get("/users")
    assert (answer.headers["Cache-Control"], answer.headers["Age"]) == ("max-age=5", "3")
    assert answer.headers.get("Content-Type") != "application/json"


async def test_a_payload_can_be_changed_by_a_function(cloud, account):
    def shout(payload):
        payload["gateways"][0]["title"] = "!"
        return payload

    cloud.faults.add(Fault(kind="mutate", mutate=shout, times=1))
    assert (await account.get("/gateways")).json["gateways"][0]["title"] == "!"
    assert (await account.get("/gateways")).json["gateways"][0]["title"] == "Gateway 1"


@pytest.fixture
def mutated(cloud, account):
    async def mutated(name, path="/gateways", **query):
        cloud.faults.clear()
        cloud.faults.add(Fault(kind="mutate", mutation=name))
        return (await account.get(path, **query)).json

    return mutated


async def test_ids_can_be_text(mutated):
    gateway = (await mutated("ids_as_strings"))["gateways"][0]
    assert gateway["id"] == "11000"
    assert gateway["devices"][0]["current_gateway_id"] == "11000"
    assert gateway["devices"][0]["devices"][0]["interval"] == 900


async def test_numbers_can_be_text(cloud, mutated):
    source = cloud.find_source()
    query = {"data_sources": str(source.id), "type": "latest"}
    payload = await mutated("numbers_as_strings", "/measurements", **query)
    row = payload["measurements"][str(source.id)]
    assert row["value"] == str(cloud.truth(source.id).value)
    assert payload["code"] == 200


async def test_values_can_be_null(mutated):
    gateway = (await mutated("nulls"))["gateways"][0]
    assert (gateway["id"], gateway["title"], gateway["serial"]) == (11000, None, None)
    assert len(gateway["devices"]) == 2


async def test_a_field_can_be_missing_anywhere(cloud, mutated):
    payload = await mutated("missing_field:gateways.devices.title")
    assert all(
        "title" not in sensor for entry in payload["gateways"] for sensor in entry["devices"]
    )
    assert all("title" in gateway for gateway in payload["gateways"])
    assert "gateways" not in await mutated("missing_field:gateways")
    query = {"data_sources": str(cloud.find_source().id), "type": "latest"}
    payload = await mutated("missing_field:measurements.*.date", "/measurements", **query)
    assert all("date" not in row for row in payload["measurements"].values())


async def test_there_can_be_fields_that_nobody_knows(mutated):
    payload = await mutated("extra_fields")
    assert "added_later" in payload
    assert "added_later" in payload["gateways"][0]["devices"][0]["devices"][0]["type"]["unit"]


async def test_ids_can_come_twice(mutated):
    gateways = (await mutated("duplicate_ids"))["gateways"]
    assert [gateway["id"] for gateway in gateways] == [11000, 11000, 11001, 11002]


async def test_titles_can_be_long(mutated):
    assert len((await mutated("long_titles"))["gateways"][0]["title"]) == 14_000


@pytest.mark.parametrize(("name", "literal"), [("nan", b":NaN"), ("infinity", b":Infinity")])
async def test_values_can_be_what_json_does_not_know(cloud, account, name, literal):
    cloud.faults.add(Fault(kind="mutate", mutation=name))
    query = {"data_sources": str(cloud.find_source().id), "type": "latest"}
    assert literal in (await account.get("/measurements", **query)).body


@pytest.mark.parametrize("name", sorted(MUTATIONS))
async def test_a_mutation_leaves_later_replies_alone(cloud, account, name):
    before = (await account.get("/gateways")).json["gateways"]
    cloud.faults.add(Fault(kind="mutate", mutation=name, times=1))
    await account.get("/gateways")
    assert (await account.get("/gateways")).json["gateways"] == before


async def test_a_fault_meets_only_what_it_matches(cloud, account):
    source = str(cloud.find_source().id)
    cloud.faults.add(Fault(match="/measurements", query={"type": "raw"}, status=500))
    cloud.faults.add(Fault(user="nobody@example.com", status=501))
    cloud.faults.add(Fault(method="POST", status=502))
    query = {"data_sources": source}
    assert (await account.get("/measurements", type="raw", **query)).status == 500
    assert (await account.get("/measurements", type="latest", **query)).status == 200
    assert (await account.get("/users")).status == 200
    assert (await account.post("/gateways", serial="1")).status == 502


async def test_a_fault_ends_after_its_times_or_when_it_is_cleared(cloud, account):
    twice = cloud.faults.add(Fault(match="/users", status=500, times=2))
    cloud.faults.add(Fault(match="/gateways", status=500))
    assert [(await account.get("/users")).status for _ in range(3)] == [500, 500, 200]
    assert twice.used == 2
    assert [(await account.get("/gateways")).status for _ in range(3)] == [500] * 3
    cloud.faults.clear()
    assert (await account.get("/gateways")).status == 200


async def test_faults_add_up(cloud, account):
    cloud.faults.add(Fault(kind="clock_skew", seconds=60))
    cloud.faults.add(Fault(kind="envelope_code", code=500))
    answer = await account.get("/users")
    assert answer.headers["Date"] == "Sun, 13 Sep 2026 12:01:00 GMT"
    assert answer.json["code"] == 500


def test_a_fault_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="No such fault"):
        Fault(kind="fire")
    with pytest.raises(ValueError, match="No such mutation"):
        Fault(kind="mutate", mutation="confetti")


def test_every_kind_of_fault_is_told_in_the_docstring():
    assert all(kind in Fault.__doc__ for kind in KINDS)
