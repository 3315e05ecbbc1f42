"""Evaluate alert rules against readings, and notify channels."""

from collections.abc import Callable

from .alerts import Alert, AlertStore, Channel, Rule, alert_record
from .serializers import Serializer
from .state import Organisation, Reading, Record, Value, World
from .webhooks import WebhookSender

SOMEBODY = "user_4b1d77e0"
_MOST = 5_000
_HOUR = 3600

type Listener = Callable[[Organisation, Record], None]


class AlertEngine:
    """The rules, alerts, channels and events of all organisations."""

    def __init__(self, world: World, serializer: Serializer) -> None:
        """Add rules to each organisation, and resolved alerts to the main one."""
        self._world = world
        self._variants = world.config.variants
        self._serializer = serializer
        self.sender = WebhookSender(world.config)
        self.stores = {one.id: AlertStore(one) for one in world.organisations}
        self.listeners: list[Listener] = []
        self._status: dict[str, str] = {}
        for organisation in world.organisations:
            self._begin(self.stores[organisation.id])

    def store(self, organisation: Organisation) -> AlertStore:
        """Return the alert store of an organisation."""
        return self.stores[organisation.id]

    def settle(self) -> None:
        """Evaluate new readings, log device status changes, and send webhooks that are due."""
        now = self._world.now
        for store in self.stores.values():
            self._note_devices(store, now)
            for rule in list(store.rules.values()):
                self._judge(store, rule, now)
        self.sender.settle(now)

    def fire(self, store: AlertStore, rule: Rule, value: Value, now: int) -> Alert:
        """Raise an alert regardless of readings."""
        alert = Alert(
            id=store.organisation.new_id(),
            rule=rule,
            message=f"{rule.name}: {value}",
            value=value,
            fired=now,
        )
        rule.fired = now
        store.alerts[alert.id] = alert
        event = store.note(
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
        self.notify(store, alert, "alert.fired", now)
        self.publish_event(store, event)
        return alert

    def publish_event(self, store: AlertStore, event: Record) -> None:
        """Pass an event to the listeners."""
        for listener in self.listeners:
            listener(store.organisation, event)

    def acknowledge(self, store: AlertStore, alert: Alert, who: str = SOMEBODY) -> None:
        """Acknowledge an alert."""
        alert.acknowledge(who, self._world.now)
        self._notify_change(store, alert, "alert.acknowledged")

    def resolve(self, store: AlertStore, alert: Alert, who: str = SOMEBODY) -> None:
        """Resolve an alert."""
        alert.resolve(who, self._world.now)
        self._notify_change(store, alert, "alert.resolved")

    def notify(self, store: AlertStore, alert: Alert, what: str, now: int) -> None:
        """Notify the channels of an alert's rule."""
        for number in alert.rule.channels:
            if (channel := store.channels.get(number)) is not None and channel.enabled:
                self.sender.queue(channel, self._body(store, alert, what), now, alert.id)

    def test(self, channel: Channel) -> None:
        """Send a test message to a channel."""
        body: Record = {"event": "test", "message": "Test notification"}
        self.sender.queue(channel, body, self._world.now, None)

    def _notify_change(self, store: AlertStore, alert: Alert, what: str) -> None:
        store.events[alert.id]["data"] = {"lifecycle": alert.state}
        if self._variants.webhook_on == "all":
            self.notify(store, alert, what, self._world.now)

    def _body(self, store: AlertStore, alert: Alert, what: str) -> Record | bytes:
        record = alert_record(alert, self._variants.alert_state)
        shown = self._serializer.serialize("alerts", record, store.organisation.id)
        match self._variants.webhook_body:
            case "text":
                return f"{alert.rule.severity} {alert.message}".encode()
            case "wrapped":
                return {"event": what, "data": shown}
        return shown

    def _judge(self, store: AlertStore, rule: Rule, now: int) -> None:
        since, rule.looked = rule.looked, now
        known, rule.known = rule.known, len(rule.sensor.came)
        if not rule.enabled or rule.sensor.id not in store.organisation.sensors:
            return
        for reading in rule.sensor.arrived(since, now, known)[-_MOST:]:
            before = rule.fulfilled
            rule.fulfilled, value = rule.judge(reading, now)
            if rule.fulfilled and self._may_fire(rule, reading, before=before):
                self.fire(store, rule, value, min(now, max(reading.stored, reading.time)))
            elif before and not rule.fulfilled and self._variants.auto_resolve:
                self._resolve_all(store, rule)

    def _may_fire(self, rule: Rule, reading: Reading, *, before: bool) -> bool:
        rested = rule.fired is None or reading.stored - rule.fired >= rule.cooldown
        return rested and (self._variants.firing == "each" or not before)

    def _resolve_all(self, store: AlertStore, rule: Rule) -> None:
        for alert in store.alerts.values():
            if alert.rule is rule and alert.state != "RESOLVED":
                self.resolve(store, alert, "system")

    def _note_devices(self, store: AlertStore, now: int) -> None:
        for device in store.organisation.devices.values():
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
                self.publish_event(store, store.note(fields, now))

    def _begin(self, store: AlertStore) -> None:
        channel = Channel(
            id=store.organisation.new_id(),
            name="Control room",
            type="EMAIL",
            target="control-room@example.org",
            created=self._world.since,
        )
        store.channels[channel.id] = channel
        for name, field, aggregate, comparison, limit, severity in _RULES:
            if name == "Door opened" and not self._world.config.lively:
                continue
            self._add(store, channel, name, field, (aggregate, comparison, limit, severity))
        for number in range(self._world.config.old_alerts if store.rules else 0):
            rules = list(store.rules.values())
            alert = self.fire(store, rules[number % len(rules)], 31.5, self._world.now - _HOUR * 24)
            alert.acknowledge(SOMEBODY, alert.fired + 120)
            alert.resolve(SOMEBODY, alert.fired + _HOUR)
            alert.rule.fired = None

    def _add(
        self,
        store: AlertStore,
        channel: Channel,
        name: str,
        field: str,
        judged: tuple[str | None, str, Value, str],
    ) -> None:
        sensors = store.organisation.sensors.values()
        sensor = next((one for one in sensors if one.name == field), None)
        if sensor is None:
            return
        aggregate, comparison, limit, severity = judged
        rule = Rule(
            id=store.organisation.new_id(),
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
        store.rules[rule.id] = rule


_RULES: tuple[tuple[str, str, str | None, str, Value, str], ...] = (
    ("Too warm", "temperature", None, "GREATER_THAN", 30.0, "CRITICAL"),
    ("Too humid", "humidity", "AVG", "GREATER_THAN", 95.0, "WARNING"),
    ("Machine fault", "mode", None, "CONTAINS", "fault", "INFO"),
    ("Door opened", "open", None, "IS_TRUE", True, "WARNING"),
)
