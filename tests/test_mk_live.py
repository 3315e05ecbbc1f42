"""Live sessions of the Manfred Kunze platform: when they begin and end, in every form that they may have.

What plays here is a plain HTTP client; Home Assistant's own player is in test_mk_cameras.py.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession
from homeassistant.components.camera import (
    async_get_image,
    async_get_stream_source,
    async_request_stream,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.manfred_kunze.cameras import Camera

from .mk_house import MkHouse, OpenMk, asked

IDLE = 31


async def finished[T](house: MkHouse, task: asyncio.Future[T]) -> T:
    """Let time go by, no more than the task needs; its requests are answered in real time."""
    for _ in range(90):
        await house.settle()
        if task.done():
            break
        await house.pass_time(1)
    assert task.done()
    return task.result()


class Player:
    """Plays one camera as any player on this machine could."""

    def __init__(self, house: MkHouse, camera: Camera) -> None:
        self.house = house
        self.camera = camera
        found = house.entity(f"camera-{camera.id}", "camera", "camera")
        assert found is not None
        self.entity_id = found

    @property
    def state(self) -> str:
        state = self.house.hass.states.get(self.entity_id)
        assert state is not None
        return state.state

    async def get(self, name: str | None = None) -> tuple[int, bytes]:
        """Fetch the stream's playlist, or what it names."""
        address = await async_get_stream_source(self.house.hass, self.entity_id)
        assert address is not None
        url = address if name is None else f"{address.rpartition('/')[0]}/{name}"

        async def fetch() -> tuple[int, bytes]:
            async with ClientSession() as session, session.get(url) as response:
                return response.status, await response.read()

        return await finished(self.house, asyncio.ensure_future(fetch()))

    async def play(self) -> bytes:
        """Fetch playlists down to a piece of video."""
        status, body = await self.get()
        while status == HTTPStatus.OK and body.startswith(b"#EXTM3U"):
            names = [line for line in body.decode().splitlines() if line and line[0] != "#"]
            status, body = await self.get(names[-1])
        assert status == HTTPStatus.OK
        return body


def starts(mk: ManfredKunzeCloud, camera: Camera) -> int:
    return len(asked(mk, f"/cameras/{camera.id}/live", "POST"))


@pytest.mark.parametrize(
    "variants",
    [
        {"live_url": "pair", "live_playlist": "master", "link_host": "api"},
        {"live_url": "nested", "live_credentials": "beside", "names": "other"},
        {"live_stop": "post", "live_again": "new", "paging": "array", "references": "nested"},
        {"live_stop": "absent", "nulls": "omitted", "times": "milliseconds", "created": 200},
    ],
    ids=lambda variants: "-".join(map(str, variants.values())),
)
async def test_a_session_is_there_for_who_plays_and_ended_afterwards(
    mk_house: MkHouse, open_mk: OpenMk, variants: dict[str, Any]
) -> None:
    mk = await open_mk(variants=variants)
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    assert player.state == "idle"

    assert (await player.play())[:1] == b"G"
    (session,) = mk.sessions
    assert session.camera is player.camera
    assert player.state == "streaming"
    assert (await player.play())[:1] == b"G"
    await async_get_image(mk_house.hass, player.entity_id)
    await mk_house.pass_time(IDLE)
    assert player.state == "idle"
    assert starts(mk, player.camera) == 1
    is_left = variants.get("live_stop") == "absent"
    assert (session.stopped is None) is is_left

    # Whoever comes back gets the same session where that could not be ended.
    assert (await player.play())[:1] == b"G"
    assert len(mk.sessions) == (1 if is_left else 2)
    await mk_house.pass_time(IDLE)
    if is_left:
        assert not [each for each in mk.log if each.method == "DELETE"][1:]
    assert not mk.storage.intruders


async def test_the_remote_stream_is_played_where_the_local_one_is_out_of_reach(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(variants={"live_url": "pair"}, live_local=False)
    await mk_house.sign_in(mk)
    assert (await Player(mk_house, mk.cameras[0]).play())[:1] == b"G"


async def test_nothing_is_opened_for_who_only_looks_or_asks_for_a_source(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    await async_get_image(mk_house.hass, player.entity_id)
    source = await async_get_stream_source(mk_house.hass, player.entity_id)
    assert source is not None
    assert source.startswith("http://127.0.0.1:")
    with pytest.raises(HomeAssistantError):  # Home Assistant has no player
        await async_request_stream(mk_house.hass, player.entity_id, "hls")
    await mk_house.pass_time(600)
    assert starts(mk, player.camera) == 0
    assert player.state == "idle"


async def test_a_session_that_dies_is_followed_by_another(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    await player.play()
    mk.sessions[0].died = int(mk.world.now)
    assert (await player.get())[0] == HTTPStatus.BAD_GATEWAY
    assert (await player.play())[:1] == b"G"
    assert len(mk.sessions) == 2
    assert player.state == "streaming"

    # One that somebody ends is followed by another as well.
    mk.sessions[1].stopped = int(mk.world.now)
    assert (await player.get())[0] == HTTPStatus.BAD_GATEWAY
    assert (await player.play())[:1] == b"G"
    assert len(mk.sessions) == 3


@pytest.mark.parametrize("again", ["same", "new"])
async def test_a_session_is_renewed_before_it_ends_while_somebody_watches_and_no_longer(
    mk_house: MkHouse, open_mk: OpenMk, again: str
) -> None:
    mk = await open_mk(variants={"live_again": again}, live_seconds=120)
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    statuses = []
    for _ in range(30):
        statuses.append((await player.get())[0])
        await mk_house.pass_time(10)
    renewed = starts(mk, player.camera)
    assert 3 <= renewed <= 4
    assert len(mk.sessions) == (1 if again == "same" else renewed)
    # A player begins anew when another session has taken the place of one that ended.
    assert statuses.count(HTTPStatus.BAD_GATEWAY) == (0 if again == "same" else 2)
    await mk_house.pass_time(600)
    assert starts(mk, player.camera) == renewed


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Fault(match="/live", kind="status", status=403), "not_allowed"),
        (Fault(match="/live", kind="status", status=404), "refused"),
        (Fault(match="/live", kind="status", status=502), "cannot_connect"),
        (Fault(match="/live", kind="mutate", mutate=lambda _: {"id": "x1"}), "unexpected_reply"),
        (Fault(match="/live", kind="mutate", mutate=lambda _: []), "timed_out"),
    ],
    ids=["forbidden", "absent", "broken", "silent", "empty"],
)
async def test_a_session_that_does_not_begin_is_said(
    mk_house: MkHouse, mk: ManfredKunzeCloud, fault: Fault, key: str
) -> None:
    assert await async_setup_component(mk_house.hass, "stream", {})
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    mk.faults.add(fault)
    asking = asyncio.ensure_future(async_request_stream(mk_house.hass, player.entity_id, "hls"))
    with pytest.raises(HomeAssistantError) as said:
        await finished(mk_house, asking)
    assert said.value.translation_key == key
    assert starts(mk, player.camera) == 1


async def test_a_session_that_ends_before_it_begins_is_said(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(live_wait=20)
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    fetching = asyncio.ensure_future(player.get())
    for _ in range(100):
        await mk_house.settle()
        if mk.sessions:
            break
    mk.sessions[0].stopped = int(mk.world.now)
    assert (await fetching)[0] == HTTPStatus.BAD_GATEWAY


async def test_a_session_that_is_there_already_is_taken(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    await player.play()
    await mk_house.reload(mk_house.entries[0])
    mk.sessions[0].stopped = None  # unloading has ended it
    conflict = Fault(match="/cameras", kind="status", status=409, times=1)
    mk.faults.add(conflict)
    player = Player(mk_house, mk.cameras[0])
    assert (await player.play())[:1] == b"G"
    assert len(mk.sessions) == 1
