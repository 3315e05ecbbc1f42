"""Has the platform call in: a webhook channel of our own, attached to the rules that the user chose and to no others.

What a call says is documented nowhere, and nothing proves who sent it: it is taken as a hint to ask for the alerts.
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

# Another instance may put a rule back at the same moment, without our channel: so often ours is attached again.
MAX_ATTEMPTS: Final = 3

_HINT: Final = ChangeHint(ALERTS, "")

type Look = Callable[[], Awaitable[FeedUpdate]]


class AlertPush(PushProvider):
    """The webhook channel of one organisation.

    `chosen` are the rules that are to call in, `webhook_id` is the secret in our address, if there is one yet, `look`
    asks for the alerts, `clock` is the ledger's.
    """

    channel = ChannelId(ACCOUNT, PUSH)
    # By then the lists that were asked for before have expired.
    recheck_seconds = 1_000.0

    def __init__(
        self,
        client: AlertingClient,
        chosen: Iterable[str],
        webhook_id: str | None,
        look: Look,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._chosen = frozenset(chosen)
        self._webhook_id = webhook_id
        self._look = look
        self._clock = clock
        self._untested: set[str] = set()
        # Rules that were written and have not been read since: the list may be older than that.
        self._unverified: set[str] = set()
        self.kinds = ("",) if self._chosen else ()
        self.terms = " ".join(sorted(self._chosen))

    # -- the channel and its rules --

    @override
    async def registrations(self) -> Sequence[Subscription]:
        channels = (await self._client.list_channels()).value
        has_ours = any(self._is_ours(channel) for channel in channels)
        rules = await self._rules() if has_ours else []
        is_verified = all(self._is_sound(each, rules) for each in channels if self._is_ours(each))
        if is_verified:
            self._unverified.clear()
        return [
            self._registration(channel, is_sound=self._is_sound(channel, rules))
            for channel in channels
        ]

    def _is_ours(self, channel: NotificationChannel) -> bool:
        secret = self._webhook_id
        return channel.id in self.known or bool(secret and (channel.url or "").endswith(secret))

    def _registration(self, channel: NotificationChannel, *, is_sound: bool) -> Subscription:
        """As the vendor lists it, with the address that we know where the vendor shows a mask."""
        url = self.known.get(channel.id) if channel.is_masked else channel.url
        return Subscription(channel.id, url or "", is_sound=is_sound)

    def _is_sound(self, channel: NotificationChannel, rules: Iterable[AlertRule]) -> bool:
        """Whether one of ours is attached and tested as it should be, and is wanted at all.

        One that somebody switched off at the vendor stays so.
        """
        is_tended = not any(self._is_amiss(rule, channel) for rule in rules)
        return bool(self._chosen) and is_tended and channel.id not in self._untested

    def _is_amiss(self, rule: AlertRule, channel: NotificationChannel) -> bool:
        return (rule.id in self._chosen) != _notifies(rule, channel)

    async def _rules(self) -> list[AlertRule]:
        """List the rules; those that were written lately are read one by one."""
        listed = (await self._client.list_rules()).value
        return [
            (await self._client.get_rule(rule.id)).value if rule.id in self._unverified else rule
            for rule in listed
        ]

    @override
    async def register(self, url: str, kind: str = "") -> Subscription:
        """Add the channel, attach it, and have a test message sent; where one of these fails nothing is left behind."""
        channel = await self._create(url)
        self._untested.add(channel.id)
        try:
            await self._tend(channel)
        except VendorError:
            with suppress(VendorError):
                await self.remove(channel.id)
            raise
        return Subscription(channel.id, url)

    async def _create(self, url: str) -> NotificationChannel:
        """Add the channel in one of the forms that it may have; what does not show the address is taken away again."""
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
                made = await self._new(before, made)
            if made is None:  # another form would add another one
                raise UnexpectedResponseError("the channel that was added is not listed")
            if _leads_to(made, url):
                return made
            await self._client.delete_channel(made.id)
        raise refusal or UnexpectedResponseError(
            "no form of a channel shows the address that it was given"
        )

    async def _new(
        self, before: set[str], made: NotificationChannel | None
    ) -> NotificationChannel | None:
        """The channel that was just added, as the list has it."""
        listed = (await self._client.list_channels()).value
        wanted = {made.id} if made else {channel.id for channel in listed} - before
        named = [channel for channel in listed if channel.id in wanted and channel.name == NAME]
        return named[0] if len(named) == 1 else made

    @override
    async def amend(self, registration: Subscription, url: str) -> Subscription | None:
        """Have our channel lead to where we are, and be attached to what was chosen."""
        channel = await self._channel(registration.id)
        if channel is None:
            return None
        if self._registration(channel, is_sound=False).url != url:
            await self._client.update_channel(channel.id, with_url(channel, url))
            changed = await self._channel(channel.id)
            if changed is None or not _leads_to(changed, url):
                await self.remove(channel.id)  # another one is added in its place
                return None
            self._untested.add(channel.id)
        await self._tend(channel)
        return Subscription(channel.id, url)

    async def _channel(self, known: str) -> NotificationChannel | None:
        listed = (await self._client.list_channels()).value
        return next((channel for channel in listed if channel.id == known), None)

    async def _tend(self, channel: NotificationChannel) -> None:
        """Attach the channel to the chosen rules, take it off others, and have it tested where that is due."""
        for rule in await self._rules():
            if self._is_amiss(rule, channel):
                await self._attach(rule.id, channel, wanted=rule.id in self._chosen)
        if channel.id in self._untested:
            await self._test(channel.id)
            self._untested.discard(channel.id)

    async def _test(self, channel: str) -> None:
        """Have a test message sent, unless the deployment has no such call."""
        try:
            await self._client.test_channel(channel)
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise

    async def _attach(self, rule_id: str, channel: NotificationChannel, *, wanted: bool) -> None:
        """Put a rule back as it is at this moment, with our channel or without it; see that it stays so.

        Whoever puts the same rule back at the same moment takes ours off again, which reading it again shows.
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
        """Take our channel off every rule and delete it."""
        channel = NotificationChannel(id=registration_id)
        for rule in await self._rules():
            is_unsure = rule.channels is None and rule.id in self._chosen
            if is_unsure or _notifies(rule, channel):
                # A rule that would be left without any channel may be refused, or the right to change rules be lacking;
                # the channel goes all the same.
                with suppress(UnexpectedResponseError, InvalidFieldsError, PermissionDeniedError):
                    await self._attach(rule.id, channel, wanted=False)
        await self._client.delete_channel(registration_id)

    # -- calls --

    @override
    def read(self, body: bytes) -> ChangeHint:
        """Take any body for a hint: the vendor documents none."""
        return _HINT

    @override
    async def confirm(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        """Ask for the alerts, as far as the vendor's cache rule lets; what is held tells nothing new."""
        asked_at = self._clock()
        update = await self._look()
        if any(reply.received < asked_at for reply in update.freshness):
            return FeedUpdate(vendor_events=update.vendor_events, failure=update.failure)
        return update


def _notifies(rule: AlertRule, channel: NotificationChannel) -> bool:
    return channel.id in (rule.channels or ())


def _leads_to(channel: NotificationChannel, url: str) -> bool:
    """Whether a channel shows our address, or a mask in its place."""
    return channel.url == url or channel.is_masked
