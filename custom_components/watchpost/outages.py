"""What stands between an account and its vendor: said once when it comes and once when it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
import logging
from typing import NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.util import slugify

from .const import DOMAIN, SIGN_IN_PROBE_CEILING, SIGN_IN_PROBE_SECONDS
from .coordinator import FeedCoordinator
from .engine.batteries import is_about_battery
from .vendors.errors import NotAllowed, SignInRejected, VendorError

_LOGGER = logging.getLogger(__name__)


class _Outage(NamedTuple):
    """One kind of failure; `right` is the missing one."""

    kind: type[VendorError]
    right: str | None = None


def _outage_of(err: VendorError) -> _Outage:
    return _Outage(type(err), err.right if isinstance(err, NotAllowed) else None)


@callback
def async_clear_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take back what was said of an account; what is still so will be said again."""
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and entry.entry_id in issue_id and not is_about_battery(issue_id):
            ir.async_delete_issue(hass, domain, issue_id)


class Outages:
    """What is the matter with one account, by feed.

    `coordinators` are the account's, `inventory` is the one whose list of devices tells for all whether credentials
    work. `on_over` is called when something is no longer the matter.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinators: Mapping[str, FeedCoordinator],
        inventory: str,
        on_over: Callable[[], None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._coordinators = coordinators
        self._inventory_name = inventory
        self._on_over = on_over
        self._feeds: dict[_Outage, set[str]] = {}
        self._push_lacks: str | None = None
        self._history_lacks: str | None = None
        self._cancel_probe: CALLBACK_TYPE | None = None
        self._probe_after = SIGN_IN_PROBE_SECONDS
        self._is_started = False

    @callback
    def async_start(self) -> None:
        """The account has been set up: until then Home Assistant says what is the matter."""
        self._is_started = True

    @callback
    def async_stop(self) -> None:
        """Try no credentials any more."""
        if self._cancel_probe is not None:
            self._cancel_probe()

    @property
    def _inventory(self) -> FeedCoordinator:
        return self._coordinators[self._inventory_name]

    # Feeds

    @callback
    def async_follow(self, coordinator: FeedCoordinator, err: VendorError | None) -> None:
        """Log each kind of failure once when it comes and once when it has gone, however many feeds have it."""
        now = _outage_of(err) if err else None
        self.async_leave(coordinator.name, except_for=now)
        if coordinator is self._inventory and self._is_started:
            self._follow_sign_in(err)
        if now is None or err is None:
            return
        if now in self._feeds:
            self._feeds[now].add(coordinator.name)
            return
        self._feeds[now] = {coordinator.name}
        if now.right is not None:
            self._report_not_allowed(now.right)
        if not self._is_started:
            return  # Home Assistant logs why set-up waits
        _LOGGER.warning("%s: cannot update %s: %s", self._entry.title, coordinator.name, err)
        if now.kind is SignInRejected:
            self._signed_out()

    @callback
    def async_leave(self, feed: str, *, except_for: _Outage | None = None) -> None:
        """Take a feed that recovered, or that is not polled any more, out of what is the matter."""
        for outage in [outage for outage in self._feeds if outage != except_for]:
            feeds = self._feeds[outage]
            feeds.discard(feed)
            if not feeds:
                del self._feeds[outage]
                self._over(outage)

    @callback
    def _over(self, outage: _Outage) -> None:
        _LOGGER.info("%s: updating again after %s", self._entry.title, outage.kind.__name__)
        self._on_over()
        if outage.right is not None:
            ir.async_delete_issue(self._hass, DOMAIN, self._not_allowed_id(outage.right))
        if outage.kind is SignInRejected:
            self._probe_after = SIGN_IN_PROBE_SECONDS
            for flow in list(self._entry.async_get_active_flows(self._hass, {"reauth"})):
                self._hass.config_entries.flow.async_abort(flow["flow_id"])

    # Rights

    @callback
    def async_follow_push(self, err: Exception | None) -> None:
        """Say which right the vendor's calls would need; without them polling does all."""
        self._push_lacks = self._follow_right(self._push_lacks, err)

    @callback
    def async_follow_history(self, err: Exception | None) -> None:
        """Say which right history would need; without it the newest values come all the same."""
        self._history_lacks = self._follow_right(self._history_lacks, err)

    @callback
    def _follow_right(self, before: str | None, err: Exception | None) -> str | None:
        """Report the right that is lacking now in place of the one before; return it."""
        lacks = err.right if isinstance(err, NotAllowed) else None
        if before is not None and before != lacks:
            ir.async_delete_issue(self._hass, DOMAIN, self._not_allowed_id(before))
        if lacks is not None:
            self._report_not_allowed(lacks)
        return lacks

    @callback
    def _report_not_allowed(self, right: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._not_allowed_id(right),
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="not_allowed",
            translation_placeholders={"title": self._entry.title, "right": right},
        )

    def _not_allowed_id(self, right: str) -> str:
        return f"not_allowed_{self._entry.entry_id}_{slugify(right)}"

    # Credentials

    @callback
    def _signed_out(self) -> None:
        """Ask nothing more with credentials that were refused; try them again ever more rarely.

        The vendor may have been wrong, and nobody may be there to answer Home Assistant's request to sign in.
        """
        if self._cancel_probe is not None:
            return
        for coordinator in self._coordinators.values():
            # Those with a sign-in of their own go on.
            if coordinator.feed.ledger is self._inventory.feed.ledger:
                coordinator.is_signed_out = True
        self._cancel_probe = async_call_later(self._hass, self._probe_after, self._probe)
        self._probe_after = min(2 * self._probe_after, SIGN_IN_PROBE_CEILING)

    async def _probe(self, _now: datetime) -> None:
        self._cancel_probe = None
        self._inventory.is_signed_out = False
        await self._inventory.async_refresh()

    @callback
    def _follow_sign_in(self, err: VendorError | None) -> None:
        """The list of devices tells for all feeds whether the credentials work again."""
        if isinstance(err, SignInRejected):
            self._signed_out()
            return
        waiting = [found for found in self._coordinators.values() if found.is_signed_out]
        if err is None and waiting:
            self._entry.async_create_background_task(
                self._hass, self._resume(waiting), f"{DOMAIN} signed in again"
            )

    async def _resume(self, coordinators: Iterable[FeedCoordinator]) -> None:
        for coordinator in coordinators:
            coordinator.is_signed_out = False
            if coordinator.is_polled:
                await coordinator.async_refresh()
