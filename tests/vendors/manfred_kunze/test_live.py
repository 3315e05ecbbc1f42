"""Live sessions of the Manfred Kunze platform: none is left open that nobody watches, as far as it can be ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.watchpost.client.errors import (
    TimedOutError,
    UnexpectedResponseError,
    UnreachableError,
)
from custom_components.watchpost.vendors.manfred_kunze import live_stream as live_module
from custom_components.watchpost.vendors.manfred_kunze.client.media import MediaClient
from custom_components.watchpost.vendors.manfred_kunze.client.pagination import PageStyle, Paginator
from custom_components.watchpost.vendors.manfred_kunze.live_stream import LiveSessions

LINK = "https://stream.example.org/live.m3u8"


class Deployment:
    """One that starts, lists and ends sessions; `can_end` is the way that it has, if any."""

    url = "https://iot.example.org/api"

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.can_end: str | None = "DELETE"
        self.calls: list[str] = []
        self.started: list[str] = []
        self.fails = 0
        self.waits: asyncio.Event | None = None
        self.begins = True

    async def send(self, method: str, path: str, **_: Any) -> object | None:
        self.calls.append(f"{method} {path}")
        if path.startswith("/cameras/"):
            name = f"s{len(self.started) + 1}"
            self.started.append(name)
            self.sessions[name] = {"id": name, "status": "REQUESTED", "cameraId": "c1"}
            return dict(self.sessions[name])
        name = path.split("/")[2]
        if method != self.can_end or name not in self.sessions:
            raise UnexpectedResponseError("no such thing", 404)
        self.sessions.pop(name)
        return None

    async def rows(self, path: str, **_: Any) -> Any:
        self.calls.append(f"GET {path}")
        if self.waits is not None:
            await self.waits.wait()
        if self.fails:
            self.fails -= 1
            raise UnreachableError("flaky")
        walk = Paginator("live", PageStyle(), 10, 10)
        for row in self.sessions.values():
            if self.begins:
                row |= {"status": "ACTIVE", "hlsUrl": LINK}
            walk.rows.append(dict(row))
        return walk.listed(is_ended=True)

    def forget(self, path: str) -> None:
        self.calls.append(f"forget {path}")


@pytest.fixture(name="deployment")
def deployment_fixture(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr(live_module, "_PAUSES", (0.01,))
    monkeypatch.setattr(live_module, "_START_TIMEOUT", 0.05)
    return Deployment()


@pytest.fixture(name="sessions")
def sessions_fixture(deployment: Deployment) -> LiveSessions:
    client = MediaClient(deployment)
    return LiveSessions(client, "c1", lambda at: at)


async def test_a_session_that_does_not_begin_in_time_is_ended(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    deployment.begins = False
    with pytest.raises(TimedOutError):
        await sessions.open(anew=False)
    assert deployment.sessions == {}


async def test_a_session_that_nobody_waits_for_any_more_is_ended(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    deployment.waits = asyncio.Event()
    opening = asyncio.ensure_future(sessions.open(anew=False))
    await asyncio.sleep(0.05)
    assert deployment.sessions
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert deployment.sessions == {}


async def test_a_look_that_fails_does_not_end_the_waiting(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    deployment.fails = 1
    assert list((await sessions.open(anew=False)).urls) == [LINK]
    assert deployment.calls[:2] == ["POST /cameras/c1/live", "forget /live"]


async def test_a_session_that_is_gone_does_not_teach_that_none_can_be_ended(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    await sessions.open(anew=False)
    deployment.sessions.clear()
    await sessions.close()
    await sessions.open(anew=False)
    await sessions.close()
    assert deployment.sessions == {}


async def test_where_there_is_no_way_to_end_one_that_is_tried_once(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    deployment.can_end = None
    await sessions.open(anew=False)
    await sessions.close()
    tried = [call for call in deployment.calls if " /live/" in call and "forget" not in call]
    assert tried == ["DELETE /live/s1", "POST /live/s1/stop"]
    await sessions.open(anew=False)
    await sessions.close()
    assert len(deployment.sessions) == 1
    assert tried == [
        call for call in deployment.calls if " /live/" in call and "forget" not in call
    ]


async def test_what_another_session_took_the_place_of_is_ended_in_time(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    for anew in (False, True, True):
        await sessions.open(anew=anew)
    # Players may still go on with the one before the last.
    assert len(deployment.sessions) == 2
    assert "s1" not in deployment.sessions
    await sessions.close()
    assert deployment.sessions == {}


async def test_what_has_ended_by_itself_is_let_be(
    deployment: Deployment, sessions: LiveSessions
) -> None:
    await sessions.open(anew=False)
    over = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    deployment.sessions["s1"]["expiresAt"] = over
    await sessions.open(anew=False)
    await sessions.open(anew=True)
    await sessions.close()
    assert not [call for call in deployment.calls if call.startswith("DELETE /live/s1")]
