"""Days in which everything happens at random: no state machine goes where it may not."""

from collections import defaultdict
from itertools import pairwise
from random import Random

import pytest

from .manfred_kunze import caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401

# What may follow what when somebody looks now and then; a state may be left out between two looks.
ORDERS = {
    "alerts": ("ACTIVE", "ACKNOWLEDGED", "RESOLVED"),
    "commands": ("PENDING", "SENT", "ACKNOWLEDGED", "SUCCESS FAILED TIMEOUT"),
    "exports": ("PENDING", "RUNNING", "READY FAILED", "EXPIRED"),
    "live": ("REQUESTED", "ACTIVE", "STOPPING", "STOPPED EXPIRED"),
    "dvr-clip-requests": ("PENDING", "PROCESSING", "COMPLETED FAILED"),
}
PERIOD = {"from": "2026-09-13T10:00:00Z", "to": "2026-09-13T10:05:00Z"}


def rank(kind, status):
    return next(place for place, names in enumerate(ORDERS[kind]) if status in names.split())


class Days:
    """Random calls, and what was seen of everything since."""

    def __init__(self, cloud, caller, clock, seed):
        self.cloud, self.caller, self.clock = cloud, caller, clock
        self.random = Random(seed)
        self.seen = defaultdict(list)
        self.paths = {}

    async def step(self):
        deeds = (
            self.go_on, self.go_on, self.hold, self.release, self.report, self.device, self.fire, self.act,
            self.command, self.export, self.dvr, self.watch, self.stop, self.fates,
        )  # fmt: skip
        await self.random.choice(deeds)()
        await self.look()

    async def go_on(self):
        self.clock.advance(self.random.choice((0.4, 1, 2, 30, 300, 4000)))

    async def hold(self):
        sensor = self.random.choice(self.cloud.sensors)
        values = {"BOOLEAN": True, "TEXT": "fault 7"}
        self.cloud.hold(sensor, values.get(sensor.type, self.random.choice((0, 41, -7.5))))

    async def release(self):
        self.cloud.release(self.random.choice(self.cloud.sensors))

    async def report(self):
        ago = self.random.choice((-3600, 0, 59, 86_400))
        sensor = self.random.choice(self.cloud.sensors)
        self.cloud.report(sensor, {"TEXT": "x"}.get(sensor.type, 33), ago)

    async def device(self):
        statuses = ("ACTIVE", "OFFLINE", "MAINTENANCE", "ACTIVE", "INACTIVE")
        self.cloud.become(self.random.choice(self.cloud.devices), self.random.choice(statuses))

    async def fire(self):
        self.cloud.fire(self.random.choice(self.cloud.rules))

    async def act(self):
        alert = self.random.choice(self.cloud.alerts)
        deed = self.random.choice(("acknowledge", "resolve"))
        answer = await self.caller.post(f"/alerts/{alert.id}/{deed}")
        assert answer.status in (200, 409)

    async def command(self):
        device = self.random.choice(self.cloud.devices).id
        answer = await self.caller.post(f"/devices/{device}/commands", method="REBOOT")
        self.follow("commands", f"/devices/{device}/commands", answer)

    async def export(self):
        scope = {"scopeType": "SENSOR", "scopeId": self.random.choice(self.cloud.sensors).id}
        self.follow(
            "exports",
            "/exports",
            await self.caller.post("/exports", **scope, **PERIOD, includes=["READINGS"]),
        )

    async def dvr(self):
        camera = self.random.choice(self.cloud.cameras).id
        answer = await self.caller.post("/dvr-clip-requests", cameraId=camera, **PERIOD)
        self.follow("dvr-clip-requests", "/dvr-clip-requests", answer)

    async def watch(self):
        camera = self.random.choice(self.cloud.cameras).id
        self.follow("live", "/live", await self.caller.post(f"/cameras/{camera}/live"))

    async def stop(self):
        for session in self.cloud.sessions[-1:]:
            assert (await self.caller.delete(f"/live/{session.id}")).status == 200

    async def fates(self):
        plan, choice = self.cloud.config, self.random.choice
        plan.command_fate = choice(("success", "fail", "hang"))
        plan.export_fate = choice(("ready", "fail", "hang"))
        plan.dvr_fate = choice(("done", "fail", "hang"))
        plan.desired_fate = choice(("accept", "reject", "fail", "hang"))

    def follow(self, kind, path, answer):
        assert answer.status == 201, answer.body
        number = answer.json["id"]
        self.paths[kind, number] = f"{path}/{number}"
        self.seen[kind, number].append(answer.json["status"])

    async def look(self):
        for alert in self.cloud.alerts:
            self.paths.setdefault(("alerts", alert.id), f"/alerts/{alert.id}")
        for (kind, number), path in self.random.sample(
            sorted(self.paths.items()), min(6, len(self.paths))
        ):
            answer = await self.caller.get(path)
            assert answer.status == 200, (kind, answer.body)
            self.seen[kind, number].append(answer.json["status"])


async def live_through(cloud, caller, clock, seed, steps):
    days = Days(cloud, caller, clock, seed)
    for _ in range(steps):
        await days.step()
    for (kind, number), statuses in days.seen.items():
        ranks = [rank(kind, status) for status in statuses]
        assert ranks == sorted(ranks), (kind, number, statuses)
    for sensor in cloud.sensors:
        now = cloud.world.now
        found = list(sensor.readings(now - 86_400, now, now))
        assert all(a.time <= b.time for a, b in pairwise(found))
        own = [one.time for one in found if one not in sensor.extra]
        assert len(own) == len(set(own))
        path = f"/readings/sensor/{sensor.id}"
        stats = (await caller.get(f"{path}/stats", start=str(now - 86_400), end=str(now))).json
        assert stats["count"] == len(found)
    return days


async def test_an_eventful_hour(cloud, caller, clock):
    days = await live_through(cloud, caller, clock, seed=1, steps=120)
    assert {kind for kind, _ in days.seen} == set(ORDERS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 5))
async def test_eventful_days(cloud, caller, clock, seed):
    await live_through(cloud, caller, clock, seed=seed, steps=800)


async def test_a_rule_rests_between_two_alerts_whatever_is_measured(open_mk, clock):
    cloud = await open_mk(old_alerts=0)
    rule = cloud.rules[0]
    cloud.hold(rule.sensor, 50)
    for number in range(400):
        clock.advance((7, 61, 240, 3)[number % 4])
        if number % 5 == 0:
            cloud.report(rule.sensor, 60)
    fired = [one.fired for one in cloud.alerts]
    assert len(fired) > 20
    assert min(b - a for a, b in pairwise(fired)) >= rule.cooldown
