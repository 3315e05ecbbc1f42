"""Acknowledges and resolves many alerts in one call; what has come so far already is skipped, and that is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from ...engine.model import FeedUpdate
from ..base import ActionCall, ActionHandler
from ..errors import (
    Invalid,
    NotAllowed,
    RateLimited,
    SignInRejected,
    UnexpectedReply,
    Unreachable,
    VendorError,
)
from .alert_feed import AlertFeed
from .alerts import rule_of
from .control_offers import ALERT_IDS
from .records.alerting import Alert, Lifecycle

# What a vendor may answer about an alert that somebody else has moved on meanwhile.
_REFUSED: Final = frozenset({400, 404, 409, 410, 422})
_ENTITY_ID: Final = "entity_id"


class AlertActions:
    """The actions about alerts of one organisation."""

    def __init__(self, feed: AlertFeed) -> None:
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
        updates: list[FeedUpdate] = []
        with suppress(
            Unreachable
        ):  # what is known may be enough, and else the write says what is the matter
            updates.append(await self._feed.look())
        ids, meant = self._meant(call)
        done: list[Alert] = []
        skipped: list[dict[str, str]] = []
        failed: list[dict[str, str]] = []
        for alert_id in ids:
            alert = self._feed.log.open.get(alert_id)
            reason = _why_not(alert, to) if alert_id in meant or alert is None else "not_of_target"
            if alert is None or reason is not None:
                skipped.append({"alert_id": alert_id, "reason": reason or "not_open"})
                continue
            try:
                done.append(await self._feed.move(alert, to))
            except VendorError as err:
                if not done and isinstance(err, SignInRejected | NotAllowed | RateLimited):
                    raise
                if _is_refusal(err) and await self._is_moved(alert_id, to, updates):
                    skipped.append({"alert_id": alert_id, "reason": "moved_meanwhile"})
                else:
                    failed.append({"alert_id": alert_id, "reason": _reason(err)})
        word = "acknowledged" if to is Lifecycle.ACKNOWLEDGED else "resolved"
        return {
            word: [alert.id for alert in done],
            "skipped": skipped,
            "failed": failed,
            "update": _merged(updates, self._feed.shown(done)),
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

    async def _is_moved(self, alert: str, to: Lifecycle, updates: list[FeedUpdate]) -> bool:
        """Whether somebody was faster, by a look at the list."""
        try:
            updates.append(await self._feed.look())
        except VendorError:
            return False
        return _why_not(self._feed.log.open.get(alert), to) is not None


def _merged(updates: Iterable[FeedUpdate], last: FeedUpdate) -> FeedUpdate:
    """What several looks brought: how it stands by the last, and all that happened."""
    before = list(updates)
    return replace(
        last,
        occurrences=[each for update in (*before, last) for each in update.occurrences],
        inventory=next((u.inventory for u in reversed(before) if u.inventory), None),
    )


def _why_not(alert: Alert | None, to: Lifecycle) -> str | None:
    """Why nothing is left to be done with an alert."""
    if alert is None:
        return "not_open"
    is_done = alert.state is Lifecycle.ACKNOWLEDGED and to is Lifecycle.ACKNOWLEDGED
    return "already_acknowledged" if is_done else None


def _is_refusal(err: VendorError) -> bool:
    return isinstance(err, Invalid) or (isinstance(err, UnexpectedReply) and err.status in _REFUSED)


def _reason(err: VendorError) -> str:
    return "refused" if _is_refusal(err) else "outcome_unknown"
