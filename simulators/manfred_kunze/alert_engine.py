"""Judging readings by rules: what fires, what is told to whom."""

from collections.abc import Callable

from .alerts import Alert, Book, Channel, Rule, alert_record
from .serializers import Shapes
from .state import Organisation, Reading, Record, Value, World
from .webhooks import Posting

SOMEBODY = "user_4b1d77e0"
_MOST = 5_000
_HOUR = 3600

type Listener = Callable[[Organisation, Record], None]


class Alerting:
    """The rules, alerts, channels and events of all organisations."""

    def __init__(self, world: World, shapes: Shapes) -> None:
        """Give each organisation its rules, and the main one some alerts that are over."""
        self._world = world
        self._forms = world.plan.forms
        self._shapes = shapes
        self.posting = Posting(world.plan)
        self.books = {one.id: Book(one) for one in world.organisations}
        self.listeners: list[Listener] = []
        self._status: dict[str, str] = {}
        for organisation in world.organisations:
            self._begin(self.books[organisation.id])

    def book(self, organisation: Organisation) -> Book:
        """Return what an organisation has."""
        return self.books[organisation.id]

    def settle(self) -> None:
        """Judge what came in since, note how devices changed, and call webhooks that are due."""
        now = self._world.now
        for book in self.books.values():
            self._note_devices(book, now)
            for rule in list(book.rules.values()):
                self._judge(book, rule, now)
        self.posting.settle(now)

    def fire(self, book: Book, rule: Rule, value: Value, now: int) -> Alert:
        """Raise an alert, whatever was measured."""
        alert = Alert(
            id=book.organisation.new_id(),
            rule=rule,
            message=f"{rule.name}: {value}",
            value=value,
            fired=now,
        )
        rule.fired = now
        book.alerts[alert.id] = alert
        event = book.note(
            {
                "type": "ALERT",
                "source": "RULE",
                "severity": rule.severity,
                "title": rule.name,
                "message": alert.message,
                "deviceId": rule.sensor.device.id,
                "sensorId": rule.sensor.id,
            },
            now,
            alert.id,
        )
        self.tell(book, alert, "alert.fired", now)
        self.heard(book, event)
        return alert

    def heard(self, book: Book, event: Record) -> None:
        """Tell an event to whoever records at events."""
        for listener in self.listeners:
            listener(book.organisation, event)

    def acknowledge(self, book: Book, alert: Alert, who: str = SOMEBODY) -> None:
        """Let somebody acknowledge an alert."""
        alert.acknowledge(who, self._world.now)
        self._tell_change(book, alert, "alert.acknowledged")

    def resolve(self, book: Book, alert: Alert, who: str = SOMEBODY) -> None:
        """Let somebody resolve an alert."""
        alert.resolve(who, self._world.now)
        self._tell_change(book, alert, "alert.resolved")

    def tell(self, book: Book, alert: Alert, what: str, now: int) -> None:
        """Tell an alert to the channels of its rule."""
        for number in alert.rule.channels:
            if (channel := book.channels.get(number)) is not None and channel.enabled:
                self.posting.queue(channel, self._body(book, alert, what), now, alert.id)

    def test(self, channel: Channel) -> None:
        """Tell a channel that it works."""
        body: Record = {"event": "test", "message": "Test notification"}
        self.posting.queue(channel, body, self._world.now, None)

    def _tell_change(self, book: Book, alert: Alert, what: str) -> None:
        book.events[alert.id]["data"] = {"lifecycle": alert.state}
        if self._forms.webhook_on == "all":
            self.tell(book, alert, what, self._world.now)

    def _body(self, book: Book, alert: Alert, what: str) -> Record | bytes:
        record = alert_record(alert, self._forms.alert_state)
        shown = self._shapes.dress("alerts", record, book.organisation.id)
        match self._forms.webhook_body:
            case "text":
                return f"{alert.rule.severity} {alert.message}".encode()
            case "wrapped":
                return {"event": what, "data": shown}
        return shown

    def _judge(self, book: Book, rule: Rule, now: int) -> None:
        since, rule.looked = rule.looked, now
        known, rule.known = rule.known, len(rule.sensor.came)
        if not rule.enabled or rule.sensor.id not in book.organisation.sensors:
            return
        for reading in rule.sensor.arrived(since, now, known)[-_MOST:]:
            before = rule.fulfilled
            rule.fulfilled, value = rule.judge(reading, now)
            if rule.fulfilled and self._may_fire(rule, reading, before=before):
                self.fire(book, rule, value, min(now, max(reading.stored, reading.time)))
            elif before and not rule.fulfilled and self._forms.auto_resolve:
                self._resolve_all(book, rule)

    def _may_fire(self, rule: Rule, reading: Reading, *, before: bool) -> bool:
        rested = rule.fired is None or reading.stored - rule.fired >= rule.cooldown
        return rested and (self._forms.firing == "each" or not before)

    def _resolve_all(self, book: Book, rule: Rule) -> None:
        for alert in book.alerts.values():
            if alert.rule is rule and alert.state != "RESOLVED":
                self.resolve(book, alert, "system")

    def _note_devices(self, book: Book, now: int) -> None:
        for device in book.organisation.devices.values():
            before = self._status.setdefault(device.id, device.status)
            if before != device.status:
                self._status[device.id] = device.status
                fields: Record = {
                    "type": "DEVICE_STATUS",
                    "source": "SYSTEM",
                    "title": f"{device.name} is {device.status}",
                    "deviceId": device.id,
                    "data": {"from": before, "to": device.status},
                }
                self.heard(book, book.note(fields, now))

    def _begin(self, book: Book) -> None:
        channel = Channel(
            id=book.organisation.new_id(),
            name="Control room",
            type="EMAIL",
            target="control-room@example.org",
            created=self._world.since,
        )
        book.channels[channel.id] = channel
        for name, field, aggregate, comparison, limit, severity in _RULES:
            if name == "Door opened" and not self._world.plan.lively:
                continue
            self._add(book, channel, name, field, (aggregate, comparison, limit, severity))
        for number in range(self._world.plan.old_alerts if book.rules else 0):
            rules = list(book.rules.values())
            alert = self.fire(book, rules[number % len(rules)], 31.5, self._world.now - _HOUR * 24)
            alert.acknowledge(SOMEBODY, alert.fired + 120)
            alert.resolve(SOMEBODY, alert.fired + _HOUR)
            alert.rule.fired = None

    def _add(
        self,
        book: Book,
        channel: Channel,
        name: str,
        field: str,
        judged: tuple[str | None, str, Value, str],
    ) -> None:
        sensors = book.organisation.sensors.values()
        sensor = next((one for one in sensors if one.name == field), None)
        if sensor is None:
            return
        aggregate, comparison, limit, severity = judged
        rule = Rule(
            id=book.organisation.new_id(),
            name=name,
            sensor=sensor,
            aggregate=aggregate,
            window=300,
            comparison=comparison,
            limit=limit,
            severity=severity,
            cooldown=900,
            channels=[channel.id],
            enabled=True,
            created=self._world.since,
            looked=self._world.now,
        )
        book.rules[rule.id] = rule


_RULES: tuple[tuple[str, str, str | None, str, Value, str], ...] = (
    ("Too warm", "temperature", None, "GREATER_THAN", 30.0, "CRITICAL"),
    ("Too humid", "humidity", "AVG", "GREATER_THAN", 95.0, "WARNING"),
    ("Machine fault", "mode", None, "CONTAINS", "fault", "INFO"),
    ("Door opened", "open", None, "IS_TRUE", True, "WARNING"),
)
