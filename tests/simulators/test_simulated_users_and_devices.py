"""Users and the device tree."""

from datetime import timedelta

import pytest

from simulators.sensorist import ApiVariants


async def test_the_reply_is_an_envelope_around_the_user(account):
    answer = await account.get("/users")
    assert answer.status == 200
    assert answer.json["code"] == 200
    assert answer.json["max_age"] == 900
    assert answer.headers["Cache-Control"] == "max-age=900, private"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Date"] == "Sun, 13 Sep 2026 12:00:00 GMT"
    assert answer.json["user"]["email"] == "anna@example.com"
    assert answer.json["user"]["temp_unit"] == {"id": 1, "name": "°C"}


async def test_a_client_that_takes_no_gzip_gets_none(account):
    answer = await account.get("/users", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.json["code"] == 200


@pytest.mark.parametrize(
    ("user", "password"), [("anna@example.com", "no"), ("no", "green-Lamp:42")]
)
async def test_a_wrong_sign_in_is_refused(cloud, sign_in, user, password):
    answer = await sign_in(cloud, user, password).get("/users")
    assert answer.status == 401
    assert answer.json["code"] == 401
    assert "error" in answer.json
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert cloud.log[-1].user == user


async def test_no_sign_in_and_a_broken_one_are_refused(cloud, session):
    for header in ({}, {"Authorization": "Basic %%%"}, {"Authorization": "Bearer abc"}):
        async with session.get(f"{cloud.url}/users", headers=header) as reply:
            assert reply.status == 401


async def test_a_password_may_hold_colons_and_any_letter(open_cloud, sign_in):
    cloud = await open_cloud(username="åse@example.com", password="så:langt:øre€")
    assert (await sign_in(cloud).get("/users")).json["user"]["email"] == "åse@example.com"


async def test_list_names_everyone_in_the_hierarchy(open_cloud, sign_in):
    cloud = await open_cloud(sub_users=2)
    emails = [user["email"] for user in (await sign_in(cloud).get("/users", list="")).json["users"]]
    assert emails == ["anna@example.com", "bo.lund1@example.org", "clara.holm2@example.org"]


async def test_list_can_be_served_in_another_form(open_cloud, sign_in):
    cloud = await open_cloud(
        sub_users=1, variants=ApiVariants(list_key="user", list_own_user=False)
    )
    users = (await sign_in(cloud).get("/users", list="1")).json["user"]
    assert [user["fname"] for user in users] == ["Bo"]


async def test_impersonating_shows_the_other_users_gateways(open_cloud, sign_in):
    cloud = await open_cloud(gateways=2, sub_users=1)
    other = cloud.users[1]
    answer = await sign_in(cloud).get("/gateways", impersonate=str(other.id))
    shown = [gateway["id"] for gateway in answer.json["gateways"]]
    assert shown == [gateway.id for gateway in cloud.gateways_of(other)]
    assert not set(shown) & {gateway.id for gateway in cloud.gateways}


async def test_impersonating_needs_the_privilege_and_a_user_below(open_cloud, sign_in):
    cloud = await open_cloud(sub_users=1)
    account, boss, other = sign_in(cloud), cloud.users[0], cloud.users[1]
    assert (await account.get("/users", impersonate="1")).status == 403
    below = sign_in(cloud, other.email, other.password)
    assert (await below.get("/users", impersonate=str(boss.id))).status == 403
    cloud.config.may_impersonate = False
    assert (await account.get("/users", impersonate=str(other.id))).status == 403
    cloud.config.variants.refused_impersonation = "ignored"
    answer = await account.get("/users", impersonate=str(other.id))
    assert answer.json["user"]["id"] == boss.id


async def test_the_tree_has_gateways_sensors_and_data_sources(cloud, account):
    gateways = (await account.get("/gateways")).json["gateways"]
    assert [len(gateway["devices"]) for gateway in gateways] == [2, 2, 2]
    gateway = gateways[0]
    assert gateway["master_id"] is None
    assert gateway["disconnected_date"] is None
    sensor = gateway["devices"][0]
    assert sensor["current_gateway_id"] == gateway["id"]
    temp, _humi, batt, wireless = sensor["devices"]
    assert temp["type"] == {
        "id": 5,
        "name": "temp",
        "precision": 1,
        "capability": 72,
        "unit": {"id": 1, "name": "°C"},
    }
    assert (temp["serial"], temp["interval"], temp["subtype"]) == ("t5p0xxxx", 900, "digital")
    assert (batt["interval"], batt["type"]["unit"]["name"]) == (10800, "v")
    assert (wireless["interval"], wireless["subtype"], wireless["devices"]) == (1800, None, [])


async def test_every_id_and_serial_number_is_there_once(open_cloud, sign_in):
    cloud = await open_cloud(gateways=30, sensors=5)
    gateways = (await sign_in(cloud).get("/gateways")).json["gateways"]
    sensors = [sensor for gateway in gateways for sensor in gateway["devices"]]
    sources = [source for sensor in sensors for source in sensor["devices"]]
    assert len({gateway["serial"] for gateway in gateways}) == 30
    assert len({sensor["serial"] for sensor in sensors}) == 150
    assert len({source["id"] for source in sources}) == 600


async def test_slaves_are_listed_only_if_asked_for(open_cloud, sign_in):
    cloud = await open_cloud(gateways=1, slaves=2)
    account = sign_in(cloud)
    assert len((await account.get("/gateways")).json["gateways"]) == 1
    master, *slaves = (await account.get("/gateways", with_slaves="1")).json["gateways"]
    assert [slave["master_id"] for slave in slaves] == [master["id"]] * 2


async def test_gateways_can_be_filtered_by_serial_number(cloud, account):
    wanted = cloud.gateways[1].serial
    answer = await account.get("/gateways", serials=f"{wanted},99999999")
    assert [gateway["serial"] for gateway in answer.json["gateways"]] == [wanted]


async def test_gateways_can_be_filtered_by_when_they_were_added(cloud, account, clock):
    before = clock.now()
    clock.advance(60)
    new = cloud.add_gateway(title="Annexe")
    answer = await account.get("/gateways", from_=before.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert [gateway["id"] for gateway in answer.json["gateways"]] == [new.id]
    later = (clock.now() + timedelta(days=1)).isoformat()
    assert (await account.get("/gateways", from_=later)).json["gateways"] == []


async def test_an_offline_gateway_says_since_when(cloud, account):
    cloud.gateways[0].online = False
    gateway = (await account.get("/gateways")).json["gateways"][0]
    assert gateway["disconnected_date"] == "2026-09-13T12:00:00+0000"
    cloud.gateways[0].online = True
    assert (await account.get("/gateways")).json["gateways"][0]["disconnected_date"] is None


async def test_a_gateway_can_be_removed_and_restored(cloud, account):
    gateway = cloud.gateways[0]
    source = next(gateway.sources)
    cloud.remove_gateway(gateway.id)
    assert len((await account.get("/gateways")).json["gateways"]) == 2
    assert cloud.truth(source.id) is None
    assert await account.measured(source.id) == {}
    cloud.restore_gateway(gateway.id)
    shown = (await account.get("/gateways")).json["gateways"]
    assert [entry["id"] for entry in shown] == [entry.id for entry in cloud.gateways]


async def test_an_unknown_kind_is_served_like_any_other(open_cloud, sign_in):
    cloud = await open_cloud(kinds=("temp", "co2", "glow"))
    sources = (await sign_in(cloud).get("/gateways")).json["gateways"][0]["devices"][0]["devices"]
    assert [source["type"]["name"] for source in sources] == ["temp", "co2", "glow"]
    assert cloud.truth(cloud.find_source("glow").id).value > 0


async def test_a_new_user_can_sign_in_and_is_below_its_maker(cloud, account, sign_in):
    fields = {"email": "new@example.org", "password": "12345678", "fname": "my", "lname": "name"}
    created = await account.post("/users", **fields)
    assert created.json["user"]["email"] == "new@example.org"
    answer = await sign_in(cloud, "new@example.org", "12345678").get("/users")
    assert answer.json["user"] == created.json["user"]
    assert created.json["user"] in (await account.get("/users", list="")).json["users"]
    assert (await account.post("/users", **fields)).status == 409
    assert (await account.post("/users", email="x@example.org")).status == 400


async def test_a_spare_gateway_can_be_claimed_once(cloud, account):
    serial = cloud.spare_gateways[0].serial
    claimed = await account.post("/gateways", serial=serial, name="Home")
    assert (claimed.json["gateway"]["serial"], claimed.json["gateway"]["title"]) == (serial, "Home")
    assert claimed.json["gateway"] in (await account.get("/gateways")).json["gateways"]
    assert (await account.post("/gateways", serial=serial)).status == 409
    assert (await account.post("/gateways", serial="00000000")).status == 404
    assert (await account.post("/gateways")).status == 400


async def test_a_gateway_can_be_renamed(cloud, account):
    gateway = cloud.gateways[0]
    answer = await account.post(f"/gateways/{gateway.id}", name="Kontor på loftet")
    assert answer.json["gateway"]["title"] == "Kontor på loftet"
    assert gateway.title == "Kontor på loftet"
    assert (await account.post("/gateways/1", name="x")).status == 404


async def test_fields_may_come_as_json(cloud, account):
    gateway = cloud.gateways[0]
    await account.ask("POST", f"/gateways/{gateway.id}", json={"name": "Office"})
    assert gateway.title == "Office"


async def test_what_the_document_does_not_have_is_not_there(cloud, account):
    outside = cloud.url.removesuffix("/v1")
    assert (await account.ask("GET", "/users", base=outside)).status == 404
    assert (await account.get("/sensors")).status == 404
    assert (await account.delete("/gateways")).status == 405


@pytest.mark.parametrize(
    ("form", "body"), [("bare", b'{"error"'), ("html", b"<html>"), ("empty", b"")]
)
async def test_error_bodies_can_have_other_forms(open_cloud, sign_in, form, body):
    cloud = await open_cloud(variants=ApiVariants(error_body=form))
    answer = await sign_in(cloud, password="wrong").get("/users")
    assert answer.status == 401
    assert answer.body.startswith(body)


async def test_a_fahrenheit_account_says_so_everywhere_or_only_in_the_user(open_cloud, sign_in):
    cloud = await open_cloud(temp_unit="°F")
    account = sign_in(cloud)
    assert (await account.get("/users")).json["user"]["temp_unit"]["name"] == "°F"
    shown = (await account.get("/gateways")).json["gateways"][0]["devices"][0]["devices"][0]
    assert shown["type"]["unit"]["name"] == "°F"
    warm = cloud.truth(shown["id"]).value
    cloud.config.variants.fahrenheit = "user_only"
    shown = (await account.get("/gateways")).json["gateways"][0]["devices"][0]["devices"][0]
    assert shown["type"]["unit"]["name"] == "°C"
    assert cloud.truth(shown["id"]).value == pytest.approx((warm - 32) * 5 / 9, abs=0.02)
