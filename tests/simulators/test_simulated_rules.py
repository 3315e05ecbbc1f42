"""The vendor's rules as the log sees them: max-age, Retry-After, validators."""

from datetime import timedelta

from aiohttp import ClientError
import pytest

from simulators.faults import Fault


async def test_asking_again_before_max_age_is_early(cloud, account, clock):
    await account.get("/gateways")
    clock.advance(899)
    await account.get("/gateways")
    assert [record.early for record in cloud.log] == [False, True]
    assert cloud.early_requests() == cloud.log[1:]
    clock.advance(900)
    await account.get("/gateways")
    assert not cloud.log[-1].early


async def test_another_query_path_user_or_method_is_not_early(open_cloud, sign_in):
    cloud = await open_cloud(sub_users=1)
    account, other = sign_in(cloud), cloud.users[1]
    await account.get("/gateways")
    await account.get("/gateways", with_slaves="1")
    await account.get("/users")
    await sign_in(cloud, other.email, other.password).get("/gateways")
    await account.post("/gateways", serial="00000000")
    assert cloud.early_requests() == []


async def test_the_order_of_parameters_makes_no_other_resource(cloud, account):
    await account.get("/measurements", data_sources="220200", type="latest")
    await account.get("/measurements", type="latest", data_sources="220200")
    assert len(cloud.early_requests()) == 1


async def test_a_failed_request_may_be_repeated(cloud, account):
    cloud.faults.add(Fault(status=500, times=1))
    await account.get("/gateways")
    cloud.faults.add(Fault(kind="cut", times=1))
    with pytest.raises(ClientError):
        await account.get("/gateways")
    await account.get("/gateways")
    assert [record.status for record in cloud.log] == [500, 0, 200]
    assert cloud.early_requests() == []


async def test_max_age_can_be_set_for_all_and_for_a_path(cloud, account):
    cloud.config.max_age = 30
    cloud.config.max_ages = {"/alarms": 5, "/alarms/history": 7}
    for path, age in (("/gateways", 30), ("/alarms", 5), ("/alarms/history", 7)):
        answer = await account.get(path)
        assert answer.headers["Cache-Control"] == f"max-age={age}, private"
        assert answer.json["max_age"] == age


async def test_the_max_age_that_was_sent_counts(cloud, account, clock):
    cloud.faults.add(Fault(kind="headers", headers={"Cache-Control": "max-age=60"}, times=1))
    await account.get("/users")
    clock.advance(60)
    await account.get("/users")
    assert cloud.early_requests() == []


async def test_a_reply_that_was_old_already_is_fresh_for_less(cloud, account, clock):
    cloud.faults.add(Fault(kind="headers", headers={"Age": "100"}, times=1))
    await account.get("/users")
    clock.advance(800)
    await account.get("/users")
    assert cloud.early_requests() == []


async def test_no_store_leaves_the_client_free(cloud, account):
    cloud.faults.add(Fault(kind="headers", headers={"Cache-Control": "no-store, max-age=60"}))
    await account.get("/users")
    await account.get("/users")
    assert cloud.early_requests() == []


async def test_requests_during_a_retry_after_are_held_against_the_account(
    open_cloud, sign_in, clock
):
    cloud = await open_cloud(sub_users=1)
    account, other = sign_in(cloud), cloud.users[1]
    cloud.faults.add(Fault(status=429, headers={"Retry-After": "120"}, times=1))
    assert (await account.get("/users")).status == 429
    clock.advance(119)
    await account.get("/gateways")
    await sign_in(cloud, other.email, other.password).get("/gateways")
    clock.advance(1)
    await account.get("/alarms")
    assert [record.held for record in cloud.log] == [False, True, False, False]
    assert cloud.held_requests() == [cloud.log[1]]


async def test_retry_after_may_be_a_date(cloud, account, clock):
    until = (clock.now() + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    cloud.faults.add(Fault(status=503, headers={"Retry-After": until}, times=1))
    await account.get("/users")
    clock.advance(299)
    await account.get("/users")
    clock.advance(1)
    await account.get("/users")
    assert [record.held for record in cloud.log] == [False, True, False]


async def test_the_log_says_what_was_asked_but_no_password(cloud, account, clock):
    clock.advance(5)
    form = {"email": "x@example.org", "password": "12345678", "fname": "a", "lname": "b"}
    await account.post("/users", **form)
    record = cloud.log[-1]
    assert (record.at, record.method, record.path) == (clock.now(), "POST", "/v1/users")
    assert (record.status, record.user, record.query) == (200, "anna@example.com", {})
    assert set(record.form) == {"email", "fname", "lname"}


async def test_an_etag_is_answered_with_304_until_something_changes(open_cloud, sign_in, clock):
    cloud = await open_cloud(etag=True)
    account = sign_in(cloud)
    first = await account.get("/gateways")
    again = {"If-None-Match": first.headers["ETag"]}
    clock.advance(900)
    second = await account.get("/gateways", headers=again)
    assert (second.status, second.body) == (304, b"")
    assert second.headers["Cache-Control"] == "max-age=900, private"
    clock.advance(60)
    third = await account.get("/gateways", headers=again)
    assert [record.early for record in cloud.log] == [False, False, True]
    assert [record.conditional for record in cloud.log] == [False, True, True]
    cloud.gateways[0].title = "Annexe"
    third = await account.get("/gateways", headers=again)
    assert third.status == 200
    assert third.headers["ETag"] != first.headers["ETag"]


async def test_last_modified_is_answered_with_304_until_something_changes(
    open_cloud, sign_in, clock
):
    cloud = await open_cloud(last_modified=True)
    account = sign_in(cloud)
    first = await account.get("/users")
    assert first.headers["Last-Modified"] == "Sun, 13 Sep 2026 12:00:00 GMT"
    clock.advance(900)
    again = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert (await account.get("/users", headers=again)).status == 304
    cloud.user.fname = "Anne"
    assert (await account.get("/users", headers=again)).status == 200


async def test_without_the_switch_there_are_no_validators(account):
    answer = await account.get("/users", headers={"If-None-Match": "*"})
    assert answer.status == 200
    assert not {"ETag", "Last-Modified"} & set(answer.headers)
