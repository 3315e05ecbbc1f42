"""Calls for alerts, notification channels and events."""

from collections.abc import Callable, Mapping, Sequence

from simulators.response import Reply

from .alert_engine import Alerting
from .alerts import SEVERITIES, Alert, Book, Channel, alert_record
from .request import ApiError, Visit
from .responder import Desk, filled
from .state import Record
from .times import at
from .webhooks import Delivery

_FOREVER = 1 << 34
_TYPES = {"WEBHOOK": "url", "EMAIL": "email"}


class AlertCalls:
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
            "GET /alerts": self.alerts,
            "GET /alerts/{id}": self.alert,
            "POST /alerts/{id}/acknowledge": self.acknowledge,
            "POST /alerts/{id}/resolve": self.resolve,
            "GET /alerts/{id}/notifications": self.notifications,
            "GET /notification-channels": self.channels,
            "POST /notification-channels": self.add_channel,
            "GET /notification-channels/{id}": self.channel,
            "PUT /notification-channels/{id}": self.change_channel,
            "DELETE /notification-channels/{id}": self.remove_channel,
            "POST /notification-channels/{id}/test": self.test_channel,
            "GET /events": self.events,
            "POST /events": self.post_event,
            "GET /events/{id}": self.event,
        }

    def alerts(self, visit: Visit) -> Reply:
        """List the alerts, of all or of one state, severity, rule, device or sensor."""
        found: Sequence[Alert] = list(self._book(visit).alerts.values())
        records = [self._alert_record(one) for one in found if self._in_period(visit, one.fired)]
        if state := visit.first(self._forms.alert_state, "status"):
            wanted = set(state.split(","))
            if self._forms.filters == "work":
                records = [one for one in records if one[self._forms.alert_state] in wanted]
        return self._desk.many(visit, "alerts", self._desk.in_order(records, "triggeredAt"))

    def alert(self, visit: Visit) -> Reply:
        """Show one alert."""
        found = self._desk.found(visit, self._book(visit).alerts)
        return self._desk.one(visit, "alerts", self._alert_record(found))

    def acknowledge(self, visit: Visit) -> Reply:
        """Acknowledge an alert."""
        book = self._book(visit)
        alert = self._desk.found(visit, book.alerts)
        if alert.state != "ACTIVE":
            self._refuse_ended(f"The alert is {alert.state}")
        else:
            self._alerting.acknowledge(book, alert, f"key_{visit.key.name}")
        return self._desk.acted(visit, "alerts", self._alert_record(alert))

    def resolve(self, visit: Visit) -> Reply:
        """Resolve an alert."""
        book = self._book(visit)
        alert = self._desk.found(visit, book.alerts)
        if alert.state == "RESOLVED":
            self._refuse_ended("The alert is RESOLVED")
        else:
            self._alerting.resolve(book, alert, f"key_{visit.key.name}")
        return self._desk.acted(visit, "alerts", self._alert_record(alert))

    def notifications(self, visit: Visit) -> Reply:
        """List what was told about an alert."""
        alert = self._desk.found(visit, self._book(visit).alerts)
        sent = [one for one in self._alerting.posting.sent if one.alert == alert.id]
        records = [_told(alert, one) for one in sent]
        return self._desk.many(visit, "notifications", records)

    def channels(self, visit: Visit) -> Reply:
        """List the channels."""
        records = [self._channel_record(one) for one in self._book(visit).channels.values()]
        return self._desk.many(visit, "notification-channels", records)

    def channel(self, visit: Visit) -> Reply:
        """Show one channel."""
        found = self._desk.found(visit, self._book(visit).channels)
        return self._desk.one(visit, "notification-channels", self._channel_record(found))

    def add_channel(self, visit: Visit) -> Reply:
        """Make a channel."""
        book = self._book(visit)
        channel = self._made_channel(visit, book, None)
        book.channels[channel.id] = channel
        record = self._channel_record(channel)
        return self._desk.one(visit, "notification-channels", record, created=True)

    def change_channel(self, visit: Visit) -> Reply:
        """Replace what a channel says."""
        book = self._book(visit)
        before = self._desk.found(visit, book.channels)
        channel = self._made_channel(visit, book, before)
        before.name, before.type, before.target = channel.name, channel.type, channel.target
        before.secret, before.enabled = channel.secret, channel.enabled
        return self._desk.one(visit, "notification-channels", self._channel_record(before))

    def remove_channel(self, visit: Visit) -> Reply:
        """Delete a channel, and take it from the rules that used it."""
        book = self._book(visit)
        channel = self._desk.found(visit, book.channels)
        using = [one for one in book.rules.values() if channel.id in one.channels]
        if using and self._forms.channel_in_use == "refuse":
            raise ApiError(409, "The channel is in use")
        for rule in using:
            rule.channels.remove(channel.id)
        del book.channels[channel.id]
        return Reply(204, body=b"")

    def test_channel(self, visit: Visit) -> Reply:
        """Send a test message."""
        channel = self._desk.found(visit, self._book(visit).channels)
        self._alerting.test(channel)
        return self._desk.acted(visit, "notifications", {"channelId": channel.id, "status": "SENT"})

    def events(self, visit: Visit) -> Reply:
        """List the log of events."""
        records = list(self._book(visit).events.values())
        if kind := visit.query.get("type"):
            records = [one for one in records if one["type"] == kind]
        return self._desk.many(visit, "events", self._desk.in_order(records, "timestamp"))

    def event(self, visit: Visit) -> Reply:
        """Show one event."""
        found = self._desk.found(visit, self._book(visit).events)
        return self._desk.one(visit, "events", found)

    def post_event(self, visit: Visit) -> Reply:
        """Write an event into the log."""
        book, body = self._book(visit), visit.body
        fields: Record = {
            "type": visit.text("type", "eventType", optional=True) or "CUSTOM",
            "title": visit.text("title", "name", "message"),
            "message": body.get("message"),
            "severity": visit.literal("severity", SEVERITIES, "INFO"),
            "data": body.get("data") or body.get("metadata") or {},
        }
        if device := visit.text("deviceId", optional=True):
            fields["deviceId"] = self._desk.by_id(visit, visit.organisation.devices, device).id
        if sensor := visit.text("sensorId", optional=True):
            fields["sensorId"] = self._desk.by_id(visit, visit.organisation.sensors, sensor).id
        if "timestamp" in body or "time" in body:
            fields["timestamp"] = at(visit.moment("timestamp", "time"))
        event = book.note(fields, visit.now)
        self._alerting.heard(book, event)
        return self._desk.one(visit, "events", event, created=True)

    def _book(self, visit: Visit) -> Book:
        return self._alerting.book(visit.organisation)

    def _alert_record(self, alert: Alert) -> Record:
        return alert_record(alert, self._forms.alert_state)

    def _channel_record(self, channel: Channel) -> Record:
        target = channel.target if self._forms.channel_url == "shown" else "***"
        config: Record = {_TYPES[channel.type]: target}
        return {
            "id": channel.id,
            "name": channel.name,
            "type": channel.type,
            **({"config": config} if self._forms.channel_config == "config" else config),
            "enabled": channel.enabled,
            "createdAt": at(channel.created),
        }

    def _refuse_ended(self, reason: str) -> None:
        if self._forms.ended != 200:
            raise ApiError(self._forms.ended, reason)

    def _in_period(self, visit: Visit, moment: int) -> bool:
        since, until = visit.period(_FOREVER)
        return self._forms.filters == "ignored" or since <= moment <= until

    def _made_channel(self, visit: Visit, book: Book, before: Channel | None) -> Channel:
        visit.body = filled(
            self._forms, visit.body, None if before is None else self._channel_record(before)
        )
        config = visit.body.get("config") or visit.body.get("configuration")
        if isinstance(config, dict):
            visit.body = {**visit.body, **config}
        kind = visit.literal("type", _TYPES, None)
        target = visit.text(_TYPES[kind], "target", "address", "recipients")
        if target == "***" and before is not None:
            target = before.target
        if kind == "WEBHOOK" and not target.startswith(("http://", "https://")):
            raise ApiError(400, "url must be an address")
        return Channel(
            id=book.organisation.new_id(),
            name=visit.text("name"),
            type=kind,
            target=target,
            secret=visit.text("secret", "signingSecret", optional=True),
            enabled=bool(visit.body.get("enabled", True)),
            created=visit.now,
        )


def _told(alert: Alert, delivery: Delivery) -> Record:
    return {
        "id": f"{alert.id[:-4]}{delivery.attempt:04}",
        "alertId": alert.id,
        "channelId": delivery.channel.id,
        "channelType": delivery.channel.type,
        "status": delivery.state,
        "attempts": delivery.attempt,
        "sentAt": at(delivery.at),
        "error": None if delivery.state != "FAILED" else str(delivery.outcome),
    }
