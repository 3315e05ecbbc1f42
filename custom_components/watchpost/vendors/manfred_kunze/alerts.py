"""The part of alert rules and alerts: what is polled and shown of them, what calls in, and who acknowledges."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, override

from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ...client.errors import PermissionDeniedError, UnexpectedResponseError
from ...contract.vendor import ActionHandler, Feed
from ...models import ChannelId, FeedUpdate
from .alert_actions import AlertActions
from .alert_entities import ALERTS, RULES, account_channels, is_of_rule, title
from .alert_poller import AlertPoller
from .alert_rules import RULES_EVERY, AlertRuleCache
from .client.alerts import AlertingClient
from .client.api import PlatformApi
from .feature import Discovery, Feature
from .inventory import OrganisationInventory
from .models.alerts import AlertRule
from .push import AlertPush

CONF_PUSH_RULES: Final = "push_rules"

# The vendor says nothing of limits; an alert is worth two questions a minute.
ALERTS_EVERY: Final = timedelta(seconds=30)
MIN_INTERVAL: Final = timedelta(seconds=15)


class AlertsFeature(Feature):
    """Rules and alerts of one organisation.

    `webhook_id` is None while no vendor could call in. `told_until` says up to when occurrences have been told, `show`
    has something shown between two polls, `remembered` are the channels that have entities from before; all are known
    only once the account is set up.
    """

    title = "alerts"

    def __init__(
        self,
        api: PlatformApi,
        inventory_tree: OrganisationInventory,
        options: Mapping[str, Any],
        webhook_id: str | None,
        *,
        delivered_until: Callable[[], datetime | None],
        show: Callable[[FeedUpdate], None],
        remembered: Callable[[], Collection[ChannelId]],
    ) -> None:
        self._client = AlertingClient(api)
        self._chosen: tuple[str, ...] = tuple(options.get(CONF_PUSH_RULES, ()))
        budget = api.transport.budget
        book = AlertRuleCache(self._client, inventory_tree, budget.now_utc, budget.now, remembered)
        self.feed = AlertPoller(
            self._client,
            book,
            now=budget.now_utc,
            clock=budget.now,
            vendor_now=api.now,
            delivered_until=delivered_until,
            show=show,
        )
        self._actions = AlertActions(self.feed)
        self.push: AlertPush | None = None
        if self._chosen or webhook_id is not None:
            self.push = AlertPush(
                self._client, self._chosen, webhook_id, self.feed.hear, budget.now
            )

    @override
    async def survey(self) -> Discovery:
        """What stands for all alerts together; the rules come with their own list."""
        return Discovery(channels=list(account_channels(has_push=bool(self._chosen))))

    @override
    def feeds(self) -> Sequence[Feed]:
        return [
            Feed(
                ALERTS,
                self.feed.fetch,
                ALERTS_EVERY,
                MIN_INTERVAL,
                is_whole=True,
                carrying_alarms=(ALERTS,),
            ),
            Feed(RULES, self.feed.fetch_rules, RULES_EVERY, MIN_INTERVAL, is_whole=True),
        ]

    @override
    def scope_of(self, key: str) -> str | None:
        return RULES if is_of_rule(key) else None

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @override
    async def options(self) -> Mapping[vol.Marker, Any]:
        """Which rules are to call in; none is chosen by itself."""
        choices: dict[str, str] = {}
        with suppress(
            PermissionDeniedError, UnexpectedResponseError
        ):  # without the right or the call nothing new is to be chosen
            choices = _told_apart((await self._client.list_rules()).value)
        choices |= {gone: gone for gone in self._chosen if gone not in choices}
        selector = SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(value=rule, label=label) for rule, label in choices.items()
                ],
                multiple=True,
                mode=SelectSelectorMode.DROPDOWN,
            )
        )
        return {vol.Optional(CONF_PUSH_RULES, default=[]): selector}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return self.feed.diagnostics() | {"rules_chosen_to_call_in": len(self._chosen)}


def _told_apart(rules: Sequence[AlertRule]) -> dict[str, str]:
    """What to call each of these rules so that no two are called the same."""
    count = Counter(map(title, rules))
    return {
        rule.id: title(rule) if count[title(rule)] == 1 else f"{title(rule)} ({rule.id[:8]})"
        for rule in rules
    }
