"""Serve the routes for alert rules."""

from collections.abc import Callable, Mapping

from simulators.response import Response

from .alert_engine import AlertEngine
from .alerts import AGGREGATES, COMPARISONS, SEVERITIES, AlertStore, Rule, rule_record
from .errors import ApiError
from .request import ApiRequest, Body, length_of
from .responder import Responder, filled
from .state import Record, Value


class RuleRoutes:
    """The routes for alert rules."""

    def __init__(self, responder: Responder, alert_engine: AlertEngine) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._alert_engine = alert_engine
        self._variants = responder.world.config.variants

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
        return {
            "GET /alert-rules": self.rules,
            "POST /alert-rules": self.add_rule,
            "GET /alert-rules/{id}": self.rule,
            "PUT /alert-rules/{id}": self.change_rule,
            "DELETE /alert-rules/{id}": self.remove_rule,
            "POST /alert-rules/{id}/enable": lambda request: self._switch(request, on=True),
            "POST /alert-rules/{id}/disable": lambda request: self._switch(request, on=False),
        }

    def rules(self, request: ApiRequest) -> Response:
        """List the rules."""
        records = [self._rule_record(one) for one in self._store(request).rules.values()]
        return self._responder.many(request, "alert-rules", records)

    def rule(self, request: ApiRequest) -> Response:
        """Return one rule."""
        return self._show_rule(request, self._responder.find(request, self._store(request).rules))

    def add_rule(self, request: ApiRequest) -> Response:
        """Create a rule."""
        store = self._store(request)
        rule = self._made_rule(request, store, None)
        store.rules[rule.id] = rule
        return self._responder.one(request, "alert-rules", self._rule_record(rule), created=True)

    def change_rule(self, request: ApiRequest) -> Response:
        """Replace a rule."""
        store = self._store(request)
        before = self._responder.find(request, store.rules)
        rule = self._made_rule(request, store, before)
        for name in ("name", "sensor", "aggregate", "window", "comparison", "limit", "severity",
                     "cooldown", "channels", "enabled", "known"):  # fmt: skip
            setattr(before, name, getattr(rule, name))
        return self._show_rule(request, before)

    def remove_rule(self, request: ApiRequest) -> Response:
        """Delete a rule; its alerts stay."""
        store = self._store(request)
        del store.rules[self._responder.find(request, store.rules).id]
        return Response(204, body=b"")

    def _store(self, request: ApiRequest) -> AlertStore:
        return self._alert_engine.store(request.organisation)

    def _show_rule(self, request: ApiRequest, rule: Rule) -> Response:
        return self._responder.one(request, "alert-rules", self._rule_record(rule))

    def _rule_record(self, rule: Rule) -> Record:
        return rule_record(rule, nested=self._variants.rule_condition == "nested")

    def _switch(self, request: ApiRequest, *, on: bool) -> Response:
        rule = self._responder.find(request, self._store(request).rules)
        rule.enabled, rule.fulfilled = on, False
        return self._responder.acted(request, "alert-rules", self._rule_record(rule))

    def _made_rule(self, request: ApiRequest, store: AlertStore, before: Rule | None) -> Rule:
        request.body = filled(
            self._variants, request.body, None if before is None else self._rule_record(before)
        )
        condition = request.body.get("condition")
        if isinstance(condition, dict):
            request.body = {**request.body, **condition}
        channels = request.body.get("channelIds") or request.body.get("notificationChannelIds")
        if not isinstance(channels, list) or not channels:
            raise ApiError(400, "channelIds must not be empty")
        for number in channels:
            self._responder.by_id(request, store.channels, str(number))
        comparison = request.literal("comparison", COMPARISONS, None, "operator")
        limit: object = request.body.get("threshold", request.body.get("value"))
        if not isinstance(limit, bool | int | float | str):
            limit = _without_limit(comparison)
        aggregate = request.text("aggregate", "aggregation", "function", optional=True)
        if aggregate and aggregate not in AGGREGATES:
            raise ApiError(400, "aggregate is not one of the known")
        sensor = self._responder.by_id(
            request, request.organisation.sensors, request.text("sensorId", "sensor")
        )
        return Rule(
            id=store.organisation.new_id(),
            name=request.text("name"),
            sensor=sensor,
            aggregate=aggregate or None,
            window=_seconds(request.body, "windowSeconds", "window", otherwise=300),
            comparison=comparison,
            limit=limit,
            severity=request.literal("severity", SEVERITIES, None),
            cooldown=_seconds(request.body, "cooldownSeconds", "cooldown", otherwise=0),
            channels=[str(number) for number in channels],
            enabled=bool(request.body.get("enabled", request.body.get("active", True))),
            created=request.now,
            looked=request.now,
            known=len(sensor.came),
        )


def _without_limit(comparison: str) -> Value:
    if comparison not in ("IS_TRUE", "IS_FALSE"):
        raise ApiError(400, "threshold must not be null")
    return comparison == "IS_TRUE"


def _seconds(body: Body, *names: str, otherwise: int) -> int:
    value = next((body[name] for name in names if body.get(name) is not None), otherwise)
    return int(value) if isinstance(value, int | float) else length_of(str(value))
