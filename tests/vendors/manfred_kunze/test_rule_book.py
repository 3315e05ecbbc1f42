"""The rules of an organisation, from one list to the next, and what alerts say of theirs."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
import pytest

from custom_components.watchpost.client.errors import UnreachableError
from custom_components.watchpost.models import ChannelId, Freshness
from custom_components.watchpost.vendors.manfred_kunze.alert_entities import rule_key
from custom_components.watchpost.vendors.manfred_kunze.alert_poller import AlertPoller
from custom_components.watchpost.vendors.manfred_kunze.alert_rules import AlertRuleCache
from custom_components.watchpost.vendors.manfred_kunze.client.api import PlatformResponse
from custom_components.watchpost.vendors.manfred_kunze.inventory import OrganisationInventory
from custom_components.watchpost.vendors.manfred_kunze.models.alerts import AlertRule, read_alert

MINUTE = timedelta(minutes=1)
GAS, HEAT = "rule-1", "rule-2"


class Lists:
    """A vendor's list of rules, and the clocks of who asks for it. `held_since`: the answer is an old one."""

    def __init__(self) -> None:
        self.rules = [
            AlertRule(id=GAS, name="Gas", sensor="s", is_enabled=True),
            AlertRule(id=HEAT, name="Heat", sensor="s", is_enabled=True),
        ]
        self.rejected: Counter[str] = Counter()
        self.asked = 0
        self.is_down = False
        self.held_since: float | None = None
        self.now = datetime(2026, 9, 13, 12, tzinfo=UTC)
        self.book = AlertRuleCache(
            self, OrganisationInventory(), lambda: self.now, self.clock, frozenset
        )

    def clock(self) -> float:
        return self.now.timestamp()

    async def list_rules(self) -> PlatformResponse[list[AlertRule]]:
        self.asked += 1
        if self.is_down:
            raise UnreachableError("down")
        received = self.clock() if self.held_since is None else self.held_since
        return PlatformResponse(list(self.rules), self.rejected, (Freshness(received, received),))

    def may_fire(self, rule: str) -> bool:
        return self.book.may_fire(self.book.rules[rule])

    async def pass_minutes(self, minutes: int) -> None:
        """Poll the alerts, as every minute, where nobody looks at the rules themselves."""
        for _ in range(minutes):
            self.now += MINUTE
            if self.book.is_due:
                await self.book.fetch_new()


@pytest.fixture
async def lists() -> Lists:
    found = Lists()
    await found.book.list()
    return found


def alert(**row: Any) -> Any:
    return read_alert("a", {"status": "ACTIVE", **row})


async def test_rules_that_nobody_looks_at_are_listed_for_the_alerts(lists: Lists) -> None:
    await lists.pass_minutes(60)
    assert lists.may_fire(GAS)
    assert lists.asked == 11
    lists.is_down = True
    await lists.pass_minutes(30)
    assert not lists.may_fire(GAS)
    assert lists.asked == 16


async def test_a_rule_whose_record_cannot_be_read_is_not_taken_for_one_that_is_on(
    lists: Lists,
) -> None:
    lists.rules = lists.rules[1:]
    lists.rejected = Counter({"alert rule: id": 1})
    await lists.pass_minutes(10)
    assert lists.may_fire(GAS)  # a hiccup is none
    await lists.pass_minutes(10)
    assert not lists.may_fire(GAS)
    assert lists.may_fire(HEAT)


async def test_an_old_answer_does_not_undo_what_was_switched_from_here(lists: Lists) -> None:
    before = lists.clock()
    lists.now += MINUTE
    lists.book.record_switch(GAS, is_on=False)
    lists.now += MINUTE
    lists.held_since = before
    await lists.book.list()
    assert lists.book.rules[GAS].is_enabled is False
    assert not lists.may_fire(GAS)
    lists.held_since = None
    await lists.book.list()
    assert lists.may_fire(GAS)


async def test_what_nobody_knows_to_be_done_is_neither_on_nor_off(lists: Lists) -> None:
    lists.book.record_switch(GAS, is_on=None)
    assert lists.book.rules[GAS].is_enabled is None
    assert not lists.may_fire(GAS)


async def test_a_rule_that_is_gone_is_not_looked_for_again_and_again(lists: Lists) -> None:
    orphan = alert(alertRuleId="rule-9")
    for _ in range(5):
        lists.now += MINUTE
        await lists.book.fetch_rules_of([orphan])
    assert lists.asked == 2
    new = alert(alertRuleId="rule-3")
    lists.rules.append(replace(lists.rules[0], id="rule-3"))
    assert await lists.book.fetch_rules_of([orphan, new])
    assert "rule-3" in lists.book.rules


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"alertRuleId": GAS, "ruleName": "Heat"}, GAS),
        ({"ruleName": "Gas", "sensorId": "s"}, GAS),
        ({"rule": "Gas", "sensorId": "s"}, GAS),
        ({"alertRule": {"name": "Heat"}}, HEAT),
        ({"alertRuleId": "rule-9", "ruleName": "Gas"}, "rule-9"),
        ({"rule": "Steam", "sensorId": "s"}, None),
        ({"sensorId": "s"}, None),
    ],
)
async def test_a_rule_is_known_by_its_id_or_else_by_its_name(
    lists: Lists, row: dict[str, Any], rule: str | None
) -> None:
    found = alert(**row)
    assert lists.book.rule_of(found) == rule
    if rule is None:
        assert lists.book.rules_for_sensor(found.sensor) == [GAS, HEAT]


async def test_many_alerts_that_tell_of_no_rule_cost_one_look_at_the_rules(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    poller = AlertPoller(
        lists,
        lists.book,
        utc=lambda: lists.now,
        monotonic=lists.clock,
        vendor_utc=lambda: lists.now,
        delivered_until=lambda: None,
        show=lambda update: None,
    )
    looks: list[str | None] = []
    watching = lists.book.rules_for_sensor
    monkeypatch.setattr(lists.book, "rules_for_sensor", lambda s: looks.append(s) or watching(s))
    poller.tracker.open = {str(n): replace(alert(), id=str(n)) for n in range(100)}
    shown = poller.readings()
    assert looks == [None]
    assert [shown[ChannelId("account", rule_key(rule))].value for rule in (GAS, HEAT)] == [None] * 2
