"""The clips of a machine's cameras, by machine and day."""

from typing import Any

import pytest

from custom_components.watchpost.client.errors import UnexpectedResponseError
from custom_components.watchpost.contract.media import Media, MediaLibrary
from simulators.faults import Fault
from simulators.sensorzone import JSON_API, ApiVariants

from .conftest import House
from .zone import OpenZone, credentials, open_zone_fixture, sign_in  # noqa: F401


@pytest.fixture(name="library", params=[{}, JSON_API], ids=["bare", "json-api"])
async def library_fixture(house: House, open_zone: OpenZone, request: Any) -> MediaLibrary:
    zone = await open_zone(machines=2, cameras=1.0, variants=ApiVariants(**request.param))
    entry = await sign_in(house, zone)
    await house.pass_time(600)
    found: MediaLibrary = entry.runtime_data.connection.library
    return found


async def test_clips_are_found_by_machine_and_day_and_can_be_played(library: MediaLibrary) -> None:
    machines = await library.browse([])
    assert len(machines) == 2
    assert all(machine.is_folder for machine in machines)
    days = await library.browse([machines[0].part])
    assert [day.part for day in days] == sorted((day.part for day in days), reverse=True)
    clips = await library.browse([machines[0].part, days[0].part])
    assert clips
    assert all(clip.content_type.startswith("video/") for clip in clips)

    media: Media = await library.open([machines[0].part, days[0].part, clips[0].part])

    assert media.content_type.startswith("video/")
    assert media.content or media.url


async def test_what_is_not_there_is_not_found(library: MediaLibrary) -> None:
    machines = await library.browse([])
    machine = machines[0].part
    for path in (["0"], [machine, "1999-01-01"], [machine, "a", "b", "c"]):
        with pytest.raises(LookupError):
            await library.browse(path)
    for path in ([machine], [machine, "1999-01-01", "nothing"]):
        with pytest.raises(LookupError):
            await library.open(path)


LINKS = [
    ({"url": "https://clips.example.com/1.mp4"}, "url"),
    ({"url": "http://clips.example.com/1.mp4"}, None),
    ({"url": "https://user:pass@clips.example.com/1.mp4"}, None),
    ({"url": "javascript:alert(1)"}, None),
    ({"url": "https://["}, None),
    ({}, None),
]


@pytest.mark.parametrize(("link", "outcome"), LINKS)
async def test_only_safe_links_lead_out(
    house: House, open_zone: OpenZone, link: dict[str, str], outcome: str | None
) -> None:
    zone = await open_zone(machines=1, cameras=1.0)
    entry = await sign_in(house, zone)
    library: MediaLibrary = entry.runtime_data.connection.library
    (machine,) = await library.browse([])
    row = {"id": 7, "recorded_at": "2026-09-13T10:00:00Z"}
    zone.faults.add(Fault(match="/clips", kind="mutate", mutate=lambda _: [row | link]))
    zone.faults.add(Fault(match="/clips/7", kind="mutate", mutate=lambda _: dict(link)))
    (day,) = await library.browse([machine.part])
    path = [machine.part, day.part, "7"]
    if outcome is None:
        with pytest.raises(UnexpectedResponseError):
            await library.open(path)
    else:
        assert (await library.open(path)).url == link["url"]


async def test_a_clip_of_the_vendors_own_host_is_fetched_with_the_session(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1, cameras=1.0)
    entry = await sign_in(house, zone)
    library: MediaLibrary = entry.runtime_data.connection.library
    (machine,) = await library.browse([])
    row = {"id": 7, "url": "/api/v1/own/7.mp4", "content_type": "video/webm"}
    zone.faults.add(Fault(match="/clips", kind="mutate", mutate=lambda _: [row]))
    (day,) = await library.browse([machine.part])
    assert day.part == "undated"
    (clip,) = await library.browse([machine.part, day.part])
    assert (clip.title, clip.content_type) == ("7", "video/webm")
    zone.faults.add(Fault(match="/own/", kind="not_json", status=200, body=b"film"))

    media = await library.open([machine.part, day.part, "7"])

    assert media.content == b"film"
    assert media.url is None


async def test_an_account_with_a_token_alone_has_no_library(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone()
    typed = credentials(zone, username=None, password=None)
    entry = (await house.submit(await house.start_flow("sensorzone"), typed))["result"]
    assert entry.runtime_data.connection.library is None
