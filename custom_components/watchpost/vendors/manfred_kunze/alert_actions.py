"""Acknowledges and resolves many alerts in one call; what has come so far already is skipped, and that is said."""

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
from .alert_poller import AlertPoller, is_open, is_refusal
from .control_schemas import ALERT_IDS
from .models.alerts import Alert, Lifecycle

# After so many alerts in a row for which the vendor could not be reached, the others are left alone.
_ENOUGH: Final = 3
_ENTITY_ID: Final = "entity_id"


class AlertActions:
    """The actions about alerts of one organisation."""

    def __init__(self, feed: AlertPoller) -> None:
        self._feed = feed
        self.handlers: Mapping[str, ActionHandler] = {
            "acknowledge_alert": self._acknowledge,
            "resolve_alert": self._resolve,
        }

    async def _acknowledge(self, call: ActionCall) -> Mapping[str, Any]:
        return await self._move(call, Lifecycle.ACKNOWLEDGED)

    async def _resolve(self, call: ActionCall) -> Mapping[str, Any]:
        return await self._move(call, Lifecycle.RESOLVED)

    async def _move(self, call: ActionCall, to: Lifecycle) -> Mapping[str, Any]:
        """Move each alert that is meant, one after the other; says what became of every one."""
        with suppress(
            UnreachableError
        ):  # what is known may be enough, and else the write says what is the matter
            await self._feed.look_and_show()
        ids, meant = self._meant(call)
        done: list[Alert] = []
        skipped: list[dict[str, str]] = []
        failed: list[dict[str, str]] = []
        is_broken, failures = False, 0
        for alert_id in ids:
            alert = self._feed.log.open.get(alert_id)
            reason = _why_not(alert, to) if alert_id in meant or alert is None else "not_of_target"
            if alert is None or reason is not None:
                skipped.append({"alert_id": alert_id, "reason": reason or "not_open"})
                continue
            if is_broken:
                failed.append({"alert_id": alert_id, "reason": "not_tried"})
                continue
            try:
                done.append(await self._feed.move(alert, to))
                failures = 0
            except VendorError as err:
                is_final = isinstance(
                    err, SignInRejectedError | PermissionDeniedError | RateLimitedError
                )
                if not done and not failed and is_final:
                    raise
                failures += 1
                # What no alert would fare better with is not tried with hundreds of them.
                is_broken = is_final or (isinstance(err, UnreachableError) and failures >= _ENOUGH)
                if is_refusal(err) and await self._is_moved(alert_id, to):
                    skipped.append({"alert_id": alert_id, "reason": "moved_meanwhile"})
                else:
                    failed.append({"alert_id": alert_id, "reason": _reason(err)})
        word = "acknowledged" if to is Lifecycle.ACKNOWLEDGED else "resolved"
        return {
            word: [alert.id for alert in done],
            "skipped": skipped,
            "failed": failed,
            "update": self._feed.shown(done),
        }

    def _meant(self, call: ActionCall) -> tuple[Collection[str], Collection[str]]:
        """The ids that were given, or else all that are open of the target; and those of the target."""
        ids: list[str] = list(call.fields.get(ALERT_IDS, ()))
        known = self._feed.log.open
        if (channels := call.fields.get("channels")) is not None:
            rules = {rule_of(channel) for channel in channels}
            if None in rules:
                raise ValueError(_ENTITY_ID)
            found = [each.id for each in known.values() if each.rule in rules]
        elif call.device is not None:
            found = [each.id for each in known.values() if self._is_at(each, call.device)]
        elif ids:
            found = list(known)
        else:
            raise ValueError(ALERT_IDS)  # never all there are, by accident
        return dict.fromkeys(ids or found), set(found)

    def _is_at(self, alert: Alert, device: str) -> bool:
        return self._feed.where(alert).device == device

    async def _is_moved(self, alert: str, to: Lifecycle) -> bool:
        """Whether somebody was faster, by a look at the list."""
        try:
            await self._feed.look_and_show()
        except VendorError:
            return False
        return _why_not(self._feed.log.open.get(alert), to) is not None


def _why_not(alert: Alert | None, to: Lifecycle) -> str | None:
    """Why nothing is left to be done with an alert."""
    if alert is None:
        return "not_open"
    is_done = alert.state is Lifecycle.ACKNOWLEDGED and to is Lifecycle.ACKNOWLEDGED
    return "already_acknowledged" if is_done else None


def _reason(err: VendorError) -> str:
    return "outcome_unknown" if is_open(err) else "refused"
