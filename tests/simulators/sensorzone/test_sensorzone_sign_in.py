"""Session cookies, JWTs and tester tokens: who gets in, and for how long."""

import pytest

from simulators.sensorzone import ApiVariants, Limits

ENTITIES = "/api/v1/entities"
RUNTIME = "/api/v2/insights/charts/machine_runtime"
PEOPLE = "/api/v1/tester/people_assets"


async def test_each_sign_in_opens_its_own_door_and_no_other(cloud, make_client):
    cookie, jwt, tester = (make_client(cloud) for _ in range(3))
    await cookie.sign_in()
    await jwt.log_in()
    tester.token = cloud.tester_token
    statuses = [
        [(await client.get(path)).status for path in (ENTITIES, RUNTIME, PEOPLE)]
        for client in (cookie, jwt, tester)
    ]
    assert statuses == [[200, 401, 401], [401, 200, 401], [401, 401, 200]]


@pytest.mark.parametrize("call", ["sign_in", "log_in"])
async def test_a_wrong_password_an_unknown_user_and_single_sign_on_are_refused(
    cloud, make_client, call
):
    client = make_client(cloud)
    for user, password in (
        (cloud.username, "no"),
        ("nobody@example.com", ""),
        (cloud.config.sso_username, ""),
    ):
        answer = await getattr(client, call)(user, password)
        assert answer.status == 401
        assert "error" in answer.json


async def test_single_sign_on_can_be_named_as_the_reason(open_cloud, make_client):
    cloud = await open_cloud(variants=ApiVariants(refused_login="sso"))
    client = make_client(cloud)
    assert (await client.sign_in(cloud.config.sso_username)).status == 403
    assert (await client.sign_in(cloud.username, "no")).status == 401


async def test_a_refusal_can_come_without_a_body(open_cloud, make_client):
    cloud = await open_cloud(variants=ApiVariants(refused_login="empty"))
    answer = await make_client(cloud).sign_in(password="no")
    assert (answer.status, answer.body) == (401, b"")


@pytest.mark.parametrize(
    ("form", "by_json", "by_form"), [("either", 200, 200), ("json", 200, 400), ("form", 400, 200)]
)
async def test_a_login_takes_json_or_form_fields(open_cloud, make_client, form, by_json, by_form):
    cloud = await open_cloud(variants=ApiVariants(login_body=form))
    client = make_client(cloud)
    fields = {"email": cloud.username, "password": cloud.password}
    assert (await client.ask("POST", "/api/v1/session", json=fields)).status == by_json
    assert (await client.ask("POST", "/api/v1/session", data=fields)).status == by_form


@pytest.mark.parametrize(
    ("form", "status", "has_user"),
    [("user", 200, True), ("created", 201, True), ("empty", 204, False)],
)
async def test_a_session_is_confirmed_in_three_forms(
    open_cloud, make_client, form, status, has_user
):
    cloud = await open_cloud(variants=ApiVariants(session_reply=form))
    client = make_client(cloud)
    answer = await client.sign_in()
    assert answer.status == status
    assert bool(answer.body) == has_user
    assert (await client.get(ENTITIES)).status == 200


async def test_a_cookie_ends_after_its_lifetime(cloud, user, clock):
    clock.advance(cloud.config.cookie_lifetime - 1)
    assert (await user.get(ENTITIES)).status == 200
    clock.advance(1)
    assert (await user.get(ENTITIES)).status == 401
    await user.sign_in()
    assert (await user.get(ENTITIES)).status == 200


@pytest.mark.parametrize("form", ["sliding", "rotating"])
async def test_a_cookie_can_live_as_long_as_it_is_used(open_cloud, make_client, clock, form):
    cloud = await open_cloud(variants=ApiVariants(cookie=form))
    client = make_client(cloud)
    await client.sign_in()
    cookies = set()
    for _ in range(3):
        clock.advance(cloud.config.cookie_lifetime - 1)
        answer = await client.get(ENTITIES)
        assert answer.status == 200
        cookies.add(answer.headers["Set-Cookie"])
    assert len(cookies) == (3 if form == "rotating" else 1)


async def test_a_session_can_be_lost_in_the_middle_of_a_poll(open_cloud, make_client):
    cloud = await open_cloud(cookie_calls=2)
    client = make_client(cloud)
    await client.sign_in()
    assert [(await client.get(ENTITIES)).status for _ in range(4)] == [200, 200, 401, 401]
    await client.sign_in()
    assert (await client.get(ENTITIES)).status == 200
    cloud.sessions.lose_cookies()
    assert (await client.get(ENTITIES)).status == 401


async def test_signing_out_ends_a_session(user):
    assert (await user.get("/api/v1/session")).json["email"] == "anna@example.com"
    assert (await user.delete("/api/v1/session")).status == 204
    assert (await user.get(ENTITIES)).status == 401


@pytest.mark.parametrize("form", ["stated", "lower", "upper"])
@pytest.mark.parametrize("expiry", ["s", "ms", "missing", "past"])
async def test_a_login_tells_token_and_expiry_in_headers(
    open_cloud, make_client, clock, form, expiry
):
    cloud = await open_cloud(variants=ApiVariants(jwt_headers=form, jwt_expiry=expiry))
    answer = await make_client(cloud).log_in()
    written = {"stated": "AccessToken", "lower": "accesstoken", "upper": "ACCESSTOKEN"}[form]
    assert written in list(answer.headers)
    now = clock.now().timestamp()
    told = {
        "s": str(int(now + 900)),
        "ms": str(int(now + 900) * 1000),
        "missing": None,
        "past": str(int(now) - 3600),
    }
    assert answer.headers.get("AccessTokenExpiry") == told[expiry]


@pytest.mark.parametrize("place", ["header", "cookie", "body", "none"])
async def test_the_refresh_token_is_in_one_place(open_cloud, make_client, place):
    cloud = await open_cloud(variants=ApiVariants(refresh_in=place))
    answer = await make_client(cloud).log_in()
    found = {
        "header": "RefreshToken" in answer.headers,
        "cookie": "RefreshToken=" in answer.headers.get("Set-Cookie", ""),
        "body": "RefreshToken" in answer.json,
    }
    assert [name for name, is_there in found.items() if is_there] == (
        [] if place == "none" else [place]
    )


async def test_a_jwt_ends_after_its_lifetime_or_when_it_is_lost(cloud, api_user, clock):
    clock.advance(899)
    assert (await api_user.get(RUNTIME)).status == 200
    clock.advance(1)
    assert (await api_user.get(RUNTIME)).status == 401
    await api_user.log_in()
    assert (await api_user.get("/api/v2/validate")).json["email"] == cloud.username
    cloud.sessions.lose_tokens()
    assert (await api_user.get(RUNTIME)).status == 401


async def test_logging_out_ends_a_jwt(api_user):
    assert (await api_user.post("/api/v2/logout")).status == 204
    assert (await api_user.get(RUNTIME)).status == 401


@pytest.mark.parametrize("place", ["header", "cookie"])
async def test_a_refresh_token_brings_a_new_jwt_if_the_plan_says_so(
    open_cloud, make_client, clock, place
):
    cloud = await open_cloud(variants=ApiVariants(jwt_renewal="refresh", refresh_in=place))
    client = make_client(cloud)
    given = (await client.log_in()).headers
    clock.advance(1000)
    refresh = {"RefreshToken": given["RefreshToken"]} if place == "header" else {}
    answer = await client.ask("GET", RUNTIME, headers=refresh)
    assert answer.status == 200
    assert answer.headers["AccessToken"] != client.token
    clock.advance(cloud.config.refresh_lifetime)
    assert (await client.ask("GET", RUNTIME, headers=refresh)).status == 401


async def test_any_later_reply_can_bring_a_new_jwt(open_cloud, make_client, clock):
    cloud = await open_cloud(variants=ApiVariants(jwt_renewal="any"))
    client = make_client(cloud)
    await client.log_in()
    assert "AccessToken" not in (await client.get(RUNTIME)).headers
    clock.advance(450)
    assert (await client.get(RUNTIME)).headers["AccessToken"] != client.token


@pytest.mark.parametrize(("form", "login", "call"), [("login", 403, 401), ("calls", 200, 403)])
async def test_a_user_without_the_right_to_v2_still_has_v1(
    open_cloud, make_client, form, login, call
):
    cloud = await open_cloud(
        without_v2=frozenset({"anna@example.com"}), variants=ApiVariants(no_v2=form)
    )
    client = make_client(cloud)
    assert (await client.log_in()).status == login
    assert (await client.get(RUNTIME)).status == call
    await client.sign_in()
    assert (await client.get(ENTITIES)).status == 200


async def test_access_that_is_taken_away_ends_what_was_signed_in(cloud, user, api_user, tester):
    cloud.world.users[0].active = False
    cloud.world.testers[0].active = False
    for client, path in ((user, ENTITIES), (api_user, RUNTIME), (tester, PEOPLE)):
        assert (await client.get(path)).status == 401
    assert (await user.sign_in()).status == 401


async def test_the_log_names_who_asked_even_when_the_sign_in_has_run_out(
    cloud, user, tester, clock
):
    clock.advance(8000)
    await user.get(ENTITIES)
    await tester.get(PEOPLE)
    assert [record.user for record in cloud.log] == [
        "anna@example.com",
        "anna@example.com",
        "tester:Gate tester",
    ]
    assert not any("password" in record.form for record in cloud.log)


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
async def test_too_many_requests_are_refused_until_the_window_ends(
    open_cloud, make_client, clock, form
):
    cloud = await open_cloud(limits=Limits(requests=3, seconds=60, retry_after=form))
    client = make_client(cloud)
    await client.sign_in()
    answers = [await client.get(ENTITIES) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert cloud.limiter.refusals == 2
    wait = answers[2].headers.get("Retry-After")
    expected = {"seconds": "61", "date": "Sun, 13 Sep 2026 12:01:01 GMT", "none": None}
    assert wait == expected[form]
    assert len(cloud.held_requests()) == (0 if form == "none" else 1)
    clock.advance(61)
    assert (await client.get(ENTITIES)).status == 200


async def test_without_a_limit_nothing_is_refused(open_cloud, make_client):
    cloud = await open_cloud(limits=Limits(requests=0))
    client = make_client(cloud)
    await client.sign_in()
    assert {(await client.get("/api/v1/worksites")).status for _ in range(310)} == {200}


async def test_limits_count_per_user_and_per_token(open_cloud, make_client):
    cloud = await open_cloud(limits=Limits(requests=3))
    client, tester = make_client(cloud), make_client(cloud)
    tester.token = cloud.tester_token
    await client.sign_in()
    await client.log_in()
    assert [(await client.get(RUNTIME)).status for _ in range(2)] == [200, 429]
    assert [(await tester.get(PEOPLE)).status for _ in range(4)] == [200, 200, 200, 429]


async def test_limits_can_count_per_sign_in(open_cloud, make_client):
    cloud = await open_cloud(limits=Limits(requests=2, scope="sign_in"))
    cookie, jwt = make_client(cloud), make_client(cloud)
    await cookie.sign_in()
    await jwt.log_in()
    assert [(await cookie.get(ENTITIES)).status for _ in range(3)] == [200, 200, 429]
    assert (await jwt.get(RUNTIME)).status == 200
    assert {record.user for record in cloud.log} == {
        "anna@example.com",
        "v1:anna@example.com",
        "v2:anna@example.com",
    }


async def test_a_malformed_cookie_or_scheme_is_no_sign_in(cloud, make_client):
    client = make_client(cloud)
    for headers in (
        {"Cookie": "_sensorzone_session=nobodys"},
        {"Cookie": '_sensorzone_session="\\000"'},
        {"Authorization": "Basic abc"},
        {},
    ):
        assert (await client.ask("GET", ENTITIES, headers=headers)).status == 401
