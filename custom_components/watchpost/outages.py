"""Reports outages of an account's feeds, once when they begin and once when they end, and retries the sign-in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
import logging
from typing import Final, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.util import slugify

from .client.errors import PermissionDeniedError, RateLimitedError, SignInRejectedError, VendorError
from .client.optional_resources import is_unavailable
from .client.sign_in_state import SignInState
from .client.transport import Transport
from .const import DOMAIN
from .coordinator import FeedCoordinator
from .engine.battery_issues import is_about_battery

_LOGGER = logging.getLogger(__name__)


# These errors concern the whole account, whichever feed meets them: they are logged once, not for each feed.
_ACCOUNT_WIDE: Final = (RateLimitedError, SignInRejectedError)

# So many feeds and resources with the same error are logged by name; one more line stands for the others.
_MAX_NAMED: Final = 8

# After so many polls in a row without alarms a repair is raised.
_FAILURES_UNTIL_REPAIR: Final = 3

# Timers fire a little early or late.
_PROBE_TOLERANCE: Final = 1.0


class _Place(NamedTuple):
    """A feed, or one optional resource of it, that fails."""

    feed: str
    resource: str | None = None

    def __str__(self) -> str:
        return self.resource or self.feed


@dataclass(slots=True)
class _Outage:
    """An outage of one feed or resource: the newest error, and which kinds were logged."""

    error: VendorError
    in_a_row: int = 0
    reported: set[type[VendorError]] = field(default_factory=set)
    is_logged: bool = False

    @property
    def permission(self) -> str | None:
        """Return the permission that is missing, where that is the reason."""
        return self.error.permission if isinstance(self.error, PermissionDeniedError) else None


def _alarms_id(entry: ConfigEntry) -> str:
    return f"alarms_not_seen_{entry.entry_id}"


@callback
def async_clear_issues(
    hass: HomeAssistant, entry: ConfigEntry, *, is_starting: bool = False
) -> None:
    """Delete an account's repairs; those that still apply are raised again.

    At start the repair about alarms stays until it is known whether they are polled: set-up may fail often.
    """
    kept = _alarms_id(entry) if is_starting else None
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain != DOMAIN or entry.entry_id not in issue_id or is_about_battery(issue_id):
            continue
        if issue_id != kept:
            ir.async_delete_issue(hass, domain, issue_id)


class OutageTracker:
    """The outages of one account, by feed.

    `coordinators` are the account's feeds, `inventory` names the one that lists the devices; `transport` has the same
    credentials. `on_over` is called when an outage ends.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinators: Mapping[str, FeedCoordinator],
        *,
        inventory: str,
        transport: Transport,
        on_over: Callable[[], None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._coordinators = coordinators
        self._inventory_name = inventory
        self._transport = transport
        self._stop_listening = self._sign_in.listen(self._on_accepted)
        self._on_over = on_over
        self._outages: dict[_Place, _Outage] = {}
        self._account_wide: dict[type[VendorError], set[_Place]] = {}
        # None: it is not known yet whether the repair from before this start still applies.
        self._missing_alarms: dict[str, None] | None = None
        self._missing: dict[str, None] = {}
        self._push_permission: str | None = None
        self._history_permission: str | None = None
        self._cancel_probe: CALLBACK_TYPE | None = None
        self._is_started = False
        self._is_set_up_failing = False

    @callback
    def async_start(self) -> None:
        """Log outages from now on; until the account is set up Home Assistant logs them."""
        self._is_started = True

    @callback
    def async_stop(self) -> None:
        """Stop retrying the sign-in."""
        self._stop_listening()
        if self._cancel_probe is not None:
            self._cancel_probe()

    @property
    def _inventory(self) -> FeedCoordinator:
        return self._coordinators[self._inventory_name]

    # Feeds

    @callback
    def async_follow(self, coordinator: FeedCoordinator, err: VendorError | None) -> None:
        """Report the begin and end of outages of a feed and its optional resources after a poll."""
        feed = coordinator.name
        now: dict[_Place, VendorError] = {_Place(feed): err} if err else {}
        now |= {_Place(feed, name): each for name, each in coordinator.resource_errors.items()}
        for place in [place for place in self._outages if place.feed == feed and place not in now]:
            if err is None or place.resource is None:
                self._end(place)
        if (
            not self._is_started
            and isinstance(err, SignInRejectedError)
            and not self._sign_in.is_refused
        ):
            self._entry.async_start_reauth_if_available(self._hass)
        for place, error in now.items():
            if self._is_started or place.resource is not None:
                self._begin(place, error)
        if not self._is_started and coordinator is self._inventory:
            # Nothing else is polled before the devices are listed. A new account has no alarms to miss yet.
            self._is_set_up_failing = err is not None and self._knows_devices
        self._follow_permissions()
        self._follow_alarms()

    @property
    def _knows_devices(self) -> bool:
        registry = dr.async_get(self._hass)
        return bool(dr.async_entries_for_config_entry(registry, self._entry.entry_id))

    @callback
    def async_leave(self, feed: str) -> None:
        """Forget the outages of a feed that is not polled any more."""
        for place in [place for place in self._outages if place.feed == feed]:
            self._end(place)
        self._follow_permissions()
        self._follow_alarms()

    def _begin(self, place: _Place, err: VendorError) -> None:
        """Record a failure, and log each kind of error once until the end of the outage."""
        outage = self._outages.setdefault(place, _Outage(err))
        outage.error = err
        outage.in_a_row += 1
        kind = type(err)
        if kind is SignInRejectedError:
            self._on_rejected()
        if kind in outage.reported:
            return
        outage.reported.add(kind)
        if kind in _ACCOUNT_WIDE:
            places = self._account_wide.setdefault(kind, set())
            places.add(place)
            if len(places) > 1:
                return
        elif (count := self._count_logged(kind, but=place)) >= _MAX_NAMED:
            if count == _MAX_NAMED and not outage.is_logged:
                outage.is_logged = True
                _LOGGER.warning("%s: cannot update more feeds: %s", self._entry.title, err)
            return
        outage.is_logged = True
        _LOGGER.warning("%s: cannot update %s: %s", self._entry.title, place, err)

    def _count_logged(self, kind: type[VendorError], *, but: _Place) -> int:
        return sum(
            outage.is_logged and kind in outage.reported
            for place, outage in self._outages.items()
            if place != but
        )

    def _end(self, place: _Place) -> None:
        """End an outage, log that, and import what was missed."""
        outage = self._outages.pop(place)
        is_over = [kind for kind in _ACCOUNT_WIDE if self._is_last(kind, place)]
        is_named = outage.is_logged and not outage.reported.issubset(_ACCOUNT_WIDE)
        if is_named or is_over:
            what = place if is_named else "all feeds"
            _LOGGER.info("%s: updating %s again", self._entry.title, what)
        if SignInRejectedError in is_over:
            self._on_accepted()
        self._on_over()

    def _is_last(self, kind: type[VendorError], place: _Place) -> bool:
        """Remove a place from those with an account-wide error; return whether that was the last one."""
        places = self._account_wide.get(kind, set())
        if place not in places:
            return False
        places.discard(place)
        return not places

    # Alarms

    @callback
    def _follow_alarms(self) -> None:
        """Raise a repair while alarms cannot be fetched, naming the feeds and resources."""
        missing_alarms: dict[str, None] = dict.fromkeys(
            str(place)
            for place, outage in self._outages.items()
            if self._carries_alarms(place)
            and (is_unavailable(outage.error) or outage.in_a_row >= _FAILURES_UNTIL_REPAIR)
        )
        if self._is_set_up_failing:
            missing_alarms[self._inventory_name] = None
        if missing_alarms == self._missing_alarms:
            return
        self._missing_alarms = missing_alarms
        issue_id = _alarms_id(self._entry)
        if not missing_alarms:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="alarms_not_seen",
            translation_placeholders={
                "title": self._entry.title,
                "resources": ", ".join(sorted(missing_alarms)),
            },
        )

    def _carries_alarms(self, place: _Place) -> bool:
        coordinator = self._coordinators.get(place.feed)
        return coordinator is not None and str(place) in coordinator.feed.carrying_alarms

    # Permissions

    @callback
    def _follow_permissions(self) -> None:
        """Raise a repair for each missing permission, and delete those that are granted again."""
        missing = dict.fromkeys(
            outage.permission for outage in self._outages.values() if outage.permission is not None
        )
        for permission in self._missing.keys() - missing.keys():
            if permission not in (self._push_permission, self._history_permission):
                ir.async_delete_issue(self._hass, DOMAIN, self._not_allowed_id(permission))
        for permission in missing.keys() - self._missing.keys():
            self._report_not_allowed(permission)
        self._missing = missing

    @callback
    def async_follow_push(self, err: Exception | None) -> None:
        """Report the permission that webhooks need; without them polling goes on."""
        self._push_permission = self._follow_permission(self._push_permission, err)

    @callback
    def async_follow_history(self, err: Exception | None) -> None:
        """Report the permission that history needs; without it readings are polled all the same."""
        self._history_permission = self._follow_permission(self._history_permission, err)

    @callback
    def _follow_permission(self, before: str | None, err: Exception | None) -> str | None:
        """Report the permission that is missing now in place of the one before; return it."""
        missing = err.permission if isinstance(err, PermissionDeniedError) else None
        if before is not None and before != missing and before not in self._missing:
            ir.async_delete_issue(self._hass, DOMAIN, self._not_allowed_id(before))
        if missing is not None:
            self._report_not_allowed(missing)
        return missing

    @callback
    def _report_not_allowed(self, permission: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._not_allowed_id(permission),
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="not_allowed",
            translation_placeholders={"title": self._entry.title, "right": permission},
        )

    def _not_allowed_id(self, permission: str) -> str:
        return f"not_allowed_{self._entry.entry_id}_{slugify(permission)}"

    # Credentials

    async def async_probe_before_set_up(self) -> None:
        """Return at once unless the credentials were rejected recently; then retry them only when that is due.

        Raises ConfigEntryNotReady, after which Home Assistant sets the entry up again in a while.
        """
        state = self._sign_in
        if not state.is_refused:
            return
        if self._seconds_until_probe > _PROBE_TOLERANCE:
            raise self._not_signed_in()
        await self._try_credentials()
        if state.is_refused:
            raise self._not_signed_in()

    @staticmethod
    def _not_signed_in() -> ConfigEntryNotReady:
        return ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="sign_in_rejected")

    @property
    def _sign_in(self) -> SignInState:
        return self._transport.sign_in_state

    @property
    def _seconds_until_probe(self) -> float:
        """Return the seconds until the sign-in is retried."""
        budget = self._transport.budget
        return max(self._sign_in.next_probe, budget.paused_until) - budget.now()

    @callback
    def _on_rejected(self) -> None:
        """Pause polling; start reauth at once where the credentials are accepted but belong to another account.

        The list of devices is still polled then: it shows when they are this account's again.
        """
        if self._sign_in.is_refused:
            self._pause()
            return
        self._entry.async_start_reauth_if_available(self._hass)
        for coordinator in self._coordinators.values():
            coordinator.is_signed_out = coordinator is not self._inventory

    @callback
    def _pause(self) -> None:
        """Pause polling while rejected credentials are retried with back-off."""
        if self._cancel_probe is not None:
            return
        for coordinator in self._coordinators.values():
            # Feeds with a sign-in of their own go on.
            if coordinator.feed.budget is self._inventory.feed.budget:
                coordinator.is_signed_out = True
        self._plan_probe()

    @callback
    def _plan_probe(self) -> None:
        self._cancel_probe = async_call_later(
            self._hass, max(self._seconds_until_probe, 1.0), self._probe
        )

    async def _probe(self, _now: datetime) -> None:
        self._cancel_probe = None
        await self._try_credentials()
        if self._sign_in.is_refused and self._cancel_probe is None:
            self._plan_probe()

    async def _try_credentials(self) -> None:
        """Probe the credentials; start reauth when they have been rejected for two minutes."""
        state = self._sign_in
        try:
            await self._transport.probe()
        except SignInRejectedError:
            if state.is_given_up:
                self._entry.async_start_reauth_if_available(self._hass)
        except VendorError:
            state.postpone()  # an outage says nothing about credentials

    @callback
    def _on_accepted(self) -> None:
        """Resume polling: a request with the credentials succeeded."""
        if self._cancel_probe is not None:
            self._cancel_probe()
            self._cancel_probe = None
        for flow in list(self._entry.async_get_active_flows(self._hass, {"reauth"})):
            self._hass.config_entries.flow.async_abort(flow["flow_id"])
        if self._account_wide.pop(SignInRejectedError, None):
            _LOGGER.info("%s: the vendor accepts the credentials again", self._entry.title)
        for outage in self._outages.values():
            outage.reported.discard(SignInRejectedError)
        waiting = [
            coordinator for coordinator in self._coordinators.values() if coordinator.is_signed_out
        ]
        for coordinator in waiting:
            coordinator.is_signed_out = False
        if waiting:
            self._entry.async_create_background_task(
                self._hass, self._resume(waiting), f"{DOMAIN} signed in again"
            )

    async def _resume(self, coordinators: Iterable[FeedCoordinator]) -> None:
        for coordinator in coordinators:
            if coordinator.is_polled:
                await coordinator.async_refresh()
