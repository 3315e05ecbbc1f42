"""Signing in to SENSIT Connect, and what a token is good for."""

from base64 import urlsafe_b64decode
import json

import pytest


def claims(token):
    body = token.split(".")[1]
    return json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def test_a_sign_in_gives_a_token_of_eight_hours_and_says_who_one_is(cloud, account, clock):
    answer = await account.sign_in()
    assert set(answer.json) == {"accessToken", "user", "message"}
    assert answer.json["user"] == {
        "id": cloud.user.id,
        "role": "SystemAdministrator",
        "email": cloud.username,
        "displayName": "Anna Berg",
        "status": "Active",
    }
    said = claims(account.token)
    assert said == {
        "email": cloud.username,
        "role": "SystemAdministrator",
        "displayName": "Anna Berg",
        "status": "Active",
        "iat": int(clock.now().timestamp()),
        "exp": int(clock.now().timestamp()) + 28_800,
    }


async def test_a_form_signs_in_too(cloud, account):
    fields = {"email": cloud.username, "password": cloud.password}
    assert (await account.ask("POST", "/users/signin", data=fields)).status == 200


@pytest.mark.parametrize("wrong", ["password", "email"])
@pytest.mark.parametrize("status", ["401", "400", "404", "200"])
async def test_a_wrong_sign_in_is_refused(open_cloud, sign_in, wrong, status):
    cloud = await open_cloud(refused_sign_in=status)
    account = await sign_in(cloud)
    fields = {"email": cloud.username, "password": cloud.password} | {wrong: "nobody"}
    answer = await account.ask("POST", "/users/signin", json=fields)
    assert (answer.status, list(answer.json)) == (int(status), ["message"])
    assert (cloud.sign_ins, cloud.refused_sign_ins) == (1, 1)


@pytest.mark.parametrize("seconds", [28_800, 120])
async def test_a_token_works_until_its_last_second(open_cloud, sign_in, clock, seconds):
    account = await sign_in(await open_cloud(token_seconds=seconds))
    clock.advance(seconds - 1)
    assert (await account.list()).status == 200
    clock.advance(1)
    assert (await account.list()).status == 401
    await account.sign_in()
    assert (await account.list()).status == 200


@pytest.mark.parametrize("form", ["no_exp", "text_exp", "past_exp", "float_exp", "opaque"])
async def test_a_token_without_a_usual_exp_lives_as_long(open_cloud, sign_in, clock, form):
    account = await sign_in(await open_cloud(jwt=form))
    if form == "opaque":
        assert "." not in account.token
    else:
        exp = claims(account.token).get("exp")
        assert exp != int(clock.now().timestamp()) + 28_800
    clock.advance(28_799)
    assert (await account.list()).status == 200
    clock.advance(1)
    assert (await account.list()).status == 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Bearer a.b.c", "Bearer 6122", "Bearer a.W10.c", "Basic {token}"],
)
async def test_no_call_works_without_a_token(cloud, account, header):
    headers = {"Authorization": header.format(token=account.token)}
    answer = await account.list(headers=headers)
    assert (answer.status, list(answer.json)) == (401, ["message"])
    log = await account.ask(
        "POST", "/sensors-data/getFMDDeviceLogForGivenHour", json={}, headers=headers
    )
    assert log.status == 401


async def test_a_forged_token_does_not_work(account):
    head, body, signature = account.token.split(".")
    account.token = f"{head}.{body}.{signature[::-1]}"
    assert (await account.list()).status == 401


async def test_a_revoked_token_does_not_work_and_a_new_one_does(cloud, account):
    await account.control("POST", "/tokens/revoke")
    assert (await account.list()).status == 401
    await account.sign_in()
    assert (await account.list()).status == 200
    assert cloud.sign_ins == 2


@pytest.mark.parametrize(("one_session", "status"), [(False, 200), (True, 401)])
async def test_a_second_sign_in_may_end_the_first_session(
    open_cloud, sign_in, clock, one_session, status
):
    cloud = await open_cloud(one_session=one_session)
    first = await sign_in(cloud)
    clock.advance(1)
    second = await sign_in(cloud)
    assert (await first.list()).status == status
    assert (await second.list()).status == 200


async def test_a_token_outlives_the_clouds_restart(cloud, account, open_cloud):
    again = await open_cloud()
    account.cloud = again
    assert (await account.list()).status == 200


async def test_a_user_can_be_locked_out_and_given_another_role(cloud, account):
    await account.control("POST", "/users", {"email": cloud.username, "role": "ClientUser"})
    assert (await account.list()).status == 403
    await account.sign_in()
    assert (await account.list()).status == 200
    await account.control("POST", "/users", {"email": cloud.username, "locked": True})
    assert (await account.list()).status == 401
    users = (await account.control("GET", "/users")).json["users"]
    assert (users[0]["role"], users[0]["locked"], users[0]["sees"]) == ("ClientUser", True, None)


@pytest.mark.parametrize("form", ["least", "full"])
async def test_the_user_of_a_sign_in_can_be_brief(open_cloud, sign_in, form):
    account = await sign_in(await open_cloud(user=form))
    assert len(account.user) == {"least": 2, "full": 5}[form]


async def test_the_log_tells_who_asked_and_no_password(cloud, account):
    await account.list()
    assert [record.user for record in cloud.log] == [None, cloud.username]
    assert cloud.log[0].form == {"email": cloud.username}


@pytest.mark.parametrize(
    ("form", "body"), [("error", b'{"error"'), ("html", b"<!DOC"), ("none", b"")]
)
async def test_an_error_has_one_of_several_bodies(open_cloud, sign_in, form, body):
    account = await sign_in(await open_cloud(error_body=form))
    answer = await account.ask("GET", "/nothing")
    assert answer.status == 404
    assert answer.body.startswith(body)
    assert bool(answer.body) == bool(body)


async def test_a_post_may_be_answered_with_201(open_cloud, sign_in):
    account = await sign_in(await open_cloud(post_status=201))
    assert (await account.sign_in()).status == 201
    assert (await account.list()).status == 200
