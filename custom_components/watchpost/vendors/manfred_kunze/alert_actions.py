"""Acknowledge and resolve many alerts in one action; alerts that already are so are skipped and listed."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from ...client.errors import (
    PermissionDeniedError,
    RateLimitedError,
    SignInRejectedError,
    UnreachableError,
    VendorError,
)
from ...contract.vendor import ActionCall, ActionHandler
from .alert_entities import rule_of
from .alert_poller import AlertPoller, is_outcome_unknown, is_refusal
from .control_schemas import ALERT_IDS
from .models.alerts import Alert, Lifecycle

# After so many alerts in a row for which the vendor could not be reached, the others are not tried.
_MAX_FAILURES: Final = 3
_ENTITY_ID: Final = "entity_id"


class AlertActions:
    """Run the actions about alerts of one organisation."""

    def __init__(self, poller: AlertPoller) -> None:
        self._poller = poller
        self.handlers: Mapping[str, ActionHandler] = {
            "acknowledge_alert": self._acknowledge,
            "resolve_alert": self._resolve,
        }

    async def _acknowledge(self, call: ActionCall) -> Mapping[str, Any]:
        return await self._change_states(call, Lifecycle.ACKNOWLEDGED)

    async def _resolve(self, call: ActionCall) -> Mapping[str, Any]:
        return await self._change_states(call, Lifecycle.RESOLVED)

    async def _change_states(self, call: ActionCall, to: Lifecycle) -> Mapping[str, Any]:
        """Change the state of each targeted alert in turn; return the outcome of each."""
        # The known alerts may be enough; else the write raises the error.
        with suppress(UnreachableError):
            await self._poller.poll_and_show()
        ids, targeted = self._targets(call)
        done: list[Alert] = []
        skipped: list[dict[str, str]] = []
        failed: list[dict[str, str]] = []
        is_broken, failures = False, 0
        for alert_id in ids:
            alert = self._poller.tracker.open.get(alert_id)
            reason = (
                _skip_reason(alert, to)
                if alert_id in targeted or alert is None
                else "not_of_target"
            )
            if alert is None or reason is not None:
                skipped.append({"alert_id": alert_id, "reason": reason or "not_open"})
                continue
            if is_broken:
                failed.append({"alert_id": alert_id, "reason": "not_tried"})
                continue
            try:
                done.append(await self._poller.change_state(alert, to))
                failures = 0
            except VendorError as err:
                is_final = isinstance(
                    err, SignInRejectedError | PermissionDeniedError | RateLimitedError
                )
                if not done and not failed and is_final:
                    raise
                failures += 1
                # A failure that every alert would share is not repeated for hundreds of them.
                is_broken = is_final or (
                    isinstance(err, UnreachableError) and failures >= _MAX_FAILURES
                )
                if is_refusal(err) and await self._has_changed(alert_id, to):
                    skipped.append({"alert_id": alert_id, "reason": "moved_meanwhile"})
                else:
                    failed.append({"alert_id": alert_id, "reason": _failure_reason(err)})
        word = "acknowledged" if to is Lifecycle.ACKNOWLEDGED else "resolved"
        return {
            word: [alert.id for alert in done],
            "skipped": skipped,
            "failed": failed,
            "update": self._poller.current_update(done),
        }

    def _targets(self, call: ActionCall) -> tuple[Collection[str], Collection[str]]:
        """Return the ids that were given, or else all open ones of the target; and the open ones of the target."""
        ids: list[str] = list(call.fields.get(ALERT_IDS, ()))
        known = self._poller.tracker.open
        if (channels := call.fields.get("channels")) is not None:
            rules = {rule_of(channel) for channel in channels}
            if None in rules:
                raise ValueError(_ENTITY_ID)
            of_target = [each.id for each in known.values() if each.rule in rules]
        elif call.device is not None:
            of_target = [each.id for each in known.values() if self._is_at(each, call.device)]
        elif ids:
            of_target = list(known)
        else:
            raise ValueError(ALERT_IDS)  # never all alerts by accident
        return dict.fromkeys(ids or of_target), set(of_target)

    def _is_at(self, alert: Alert, device: str) -> bool:
        return self._poller.locate(alert).device == device

    async def _has_changed(self, alert: str, to: Lifecycle) -> bool:
        """Fetch the alerts and return whether somebody else has changed this one already."""
        try:
            await self._poller.poll_and_show()
        except VendorError:
            return False
        return _skip_reason(self._poller.tracker.open.get(alert), to) is not None


def _skip_reason(alert: Alert | None, to: Lifecycle) -> str | None:
    """Return the reason why nothing is left to do for an alert, None if there is."""
    if alert is None:
        return "not_open"
    is_done = alert.state is Lifecycle.ACKNOWLEDGED and to is Lifecycle.ACKNOWLEDGED
    return "already_acknowledged" if is_done else None


def _failure_reason(err: VendorError) -> str:
    return "outcome_unknown" if is_outcome_unknown(err) else "refused"
