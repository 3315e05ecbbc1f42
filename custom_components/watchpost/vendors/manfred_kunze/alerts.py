"""The feature of alert rules and alerts: feeds, push, actions and options."""

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
from .alert_entities import ALERTS, RULES, account_channels, is_named_by_rules, title
from .alert_poller import AlertPoller
from .alert_rules import RULES_EVERY, AlertRuleCache
from .client.alerts import AlertingClient
from .client.api import PlatformApi
from .feature import Discovery, Feature
from .inventory import OrganisationInventory
from .models.alerts import AlertRule
from .push import AlertPush

CONF_PUSH_RULES: Final = "push_rules"

# The vendor documents no limit; an alert is worth two requests a minute.
ALERTS_EVERY: Final = timedelta(seconds=30)
MIN_INTERVAL: Final = timedelta(seconds=15)


class AlertsFeature(Feature):
    """Offer the alert rules and alerts of one organisation.

    `webhook_id` is None while there is no webhook. `delivered_until` gives the time up to which events were dispatched,
    `show` publishes an update between two polls, `known_channels` gives the channels that have entities from before;
    all are known only once the account is set up.
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
        known_channels: Callable[[], Collection[ChannelId]],
    ) -> None:
        self._client = AlertingClient(api)
        self._push_rules: tuple[str, ...] = tuple(options.get(CONF_PUSH_RULES, ()))
        budget = api.transport.budget
        rules = AlertRuleCache(
            self._client, inventory_tree, budget.now_utc, budget.now, known_channels
        )
        self.poller = AlertPoller(
            self._client,
            rules,
            utc=budget.now_utc,
            monotonic=budget.now,
            vendor_utc=api.now,
            delivered_until=delivered_until,
            show=show,
        )
        self._actions = AlertActions(self.poller)
        self.push: AlertPush | None = None
        if self._push_rules or webhook_id is not None:
            self.push = AlertPush(
                self._client, self._push_rules, webhook_id, self.poller.poll_for_push, budget.now
            )

    @override
    async def discover(self) -> Discovery:
        """Return the account's channels of all alerts; the rules come with their own list."""
        return Discovery(channels=list(account_channels(has_push=bool(self._push_rules))))

    @override
    def feeds(self) -> Sequence[Feed]:
        return [
            Feed(
                ALERTS,
                self.poller.fetch,
                ALERTS_EVERY,
                MIN_INTERVAL,
                is_whole=True,
                carrying_alarms=(ALERTS,),
            ),
            Feed(RULES, self.poller.fetch_rules, RULES_EVERY, MIN_INTERVAL, is_whole=True),
        ]

    @override
    def source_list(self, channel: ChannelId) -> str | None:
        return RULES if is_named_by_rules(channel) else None

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @override
    async def options(self) -> Mapping[vol.Marker, Any]:
        """Return the field that chooses the rules that push; none is chosen by default."""
        choices: dict[str, str] = {}
        # Without the permission or the endpoint no further rule can be chosen.
        with suppress(PermissionDeniedError, UnexpectedResponseError):
            choices = _unique_titles((await self._client.list_rules()).value)
        choices |= {rule_id: rule_id for rule_id in self._push_rules if rule_id not in choices}
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
        return self.poller.diagnostics() | {"rules_chosen_to_call_in": len(self._push_rules)}


def _unique_titles(rules: Sequence[AlertRule]) -> dict[str, str]:
    """Return a title for each rule, no two the same."""
    count = Counter(map(title, rules))
    return {
        rule.id: title(rule) if count[title(rule)] == 1 else f"{title(rule)} ({rule.id[:8]})"
        for rule in rules
    }
