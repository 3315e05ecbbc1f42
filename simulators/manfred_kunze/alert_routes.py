"""Serve the routes for alerts, notification channels and events."""

from collections.abc import Callable, Mapping, Sequence

from simulators.response import Response

from .alert_engine import AlertEngine
from .alerts import SEVERITIES, Alert, AlertStore, Channel, alert_record
from .errors import ApiError
from .request import ApiRequest
from .responder import Responder, filled
from .state import Record
from .times import at
from .webhooks import Delivery

_FOREVER = 1 << 34
_TYPES = {"WEBHOOK": "url", "EMAIL": "email"}


class AlertRoutes:
    """The routes for alerts, notification channels and events."""

    def __init__(self, responder: Responder, alert_engine: AlertEngine) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._alert_engine = alert_engine
        self._variants = responder.world.config.variants

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
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

    def alerts(self, request: ApiRequest) -> Response:
        """List the alerts, all or of one state, severity, rule, device or sensor."""
        found: Sequence[Alert] = list(self._store(request).alerts.values())
        records = [self._alert_record(one) for one in found if self._in_period(request, one.fired)]
        if state := request.first(self._variants.alert_state, "status"):
            wanted = set(state.split(","))
            if self._variants.filters == "work":
                records = [one for one in records if one[self._variants.alert_state] in wanted]
        return self._responder.many(
            request, "alerts", self._responder.in_order(records, "triggeredAt")
        )

    def alert(self, request: ApiRequest) -> Response:
        """Return one alert."""
        found = self._responder.find(request, self._store(request).alerts)
        return self._responder.one(request, "alerts", self._alert_record(found))

    def acknowledge(self, request: ApiRequest) -> Response:
        """Acknowledge an alert."""
        store = self._store(request)
        alert = self._responder.find(request, store.alerts)
        if alert.state != "ACTIVE":
            self._refuse_ended(f"The alert is {alert.state}")
        else:
            self._alert_engine.acknowledge(store, alert, f"key_{request.key.name}")
        return self._responder.acted(request, "alerts", self._alert_record(alert))

    def resolve(self, request: ApiRequest) -> Response:
        """Resolve an alert."""
        store = self._store(request)
        alert = self._responder.find(request, store.alerts)
        if alert.state == "RESOLVED":
            self._refuse_ended("The alert is RESOLVED")
        else:
            self._alert_engine.resolve(store, alert, f"key_{request.key.name}")
        return self._responder.acted(request, "alerts", self._alert_record(alert))

    def notifications(self, request: ApiRequest) -> Response:
        """List the notifications of an alert."""
        alert = self._responder.find(request, self._store(request).alerts)
        sent = [one for one in self._alert_engine.sender.sent if one.alert == alert.id]
        records = [_told(alert, one) for one in sent]
        return self._responder.many(request, "notifications", records)

    def channels(self, request: ApiRequest) -> Response:
        """List the channels."""
        records = [self._channel_record(one) for one in self._store(request).channels.values()]
        return self._responder.many(request, "notification-channels", records)

    def channel(self, request: ApiRequest) -> Response:
        """Return one channel."""
        found = self._responder.find(request, self._store(request).channels)
        return self._responder.one(request, "notification-channels", self._channel_record(found))

    def add_channel(self, request: ApiRequest) -> Response:
        """Create a channel."""
        store = self._store(request)
        channel = self._made_channel(request, store, None)
        store.channels[channel.id] = channel
        record = self._channel_record(channel)
        return self._responder.one(request, "notification-channels", record, created=True)

    def change_channel(self, request: ApiRequest) -> Response:
        """Replace a channel."""
        store = self._store(request)
        before = self._responder.find(request, store.channels)
        channel = self._made_channel(request, store, before)
        before.name, before.type, before.target = channel.name, channel.type, channel.target
        before.secret, before.enabled = channel.secret, channel.enabled
        return self._responder.one(request, "notification-channels", self._channel_record(before))

    def remove_channel(self, request: ApiRequest) -> Response:
        """Delete a channel, and remove it from the rules that use it."""
        store = self._store(request)
        channel = self._responder.find(request, store.channels)
        using = [one for one in store.rules.values() if channel.id in one.channels]
        if using and self._variants.channel_in_use == "refuse":
            raise ApiError(409, "The channel is in use")
        for rule in using:
            rule.channels.remove(channel.id)
        del store.channels[channel.id]
        return Response(204, body=b"")

    def test_channel(self, request: ApiRequest) -> Response:
        """Send a test message."""
        channel = self._responder.find(request, self._store(request).channels)
        self._alert_engine.test(channel)
        return self._responder.acted(
            request, "notifications", {"channelId": channel.id, "status": "SENT"}
        )

    def events(self, request: ApiRequest) -> Response:
        """List the events."""
        records = list(self._store(request).events.values())
        if kind := request.query.get("type"):
            records = [one for one in records if one["type"] == kind]
        return self._responder.many(
            request, "events", self._responder.in_order(records, "timestamp")
        )

    def event(self, request: ApiRequest) -> Response:
        """Return one event."""
        found = self._responder.find(request, self._store(request).events)
        return self._responder.one(request, "events", found)

    def post_event(self, request: ApiRequest) -> Response:
        """Add an event to the log."""
        store, body = self._store(request), request.body
        fields: Record = {
            "type": request.text("type", "eventType", optional=True) or "CUSTOM",
            "title": request.text("title", "name", "message"),
            "message": body.get("message"),
            "severity": request.literal("severity", SEVERITIES, "INFO"),
            "data": body.get("data") or body.get("metadata") or {},
        }
        if device := request.text("deviceId", optional=True):
            fields["deviceId"] = self._responder.by_id(
                request, request.organisation.devices, device
            ).id
        if sensor := request.text("sensorId", optional=True):
            fields["sensorId"] = self._responder.by_id(
                request, request.organisation.sensors, sensor
            ).id
        if "timestamp" in body or "time" in body:
            fields["timestamp"] = at(request.moment("timestamp", "time"))
        event = store.note(fields, request.now)
        self._alert_engine.publish_event(store, event)
        return self._responder.one(request, "events", event, created=True)

    def _store(self, request: ApiRequest) -> AlertStore:
        return self._alert_engine.store(request.organisation)

    def _alert_record(self, alert: Alert) -> Record:
        return alert_record(alert, self._variants.alert_state)

    def _channel_record(self, channel: Channel) -> Record:
        target = channel.target if self._variants.channel_url == "shown" else "***"
        config: Record = {_TYPES[channel.type]: target}
        return {
            "id": channel.id,
            "name": channel.name,
            "type": channel.type,
            **({"config": config} if self._variants.channel_config == "config" else config),
            "enabled": channel.enabled,
            "createdAt": at(channel.created),
        }

    def _refuse_ended(self, reason: str) -> None:
        if self._variants.ended != 200:
            raise ApiError(self._variants.ended, reason)

    def _in_period(self, request: ApiRequest, moment: int) -> bool:
        since, until = request.period(_FOREVER)
        return self._variants.filters == "ignored" or since <= moment <= until

    def _made_channel(
        self, request: ApiRequest, store: AlertStore, before: Channel | None
    ) -> Channel:
        request.body = filled(
            self._variants, request.body, None if before is None else self._channel_record(before)
        )
        config = request.body.get("config") or request.body.get("configuration")
        if isinstance(config, dict):
            request.body = {**request.body, **config}
        kind = request.literal("type", _TYPES, None)
        target = request.text(_TYPES[kind], "target", "address", "recipients")
        if target == "***" and before is not None:
            target = before.target
        if kind == "WEBHOOK" and not target.startswith(("http://", "https://")):
            raise ApiError(400, "url must be an address")
        return Channel(
            id=store.organisation.new_id(),
            name=request.text("name"),
            type=kind,
            target=target,
            secret=request.text("secret", "signingSecret", optional=True),
            enabled=bool(request.body.get("enabled", True)),
            created=request.now,
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
