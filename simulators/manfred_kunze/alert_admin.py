"""Serve the admin routes for alerts, events and webhooks."""

from dataclasses import fields

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .alerts import Alert, Rule
from .cloud import ManfredKunzeCloud
from .config import DeliveryConfig
from .webhooks import Delivery


class AlertAdmin:
    """Serve the admin routes for alerts, rules and webhooks of the main organisation."""

    def __init__(self, cloud: ManfredKunzeCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/alerts", self.show)
        router.add_post(ADMIN_PATH + "/rules/{id}/fire", self.fire)
        router.add_post(ADMIN_PATH + "/alerts/{id}/{deed}", self.act)
        router.add_post(f"{ADMIN_PATH}/events", self.post_event)
        router.add_post(f"{ADMIN_PATH}/delivery", self.set_delivery)
        router.add_get(f"{ADMIN_PATH}/webhooks", self.show_webhooks)
        router.add_post(f"{ADMIN_PATH}/webhooks/forge", self.forge)
        router.add_post(f"{ADMIN_PATH}/webhooks/replay", self.replay)

    async def show(self, request: web.Request) -> web.Response:
        """Return the rules and alerts."""
        self._cloud.settle()
        return json_response(
            {
                "rules": [
                    {
                        "id": one.id,
                        "name": one.name,
                        "enabled": one.enabled,
                        "channels": one.channels,
                    }
                    for one in self._cloud.rules
                ],
                "alerts": [
                    {"id": one.id, "rule": one.rule.id, "state": one.state, "fired": one.fired}
                    for one in self._cloud.alerts
                ],
            }
        )

    async def fire(self, request: web.Request) -> web.Response:
        """Raise an alert by a rule."""
        rule = self._of(self._cloud.alert_store.rules, request)
        body = await json_object(request)
        alert = self._cloud.fire(rule, body.get("value", 99.0))
        await self._cloud.settled()
        return json_response({"id": alert.id})

    async def act(self, request: web.Request) -> web.Response:
        """Acknowledge or resolve an alert as another user."""
        actions = {"acknowledge": self._cloud.acknowledge, "resolve": self._cloud.resolve}
        alert = self._of(self._cloud.alert_store.alerts, request)
        if (action := actions.get(request.match_info["deed"])) is None:
            raise web.HTTPNotFound
        action(alert)
        await self._cloud.settled()
        return json_response({})

    async def post_event(self, request: web.Request) -> web.Response:
        """Add an event to the log."""
        cloud, body = self._cloud, await json_object(request)
        event = cloud.alert_store.note({"source": "SYSTEM", **body}, cloud.world.now)
        cloud.alert_engine.publish_event(cloud.alert_store, event)
        await cloud.settled()
        return json_response({"id": event["id"]})

    async def set_delivery(self, request: web.Request) -> web.Response:
        """Change the delivery settings of webhooks."""
        body = await json_object(request)
        if unknown := body.keys() - {spec.name for spec in fields(DeliveryConfig)}:
            raise refusal(f"There is no delivery setting {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._cloud.config.delivery, name, value)
        return json_response({})

    async def show_webhooks(self, request: web.Request) -> web.Response:
        """Return every message to a channel with its outcome."""
        sent = self._cloud.alert_engine.sender.sent
        return json_response({"sent": [_shown(delivery) for delivery in sent]})

    async def forge(self, request: web.Request) -> web.Response:
        """Send a forged body to all webhooks; a text is sent unchanged."""
        cloud, body = self._cloud, await json_object(request)
        content = body.get("body", {})
        for channel in cloud.alert_store.channels.values():
            if channel.type == "WEBHOOK":
                text = content.encode() if isinstance(content, str) else content
                cloud.alert_engine.sender.queue(channel, text, cloud.world.now, None)
        await cloud.settled()
        return json_response({})

    async def replay(self, request: web.Request) -> web.Response:
        """Send a message again; `index` counts the messages sent, default the last."""
        cloud, body = self._cloud, await json_object(request)
        try:
            delivery = cloud.alert_engine.sender.sent[int(body.get("index", -1))]
        except (IndexError, ValueError) as err:
            raise refusal("There was no such message") from err
        cloud.alert_engine.sender.replay(delivery, cloud.world.now)
        await cloud.settled()
        return json_response({})

    @staticmethod
    def _of[T: (Rule, Alert)](among: dict[str, T], request: web.Request) -> T:
        try:
            return among[request.match_info["id"]]
        except KeyError as err:
            raise web.HTTPNotFound from err


def _shown(delivery: Delivery) -> dict[str, object]:
    body = delivery.body.decode() if isinstance(delivery.body, bytes) else delivery.body
    return {
        "channel": delivery.channel.id,
        "type": delivery.channel.type,
        "alert": delivery.alert,
        "due": delivery.due,
        "at": delivery.at,
        "body": body,
        "attempt": delivery.attempt,
        "outcome": delivery.outcome,
    }
