"""Keep a webhook channel of our own at the platform, attached to the rules that the user chose and to no others.

The body of a push is not documented, and nothing proves who sent it: it is a hint to fetch the alerts.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, override

from ...client.errors import (
    InvalidFieldsError,
    PermissionDeniedError,
    UnexpectedResponseError,
    VendorError,
)
from ...contract.push import ChangeHint, PushProvider, Subscription
from ...models import ChannelId, FeedUpdate
from .alert_entities import ALERTS, PUSH
from .client.alerts import AlertingClient
from .client.api import is_missing
from .inventory import ACCOUNT
from .models.alerts import AlertRule, NotificationChannel, webhook_forms, with_channel, with_url

NAME: Final = "Watchpost (Home Assistant)"

# Another instance may write a rule at the same moment, without our channel: ours is attached again so often.
MAX_ATTEMPTS: Final = 3

_HINT: Final = ChangeHint(ALERTS, "")

type FetchAlerts = Callable[[], Awaitable[FeedUpdate]]


class AlertPush(PushProvider):
    """Manage the webhook channel of one organisation.

    `chosen` are the ids of the rules that push, `webhook_id` is the secret in our address, if there is one yet,
    `fetch_alerts` polls the alerts, `monotonic` gives the seconds by which responses are dated.
    """

    channel = ChannelId(ACCOUNT, PUSH)
    # By then the lists that were fetched before have expired.
    recheck_seconds = 1_000.0

    def __init__(
        self,
        client: AlertingClient,
        chosen: Iterable[str],
        webhook_id: str | None,
        fetch_alerts: FetchAlerts,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._chosen = frozenset(chosen)
        self._webhook_id = webhook_id
        self._fetch_alerts = fetch_alerts
        self._monotonic = monotonic
        self._untested: set[str] = set()
        # Rules that were written and not fetched since: a cached list may be older than the write.
        self._unverified: set[str] = set()
        self.kinds = ("",) if self._chosen else ()
        self.terms = " ".join(sorted(self._chosen))

    # -- the channel and its rules --

    @override
    async def registrations(self) -> Sequence[Subscription]:
        channels = (await self._client.list_channels()).value
        has_ours = any(self._is_ours(channel) for channel in channels)
        rules = await self._rules() if has_ours else []
        is_verified = all(
            self._is_configured(each, rules) for each in channels if self._is_ours(each)
        )
        if is_verified:
            self._unverified.clear()
        return [
            self._registration(channel, is_sound=self._is_configured(channel, rules))
            for channel in channels
        ]

    def _is_ours(self, channel: NotificationChannel) -> bool:
        secret = self._webhook_id
        return channel.id in self.known or bool(secret and (channel.url or "").endswith(secret))

    def _registration(self, channel: NotificationChannel, *, is_sound: bool) -> Subscription:
        """Return a listed channel as a subscription, with our known address where the vendor masks it."""
        url = self.known.get(channel.id) if channel.is_masked else channel.url
        return Subscription(channel.id, url or "", is_sound=is_sound)

    def _is_configured(self, channel: NotificationChannel, rules: Iterable[AlertRule]) -> bool:
        """Return whether a channel of ours is wanted, attached to the right rules, and tested.

        A channel that somebody disabled at the vendor stays so.
        """
        is_attached = not any(self._is_wrongly_attached(rule, channel) for rule in rules)
        return bool(self._chosen) and is_attached and channel.id not in self._untested

    def _is_wrongly_attached(self, rule: AlertRule, channel: NotificationChannel) -> bool:
        return (rule.id in self._chosen) != _notifies(rule, channel)

    async def _rules(self) -> list[AlertRule]:
        """Fetch the rules; those that were written lately are fetched one by one."""
        listed = (await self._client.list_rules()).value
        return [
            (await self._client.get_rule(rule.id)).value if rule.id in self._unverified else rule
            for rule in listed
        ]

    @override
    async def register(self, url: str, kind: str = "") -> Subscription:
        """Add the channel, attach it, and request a test message; a failure removes the channel again."""
        channel = await self._create(url)
        self._untested.add(channel.id)
        try:
            await self._update_rules(channel)
        except VendorError:
            with suppress(VendorError):
                await self.remove(channel.id)
            raise
        return Subscription(channel.id, url)

    async def _create(self, url: str) -> NotificationChannel:
        """Add the channel in one of the possible body forms; one that does not show our address is deleted again."""
        listed = (await self._client.list_channels()).value
        known = next((channel for channel in listed if channel.type == "WEBHOOK"), None)
        before = {channel.id for channel in listed}
        refusal: UnexpectedResponseError | InvalidFieldsError | None = None
        for form in webhook_forms(NAME, url, known):
            try:
                made = await self._client.create_channel(form)
            except (UnexpectedResponseError, InvalidFieldsError) as err:
                if isinstance(err, UnexpectedResponseError) and err.status not in (400, 422):
                    raise
                refusal = err
                continue
            if made is None or not _leads_to(made, url):
                made = await self._find_added(before, made)
            if made is None:  # another form would add a second channel
                raise UnexpectedResponseError("the channel that was added is not listed")
            if _leads_to(made, url):
                return made
            await self._client.delete_channel(made.id)
        raise refusal or UnexpectedResponseError(
            "no form of a channel shows the address that it was given"
        )

    async def _find_added(
        self, before: set[str], made: NotificationChannel | None
    ) -> NotificationChannel | None:
        """Return the channel that was just added, as the list shows it."""
        listed = (await self._client.list_channels()).value
        wanted = {made.id} if made else {channel.id for channel in listed} - before
        named = [channel for channel in listed if channel.id in wanted and channel.name == NAME]
        return named[0] if len(named) == 1 else made

    @override
    async def amend(self, registration: Subscription, url: str) -> Subscription | None:
        """Update our channel to our current address and the chosen rules; None if it has to be added anew."""
        channel = await self._channel(registration.id)
        if channel is None:
            return None
        if self._registration(channel, is_sound=False).url != url:
            await self._client.update_channel(channel.id, with_url(channel, url))
            changed = await self._channel(channel.id)
            if changed is None or not _leads_to(changed, url):
                await self.remove(channel.id)  # a new one is added in its place
                return None
            self._untested.add(channel.id)
        await self._update_rules(channel)
        return Subscription(channel.id, url)

    async def _channel(self, channel_id: str) -> NotificationChannel | None:
        listed = (await self._client.list_channels()).value
        return next((channel for channel in listed if channel.id == channel_id), None)

    async def _update_rules(self, channel: NotificationChannel) -> None:
        """Attach the channel to the chosen rules, detach it from others, and test it where that is due."""
        for rule in await self._rules():
            if self._is_wrongly_attached(rule, channel):
                await self._attach(rule.id, channel, wanted=rule.id in self._chosen)
        if channel.id in self._untested:
            await self._test(channel.id)
            self._untested.discard(channel.id)

    async def _test(self, channel: str) -> None:
        """Request a test message, unless the deployment has no such endpoint."""
        try:
            await self._client.test_channel(channel)
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise

    async def _attach(self, rule_id: str, channel: NotificationChannel, *, wanted: bool) -> None:
        """Write a rule as it is at this moment, with our channel or without it; check that it stays so.

        Another instance that writes the same rule at the same moment may detach our channel: fetching the rule again
        shows that.
        """
        rule = (await self._client.get_rule(rule_id)).value
        for _ in range(MAX_ATTEMPTS):
            if wanted == _notifies(rule, channel):
                return
            try:
                row = with_channel(rule, channel, wanted=wanted)
            except ValueError:
                raise UnexpectedResponseError("the rule does not show its channels") from None
            self._unverified.add(rule_id)
            await self._client.update_rule(rule_id, row)
            rule = (await self._client.get_rule(rule_id)).value
        if wanted != _notifies(rule, channel):
            raise UnexpectedResponseError("the rule is as it was before it was changed")

    @override
    async def remove(self, registration_id: str) -> None:
        """Detach our channel from every rule and delete it."""
        channel = NotificationChannel(id=registration_id)
        for rule in await self._rules():
            may_be_attached = rule.channels is None and rule.id in self._chosen
            if may_be_attached or _notifies(rule, channel):
                # The vendor may refuse a rule without any channel, or the permission to change rules may be missing;
                # the channel is deleted all the same.
                with suppress(UnexpectedResponseError, InvalidFieldsError, PermissionDeniedError):
                    await self._attach(rule.id, channel, wanted=False)
        await self._client.delete_channel(registration_id)

    # -- pushes --

    @override
    def read(self, body: bytes) -> ChangeHint:
        """Return a hint for any body: the vendor documents none."""
        return _HINT

    @override
    async def confirm(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        """Fetch the alerts as far as the vendor's cache rule permits; a cached response confirms nothing."""
        started_at = self._monotonic()
        update = await self._fetch_alerts()
        if any(reply.received < started_at for reply in update.freshness):
            return FeedUpdate(vendor_events=update.vendor_events, failure=update.failure)
        return update


def _notifies(rule: AlertRule, channel: NotificationChannel) -> bool:
    return channel.id in (rule.channels or ())


def _leads_to(channel: NotificationChannel, url: str) -> bool:
    """Return whether a channel shows our address, or a mask in its place."""
    return channel.url == url or channel.is_masked
