"""The long-lived token, the login, and how the vendor refuses."""

import pytest

from simulators.faults import Fault

from .viziosense import caller_fixture, cloud_fixture, open_viziosense_fixture  # noqa: F401


async def log_in(caller, cloud, **other):
    who = {"email": cloud.config.username, "password": cloud.config.password} | other
    return await caller.over(None).post("/login", **who)


async def test_the_long_lived_token_opens_the_api(cloud, caller):
    assert cloud.credentials["token"] == cloud.config.token
    assert (await caller.get("/devices")).status == 200
    assert cloud.log[-1].user == "token"


@pytest.mark.parametrize("token", [None, "", "another"])
async def test_a_missing_or_wrong_token_is_400_and_4000(caller, token):
    answer = await caller.over(token).get("/devices")
    assert answer.status == 400
    assert answer.json == {"httpError": 400, "code": 4000, "message": "Access token error"}


async def test_a_revoked_token_is_refused_until_there_is_another(cloud, caller):
    cloud.tokens.revoke()
    assert (await caller.get("/devices")).json["code"] == 4000
    cloud.config.token = "new"
    assert (await caller.over("new").get("/devices")).status == 200


async def test_a_token_of_narrow_scope_is_403_and_4003(cloud, caller):
    cloud.config.scope = frozenset({"list_devices"})
    assert (await caller.get("/devices")).status == 200
    answer = await caller.post(f"/devices/{cloud.devices[0].uuid}/image")
    assert (answer.status, answer.json["code"]) == (403, 4003)
    assert cloud.devices[0].wakes == 0


async def test_an_unsupported_method_is_405_and_4005(caller):
    answer = await caller.ask("DELETE", "/devices")
    assert (answer.status, answer.json["code"]) == (405, 4005)
    assert (await caller.get("/nothing")).status == 404
    assert (await caller.get("/devices/a/b/c", base="")).status == 404


async def test_a_fault_is_told_in_the_vendors_words(cloud, caller):
    cloud.faults.add(Fault(kind="status", status=500))
    answer = await caller.get("/devices")
    assert answer.json == {"httpError": 500, "code": 5000, "message": "Server error"}
    cloud.faults.clear()
    cloud.faults.add(Fault(kind="status", status=429, headers={"Retry-After": "9"}))
    answer = await caller.get("/devices")
    assert (answer.json["httpError"], answer.headers["Retry-After"]) == (429, "9")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("code", {"httpError": 400, "message": "Access token error", "code": 4000}),
        ("httpError", {"httpError": 4000, "message": "Access token error"}),
        ("message", {"httpError": 400, "message": "4000: Access token error"}),
        ("absent", {"httpError": 400, "message": "Access token error"}),
    ],
)
async def test_the_four_digits_stand_in_several_places(cloud, caller, form, body):
    cloud.config.variants.error_code = form
    assert (await caller.over("wrong").get("/devices")).json == body


async def test_token_errors_can_be_401(cloud, caller):
    cloud.config.variants.token_error = 401
    assert (await caller.over("wrong").get("/devices")).status == 401


async def test_a_login_gives_a_user_and_two_tokens(cloud, caller):
    answer = await log_in(caller, cloud)
    data = answer.json["data"]
    assert data["user"] == {
        "type": "user",
        "name": "Bruno Example",
        "email": "bruno@example.com",
        "role": ["user"],
    }
    assert (data["token_type"], data["expires_in"]) == ("Bearer", 3600)
    assert data["access_token"] != data["refresh_token"]
    assert (await caller.over(data["access_token"]).get("/devices")).status == 200
    assert cloud.log[-1].user == "login"
    assert (await caller.over(data["refresh_token"]).get("/devices")).status == 400


@pytest.mark.parametrize(
    ("status", "code"), [(400, 4000), (401, 4000), (403, 4003)], ids=["400", "401", "403"]
)
async def test_a_wrong_password_is_refused_in_several_ways(cloud, caller, status, code):
    cloud.config.variants.login_refused = status
    answer = await log_in(caller, cloud, password="wrong")
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "password" not in cloud.log[-1].form
    assert (await log_in(caller, cloud, email=["x"])).status == status
    assert cloud.tokens.logins == 0


async def test_a_login_is_read_from_json_alone(cloud, caller):
    who = {"email": cloud.config.username, "password": cloud.config.password}
    for wrong in (
        {"data": who},
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"json": [1]},
    ):
        assert (await caller.ask("POST", "/login", **wrong)).status == 400
    assert cloud.tokens.logins == 0


async def test_an_access_token_expires(cloud, caller, clock):
    data = (await log_in(caller, cloud)).json["data"]
    clock.advance(3599)
    assert (await caller.over(data["access_token"]).get("/devices")).status == 200
    clock.advance(1)
    answer = await caller.over(data["access_token"]).get("/devices")
    assert (answer.status, answer.json["code"]) == (400, 4000)


async def test_a_refresh_token_is_good_for_one_new_pair(cloud, caller):
    first = (await log_in(caller, cloud)).json["data"]
    answer = await caller.over(None).post("/refresh", refresh_token=first["refresh_token"])
    second = answer.json["data"]
    assert second["access_token"] != first["access_token"]
    assert (await caller.over(second["access_token"]).get("/devices")).status == 200
    again = await caller.over(None).post("/refresh", refresh_token=first["refresh_token"])
    assert (again.status, again.json["code"]) == (400, 4000)
    assert (cloud.tokens.logins, cloud.tokens.refreshes) == (1, 1)
    assert (await caller.over(None).post("/refresh", refresh_token=7)).status == 400


@pytest.mark.parametrize("refresh_too", [False, True])
async def test_tokens_can_be_ended_before_their_time(cloud, caller, refresh_too):
    data = (await log_in(caller, cloud)).json["data"]
    cloud.tokens.expire(refresh_too=refresh_too)
    assert (await caller.over(data["access_token"]).get("/devices")).status == 400
    answer = await caller.over(None).post("/refresh", refresh_token=data["refresh_token"])
    assert answer.status == (400 if refresh_too else 200)


async def test_a_token_can_die_on_its_way(cloud, caller):
    data = (await log_in(caller, cloud)).json["data"]
    cloud.tokens.dying = 1
    assert (await caller.over(data["access_token"]).get("/devices")).status == 400
    assert (await caller.over(data["access_token"]).get("/devices")).status == 400
    data = (await log_in(caller, cloud)).json["data"]
    assert (await caller.over(data["access_token"]).get("/devices")).status == 200
    assert (await caller.get("/devices")).status == 200


async def test_paths_and_methods_can_be_others(cloud, caller):
    cloud.config.variants.paths = {
        "login": "POST /auth/token",
        "request_image": "GET /image/{device_uuid}",
    }
    who = {"email": cloud.config.username, "password": cloud.config.password}
    assert (await caller.over(None).post("/auth/token", **who)).status == 200
    assert (await caller.over(None).post("/login", **who)).status == 404
    assert (await caller.get(f"/image/{cloud.devices[0].uuid}")).status == 200
    assert cloud.devices[0].wakes == 1
