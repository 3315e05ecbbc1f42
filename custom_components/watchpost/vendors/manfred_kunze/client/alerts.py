"""Alert rules, alerts and notification channels: one method per call of the vendor's text, in its order.

Of these the vendor's pages state paths and methods ("Detect & alert", "REST API"), not the records.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp.hdrs import METH_DELETE, METH_POST, METH_PUT

from ....client.decode import RecordDecoder, Row, identifier
from ....client.errors import UnexpectedResponseError
from ..models.alerts import (
    Alert,
    AlertRule,
    NotificationChannel,
    read_alert,
    read_channel,
    read_rule,
)
from .api import PlatformApi, PlatformResponse, single

RULES: Final = "/alert-rules"
ALERTS: Final = "/alerts"
CHANNELS: Final = "/notification-channels"

_READ_RULES: Final = "read alert rules"
_CHANGE_RULES: Final = "change alert rules"
_READ_ALERTS: Final = "read alerts"
_READ_CHANNELS: Final = "read notification channels"
_CHANGE_CHANNELS: Final = "change notification channels"

MAX_ALERTS: Final = 10_000


class AlertingClient:
    """The calls of the group "Alerting". Every method raises a `VendorError`; writes are never repeated."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api

    # -- rules --

    async def list_rules(self) -> PlatformResponse[list[AlertRule]]:
        """Return all alert rules: GET /alert-rules."""
        return await self._api.pages(RULES, "alert rule", read_rule, permission=_READ_RULES)

    async def get_rule(self, rule: str) -> PlatformResponse[AlertRule]:
        """Return one rule as it is at this moment, to be put back: GET /alert-rules/{id}."""
        path = f"{RULES}/{rule}"
        self._api.forget(path)
        return await self._api.one(path, lambda row: _read(row, read_rule), permission=_READ_RULES)

    async def update_rule(self, rule: str, row: Mapping[str, Any]) -> AlertRule | None:
        """Put a whole rule back: PUT /alert-rules/{id}; the rule, where the reply shows it."""
        held = await self._api.send(METH_PUT, f"{RULES}/{rule}", row, permission=_CHANGE_RULES)
        after = single(held)
        return _read(after, read_rule) if after is not None else None

    async def enable_rule(self, rule: str) -> None:
        """Let a rule fire: POST /alert-rules/{id}/enable."""
        await self._api.send(METH_POST, f"{RULES}/{rule}/enable", permission=_CHANGE_RULES)

    async def disable_rule(self, rule: str) -> None:
        """Keep a rule from firing: POST /alert-rules/{id}/disable."""
        await self._api.send(METH_POST, f"{RULES}/{rule}/disable", permission=_CHANGE_RULES)

    # -- alerts --

    async def list_alerts(
        self, enough: Callable[[Sequence[Alert]], bool] | None = None
    ) -> PlatformResponse[list[Alert]]:
        """Return the alerts of all pages, or of so many as are said to be enough: GET /alerts."""
        read = _Reading()

        def is_enough(rows: Sequence[object]) -> bool:
            assert enough is not None
            return enough(read.all_of(rows))

        listed = await self._api.rows(
            ALERTS, permission=_READ_ALERTS, most=MAX_ALERTS, enough=is_enough if enough else None
        )
        sieve = RecordDecoder()
        alerts = _alerts(listed.rows, sieve)
        if len(listed.rows) >= MAX_ALERTS and not listed.is_whole:
            sieve.drop("alert", "more than are read")
        return PlatformResponse(alerts, sieve.rejected, listed.freshness, listed.is_whole)

    async def acknowledge(self, alert: str) -> Alert | None:
        """Say that somebody has seen it: POST /alerts/{id}/acknowledge; the alert, where the reply shows it."""
        return await self._move(alert, "acknowledge", "acknowledge alerts")

    async def resolve(self, alert: str) -> Alert | None:
        """Say that it is over: POST /alerts/{id}/resolve; the alert, where the reply shows it."""
        return await self._move(alert, "resolve", "resolve alerts")

    async def _move(self, alert: str, verb: str, permission: str) -> Alert | None:
        held = await self._api.send(METH_POST, f"{ALERTS}/{alert}/{verb}", permission=permission)
        row = single(held)
        read = _read(row, read_alert) if row is not None else None
        return read if read is not None and read.id == alert else None

    # -- notification channels --

    async def list_channels(self) -> PlatformResponse[list[NotificationChannel]]:
        """Return all notification channels: GET /notification-channels."""
        place = "notification channel"
        return await self._api.pages(CHANNELS, place, read_channel, permission=_READ_CHANNELS)

    async def create_channel(self, row: Mapping[str, Any]) -> NotificationChannel | None:
        """Add a channel: POST /notification-channels; None where the reply does not show it."""
        held = await self._api.send(METH_POST, CHANNELS, row, permission=_CHANGE_CHANNELS)
        made = single(held)
        return _read(made, read_channel) if made is not None else None

    async def update_channel(self, channel: str, row: Mapping[str, Any]) -> None:
        """Put a whole channel back: PUT /notification-channels/{id}."""
        await self._api.send(METH_PUT, f"{CHANNELS}/{channel}", row, permission=_CHANGE_CHANNELS)

    async def delete_channel(self, channel: str) -> None:
        """Delete one channel: DELETE /notification-channels/{id}; one that is gone already is no error."""
        try:
            await self._api.send(METH_DELETE, f"{CHANNELS}/{channel}", permission=_CHANGE_CHANNELS)
        except UnexpectedResponseError as err:
            if err.status not in (404, 410):
                raise

    async def test_channel(self, channel: str) -> None:
        """Have a test message sent: POST /notification-channels/{id}/test."""
        await self._api.send(METH_POST, f"{CHANNELS}/{channel}/test", permission=_CHANGE_CHANNELS)


class _Reading:
    """The alerts of a list that grows page by page, each read once."""

    def __init__(self) -> None:
        self._rows: Sequence[object] = ()
        self._count = 0
        self._alerts: list[Alert] = []
        self._sieve = RecordDecoder()

    def all_of(self, rows: Sequence[object]) -> list[Alert]:
        """Return the alerts of all rows; only new rows are parsed unless the list is another one."""
        if rows is not self._rows:
            self._rows, self._count, self._alerts, self._sieve = rows, 0, [], RecordDecoder()
        self._alerts += _alerts(rows[self._count :], self._sieve)
        self._count = len(rows)
        return self._alerts


def _alerts(rows: Sequence[object], sieve: RecordDecoder) -> list[Alert]:
    return list(sieve.identified("alert", list(rows), read_alert))


def _read[T](row: Row, read: Callable[[str, Row], T]) -> T | None:
    found = identifier(row.get("id"))
    return read(found, row) if found is not None else None
