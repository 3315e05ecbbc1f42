"""Rules that fire on readings, the life of alerts, channels that are told, and events."""

import hashlib
import hmac

import pytest

from .manfred_kunze import caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401
from .viziosense import listener_fixture  # noqa: F401


@pytest.fixture(name="rule")
def rule_fixture(cloud):
    """Fires above 30 °C, at most every 15 minutes."""
    return cloud.rules[0]


@pytest.fixture(name="hook")
async def hook_fixture(cloud, caller, listener, rule):
    """The id of a webhook that the rule tells."""
    config = {"url": listener.url, "secret": "s3"}
    made = await caller.post("/notification-channels", name="ours", type="WEBHOOK", config=config)
    assert made.status == 201, made.body
    shown = (await caller.get(f"/alert-rules/{rule.id}")).json
    shown["channelIds"] = [*shown["channelIds"], made.json["id"]]
    assert (await caller.put(f"/alert-rules/{rule.id}", **shown)).json[
        "channelIds"
    ] == rule.channels
    return made.json["id"]


async def test_a_rule_fires_on_readings_and_rests_between(cloud, caller, clock, rule):
    cloud.hold(rule.sensor, 41.5)
    active = await caller.all("/alerts", status="ACTIVE")
    assert [one["value"] for one in active] == [41.5]
    assert active[0]["triggeredAt"] == "2026-09-13T12:00:00Z"
    assert (active[0]["severity"], active[0]["ruleName"]) == ("CRITICAL", "Too warm")
    clock.advance(800)
    assert len(await caller.all("/alerts", status="ACTIVE")) == 1
    clock.advance(200)
    assert len(await caller.all("/alerts", status="ACTIVE")) == 2
    cloud.release(rule.sensor)
    clock.advance(3600)
    assert len(await caller.all("/alerts", status="ACTIVE")) == 2
    assert len(await caller.all("/alerts")) == 4


async def test_a_rule_fires_when_it_begins_and_alerts_end_by_themselves(cloud, caller, clock, rule):
    cloud.config.variants.firing, cloud.config.variants.auto_resolve = "edge", True
    cloud.hold(rule.sensor, 41.5)
    clock.advance(7200)
    assert len(await caller.all("/alerts", status="ACTIVE")) == 1
    cloud.release(rule.sensor)
    newest = (await caller.all("/alerts"))[0]
    assert (newest["status"], newest["resolvedBy"]) == ("RESOLVED", "system")


async def test_an_alert_is_acknowledged_and_resolved_once(cloud, caller, clock, rule):
    alert = cloud.fire(rule)
    path = f"/alerts/{alert.id}"
    clock.advance(10)
    seen = (await caller.post(f"{path}/acknowledge")).json
    assert (seen["status"], seen["acknowledgedAt"]) == ("ACKNOWLEDGED", "2026-09-13T12:00:10Z")
    assert (await caller.post(f"{path}/acknowledge")).status == 409
    clock.advance(10)
    over = (await caller.post(f"{path}/resolve")).json
    assert (over["status"], over["resolvedAt"]) == ("RESOLVED", "2026-09-13T12:00:20Z")
    for deed in ("acknowledge", "resolve"):
        for status in (409, 400, 200):
            cloud.config.variants.ended = status
            assert (await caller.post(f"{path}/{deed}")).status == status
    assert (await caller.get(path)).json == over
    cloud.config.variants.acted, cloud.config.variants.alert_state = "empty", "lifecycle"
    other = cloud.fire(rule)
    assert (await caller.post(f"/alerts/{other.id}/resolve")).status == 204
    assert (await caller.get(f"/alerts/{other.id}")).json["lifecycle"] == "RESOLVED"


async def test_somebody_else_acts_over_the_control_door(cloud, caller, rule):
    alert = (await caller.control("POST", f"/rules/{rule.id}/fire", value=50)).json["id"]
    assert (await caller.control("POST", f"/alerts/{alert}/acknowledge")).status == 200
    assert (await caller.get(f"/alerts/{alert}")).json["status"] == "ACKNOWLEDGED"
    assert (await caller.control("POST", f"/alerts/{alert}/resolve")).status == 200
    assert (await caller.get(f"/alerts/{alert}")).json["status"] == "RESOLVED"
    assert (await caller.control("POST", f"/alerts/{alert}/forget")).status == 404
    assert (await caller.control("POST", "/rules/none/fire")).status == 404
    shown = (await caller.control("GET", "/alerts")).json
    assert shown["rules"][0]["name"] == "Too warm"
    assert shown["alerts"][-1]["state"] == "RESOLVED"


async def test_rules_are_made_changed_switched_and_deleted(cloud, caller, clock):
    door = cloud.sensor("open")
    body = {
        "name": "Door",
        "sensorId": door.id,
        "comparison": "IS_TRUE",
        "severity": "WARNING",
        "cooldownSeconds": 0,
        "channelIds": list(cloud.alert_store.channels),
    }
    made = await caller.post("/alert-rules", **body)
    assert made.status == 201
    path = f"/alert-rules/{made.json['id']}"
    assert (await caller.get(path)).json == made.json
    assert (await caller.post(f"{path}/disable")).json["enabled"] is False
    cloud.hold(door, True)
    clock.advance(60)
    assert len(await caller.all("/alerts", status="ACTIVE")) == 0
    assert (await caller.post(f"{path}/enable")).json["enabled"] is True
    clock.advance(60)
    assert len(await caller.all("/alerts", ruleId=made.json["id"])) == 1
    assert (await caller.delete(path)).status == 204
    assert (await caller.get(path)).status == 404
    assert len(await caller.all("/alerts", status="ACTIVE")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"sensorId": "x"},
        {"comparison": "LIKE"},
        {"severity": "LOUD"},
        {"channelIds": []},
        {"aggregate": "MEDIAN"},
        {"threshold": None},
    ],
    ids=lambda one: next(iter(one)),
)
async def test_a_rule_must_be_whole(cloud, caller, rule, wrong):
    shown = (await caller.get(f"/alert-rules/{rule.id}")).json
    assert (await caller.put(f"/alert-rules/{rule.id}", **shown | wrong)).status == 400
    cloud.config.variants.put = "merge"
    assert (await caller.put(f"/alert-rules/{rule.id}", cooldownSeconds=5)).status == 200
    assert (rule.cooldown, rule.limit) == (5, 30.0)


@pytest.mark.parametrize("names", ["plain", "other"])
@pytest.mark.parametrize("references", ["flat", "nested"])
@pytest.mark.parametrize("condition", ["flat", "nested"])
async def test_a_rule_that_is_put_back_stays_as_it_is(
    cloud, caller, rule, names, references, condition
):
    variants = cloud.config.variants
    variants.names, variants.references, variants.rule_condition = names, references, condition
    for one in cloud.rules:
        shown = (await caller.get(f"/alert-rules/{one.id}")).json
        assert (await caller.put(f"/alert-rules/{one.id}", **shown)).json == shown


@pytest.mark.parametrize(
    ("aggregate", "limit", "fires"),
    [
        ("AVG", 26, True),
        ("AVG", 35, False),
        ("MIN", 10, True),
        ("MAX", 39, True),
        ("COUNT", 4, True),
    ],
)
async def test_rules_look_at_a_window(cloud, clock, rule, aggregate, limit, fires):
    rule.aggregate, rule.limit, rule.cooldown = aggregate, limit, 0
    cloud.report(rule.sensor, 60)
    clock.advance(60)
    assert any(one.state == "ACTIVE" for one in cloud.alerts) is fires


async def test_a_webhook_is_told_what_fires(cloud, caller, listener, rule, hook):
    alert = cloud.fire(rule, 44)
    await cloud.settled()
    assert [one["id"] for one in listener.bodies] == [alert.id]
    assert listener.bodies[0] == (await caller.get(f"/alerts/{alert.id}")).json
    told = await caller.all(f"/alerts/{alert.id}/notifications")
    assert {(one["channelType"], one["status"]) for one in told} == {
        ("EMAIL", "DELIVERED"),
        ("WEBHOOK", "DELIVERED"),
    }
    cloud.acknowledge(alert)
    await cloud.settled()
    assert len(listener.heard) == 1
    cloud.config.variants.webhook_on, cloud.config.variants.webhook_body = "all", "wrapped"
    cloud.resolve(alert)
    await cloud.settled()
    assert listener.bodies[1]["event"] == "alert.resolved"
    assert listener.bodies[1]["data"]["status"] == "RESOLVED"
    cloud.config.variants.webhook_body, cloud.config.variants.signature = "text", "hmac"
    cloud.fire(rule, 45)
    await cloud.settled()
    last = listener.heard[-1]
    assert last.body == b"CRITICAL Too warm: 45"
    expected = hmac.new(b"s3", last.body, hashlib.sha256).hexdigest()
    assert last.headers["X-Signature"] == f"sha256={expected}"


async def test_calls_to_webhooks_are_tried_again_and_written_down(
    cloud, caller, clock, listener, rule, hook
):
    await caller.control("POST", "/delivery", retries=1, retry_seconds=30, copies=2)
    assert (await caller.control("POST", "/delivery", speed=1)).status == 400
    listener.status = 500
    alert = cloud.fire(rule)
    await cloud.settled()
    clock.advance(30)
    await cloud.settled()
    clock.advance(300)
    await cloud.settled()
    assert len(listener.heard) == 4
    told = await caller.all(f"/alerts/{alert.id}/notifications")
    assert [one["error"] for one in told if one["channelType"] == "WEBHOOK"] == ["500"] * 4
    cloud.config.delivery.loss = 1.0
    cloud.fire(rule)
    await cloud.settled()
    assert len(listener.heard) == 4
    sent = (await caller.control("GET", "/webhooks")).json["sent"]
    assert [one["outcome"] for one in sent[-2:]] == ["lost", "lost"]


async def test_only_loopback_addresses_are_called(cloud, caller, rule):
    for url in ("https://example.org/hook", "https://[/hook"):
        config = {"url": url}
        made = (
            await caller.post("/notification-channels", name="a", type="WEBHOOK", config=config)
        ).json
        await caller.post(f"/notification-channels/{made['id']}/test")
        await cloud.settled()
        assert cloud.alert_engine.sender.sent[-1].outcome == "refused"


async def test_channels_are_made_tested_changed_and_deleted(cloud, caller, listener, rule, hook):
    path = f"/notification-channels/{hook}"
    shown = (await caller.get(path)).json
    assert shown["config"] == {"url": listener.url}
    assert (await caller.post(f"{path}/test")).json["status"] == "SENT"
    await cloud.settled()
    assert listener.bodies == [{"event": "test", "message": "Test notification"}]
    assert (await caller.put(path, **shown | {"name": "renamed"})).json["name"] == "renamed"
    cloud.config.variants.channel_config, cloud.config.variants.channel_url = "flat", "masked"
    masked = (await caller.get(path)).json
    assert masked["url"] == "***"
    await caller.put(path, **masked)
    assert cloud.alert_store.channels[hook].target == listener.url
    assert len(await caller.all("/notification-channels")) == 2
    cloud.config.variants.channel_in_use = "refuse"
    assert (await caller.delete(path)).status == 409
    cloud.config.variants.channel_in_use = "delete"
    assert (await caller.delete(path)).status == 204
    assert hook not in rule.channels
    wrong = await caller.post("/notification-channels", name="x", type="WEBHOOK", url="ftp://x")
    assert wrong.status == 400
    assert (await caller.post("/notification-channels", name="x", type="FAX")).status == 400


async def test_webhooks_hear_forged_and_repeated_calls(cloud, caller, listener, hook):
    await caller.control("POST", "/webhooks/forge", body={"status": "ACTIVE"})
    await caller.control("POST", "/webhooks/forge", body="]{")
    await caller.control("POST", "/webhooks/replay", index=-2)
    assert [one.body for one in listener.heard] == [
        b'{"status": "ACTIVE"}',
        b"]{",
        b'{"status": "ACTIVE"}',
    ]
    assert (await caller.control("POST", "/webhooks/replay", index=99)).status == 400


async def test_the_log_of_events(cloud, caller, clock, rule):
    alert = cloud.fire(rule)
    cloud.become(cloud.devices[1], "OFFLINE")
    clock.advance(60)
    device = cloud.devices[0].id
    posted = await caller.post(
        "/events",
        title="Filter changed",
        severity="INFO",
        deviceId=device,
        sensorId=rule.sensor.id,
        timestamp="2026-09-13T11:30:00Z",
        data={"filter": 7},
    )
    assert posted.status == 201
    assert (await caller.get(f"/events/{posted.json['id']}")).json == posted.json
    listed = await caller.all("/events")
    assert [one["type"] for one in listed[:3]] == ["ALERT", "DEVICE_STATUS", "CUSTOM"] or {
        one["type"] for one in listed[:3]
    } == {"ALERT", "DEVICE_STATUS", "CUSTOM"}
    assert alert.id in {one["id"] for one in listed}
    assert len(await caller.all("/events", type="CUSTOM")) == 1
    assert (await caller.post("/events", severity="INFO")).status == 400
    assert (await caller.post("/events", title="x", deviceId=alert.id)).status == 404
    made = await caller.control("POST", "/events", type="DOOR", title="Door opened")
    assert (await caller.get(f"/events/{made.json['id']}")).json["source"] == "SYSTEM"


async def test_alerts_are_told_apart_by_what_is_asked_for(cloud, caller, clock, rule):
    clock.advance(3600)
    cloud.fire(rule)
    listed = await caller.all("/alerts")
    times = [one["triggeredAt"] for one in listed]
    assert times == sorted(times, reverse=True)
    assert len(await caller.all("/alerts", from_="2026-09-13T12:30:00Z")) == 1
    assert len(await caller.all("/alerts", severity="WARNING")) == 1
    assert len(await caller.all("/alerts", status="ACTIVE,RESOLVED")) == 3
    cloud.config.variants.listing = "oldest"
    assert await caller.all("/alerts") == listed[::-1]
    cloud.config.variants.filters = "ignored"
    assert len(await caller.all("/alerts", severity="WARNING", status="ACTIVE")) == 3


async def test_a_lively_cloud_has_alerts_of_its_own(open_mk, clock):
    cloud = await open_mk(lively=True, old_alerts=0)
    for _ in range(24):
        clock.advance(3600)
    assert 10 < len(cloud.alerts) < 96
    assert {one.rule.name for one in cloud.alerts} == {"Door opened"}


async def test_another_organisation_has_its_own(cloud, caller, rule):
    other = caller.over(cloud.config.other_key)
    assert (await other.get(f"/alert-rules/{rule.id}")).status == 404
    theirs = {one["id"] for one in await other.all("/alert-rules")}
    assert theirs
    assert not theirs & {one.id for one in cloud.rules}


@pytest.mark.parametrize("value", [None, "hot", [1], {"a": 1}, 10**30])
async def test_a_value_of_any_kind_stops_nothing(cloud, caller, clock, rule, value):
    for one in cloud.rules[:2]:
        answer = await caller.control("POST", f"/sensors/{one.sensor.id}", hold=value)
        assert answer.status == 200
    clock.advance(600)
    path = f"/readings/sensor/{rule.sensor.id}"
    assert (await caller.all(path))[0]["value"] == value
    assert (await caller.get(f"{path}/stats")).status == 200
    assert (await caller.get(f"{path}/aggregated")).status == 200
    active = {one.rule.name for one in cloud.alerts if one.state == "ACTIVE"}
    assert active == ({"Too warm", "Too humid"} if value == 10**30 else set())


async def test_unknown_literals_everywhere(cloud, caller, rule):
    cloud.config.variants.literals = "new"
    alert = cloud.fire(rule)
    for state in ("status", "lifecycle", "state"):
        cloud.config.variants.alert_state = state
        shown = (await caller.get(f"/alerts/{alert.id}")).json
        assert (shown[state], shown["severity"]) == ("ADDED_LATER", "ADDED_LATER")
    shown = (await caller.get(f"/alert-rules/{rule.id}")).json
    assert (shown["comparison"], shown["severity"]) == ("ADDED_LATER", "ADDED_LATER")
    assert (await caller.all("/cameras"))[0]["status"] == "ADDED_LATER"
    assert (await caller.all("/admin/quarantine"))[0]["reason"] == "ADDED_LATER"
    profile = (await caller.all("/sensor-profiles"))[0]
    assert {one["type"] for one in profile["fields"]} == {"ADDED_LATER"}


async def test_a_message_waits_or_finds_nobody(cloud, caller, clock, listener, rule, hook):
    cloud.config.delivery.delay = 20
    alert = cloud.fire(rule)
    path = f"/alerts/{alert.id}/notifications"

    async def told():
        return {one["channelType"]: one["status"] for one in await caller.all(path)}

    assert await told() == {"EMAIL": "DELIVERED", "WEBHOOK": "PENDING"}
    cloud.alert_store.channels[hook].target = "http://127.0.0.1:9/hook"
    clock.advance(20)
    await cloud.settled()
    assert await told() == {"EMAIL": "DELIVERED", "WEBHOOK": "FAILED"}
    assert cloud.alert_engine.sender.sent[-1].outcome == "unreachable"


async def test_a_rule_counts_texts(cloud, clock):
    rule = cloud.rules[2]
    rule.aggregate, rule.comparison, rule.limit = "COUNT", "LESS_THAN", 3
    cloud.become(rule.sensor.device, "OFFLINE")
    clock.advance(600)
    cloud.become(rule.sensor.device, "ACTIVE")
    clock.advance(62)
    assert [one.value for one in cloud.alerts if one.state == "ACTIVE"] == [1]
