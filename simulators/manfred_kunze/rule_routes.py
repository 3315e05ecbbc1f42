"""Calls for alert rules."""

from collections.abc import Callable, Mapping

from simulators.response import Reply

from .alert_engine import Alerting
from .alerts import AGGREGATES, COMPARISONS, SEVERITIES, Book, Rule, rule_record
from .request import ApiError, Body, Visit, length_of
from .responder import Desk, filled
from .state import Record, Value


class RuleCalls:
    """Answers them."""

    def __init__(self, desk: Desk, alerting: Alerting) -> None:
        """Ask the desk."""
        self._desk = desk
        self._alerting = alerting
        self._forms = desk.world.plan.forms

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        return {
            "GET /alert-rules": self.rules,
            "POST /alert-rules": self.add_rule,
            "GET /alert-rules/{id}": self.rule,
            "PUT /alert-rules/{id}": self.change_rule,
            "DELETE /alert-rules/{id}": self.remove_rule,
            "POST /alert-rules/{id}/enable": lambda visit: self._switch(visit, on=True),
            "POST /alert-rules/{id}/disable": lambda visit: self._switch(visit, on=False),
        }

    def rules(self, visit: Visit) -> Reply:
        """List the rules."""
        records = [self._rule_record(one) for one in self._book(visit).rules.values()]
        return self._desk.many(visit, "alert-rules", records)

    def rule(self, visit: Visit) -> Reply:
        """Show one rule."""
        return self._show_rule(visit, self._desk.found(visit, self._book(visit).rules))

    def add_rule(self, visit: Visit) -> Reply:
        """Make a rule."""
        book = self._book(visit)
        rule = self._made_rule(visit, book, None)
        book.rules[rule.id] = rule
        return self._desk.one(visit, "alert-rules", self._rule_record(rule), created=True)

    def change_rule(self, visit: Visit) -> Reply:
        """Replace what a rule says."""
        book = self._book(visit)
        before = self._desk.found(visit, book.rules)
        rule = self._made_rule(visit, book, before)
        for name in ("name", "sensor", "aggregate", "window", "comparison", "limit", "severity",
                     "cooldown", "channels", "enabled", "known"):  # fmt: skip
            setattr(before, name, getattr(rule, name))
        return self._show_rule(visit, before)

    def remove_rule(self, visit: Visit) -> Reply:
        """Delete a rule; its alerts stay."""
        book = self._book(visit)
        del book.rules[self._desk.found(visit, book.rules).id]
        return Reply(204, body=b"")

    def _book(self, visit: Visit) -> Book:
        return self._alerting.book(visit.organisation)

    def _show_rule(self, visit: Visit, rule: Rule) -> Reply:
        return self._desk.one(visit, "alert-rules", self._rule_record(rule))

    def _rule_record(self, rule: Rule) -> Record:
        return rule_record(rule, nested=self._forms.rule_condition == "nested")

    def _switch(self, visit: Visit, *, on: bool) -> Reply:
        rule = self._desk.found(visit, self._book(visit).rules)
        rule.enabled, rule.fulfilled = on, False
        return self._desk.acted(visit, "alert-rules", self._rule_record(rule))

    def _made_rule(self, visit: Visit, book: Book, before: Rule | None) -> Rule:
        visit.body = filled(
            self._forms, visit.body, None if before is None else self._rule_record(before)
        )
        condition = visit.body.get("condition")
        if isinstance(condition, dict):
            visit.body = {**visit.body, **condition}
        channels = visit.body.get("channelIds") or visit.body.get("notificationChannelIds")
        if not isinstance(channels, list) or not channels:
            raise ApiError(400, "channelIds must not be empty")
        for number in channels:
            self._desk.by_id(visit, book.channels, str(number))
        comparison = visit.literal("comparison", COMPARISONS, None, "operator")
        limit: object = visit.body.get("threshold", visit.body.get("value"))
        if not isinstance(limit, bool | int | float | str):
            limit = _without_limit(comparison)
        aggregate = visit.text("aggregate", "aggregation", "function", optional=True)
        if aggregate and aggregate not in AGGREGATES:
            raise ApiError(400, "aggregate is not one of the known")
        sensor = self._desk.by_id(
            visit, visit.organisation.sensors, visit.text("sensorId", "sensor")
        )
        return Rule(
            id=book.organisation.new_id(),
            name=visit.text("name"),
            sensor=sensor,
            aggregate=aggregate or None,
            window=_seconds(visit.body, "windowSeconds", "window", otherwise=300),
            comparison=comparison,
            limit=limit,
            severity=visit.literal("severity", SEVERITIES, None),
            cooldown=_seconds(visit.body, "cooldownSeconds", "cooldown", otherwise=0),
            channels=[str(number) for number in channels],
            enabled=bool(visit.body.get("enabled", visit.body.get("active", True))),
            created=visit.now,
            looked=visit.now,
            known=len(sensor.came),
        )


def _without_limit(comparison: str) -> Value:
    if comparison not in ("IS_TRUE", "IS_FALSE"):
        raise ApiError(400, "threshold must not be null")
    return comparison == "IS_TRUE"


def _seconds(body: Body, *names: str, otherwise: int) -> int:
    value = next((body[name] for name in names if body.get(name) is not None), otherwise)
    return int(value) if isinstance(value, int | float) else length_of(str(value))
