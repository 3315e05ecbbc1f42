"""Cameras, captures, live sessions and exports of the Manfred Kunze platform, in whatever form they come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from custom_components.watchpost.client.budget import Response
from custom_components.watchpost.client.errors import (
    CertificateError,
    CertificateProblem,
    PrivateAddressError,
    UnreachableError,
    VendorError,
)
from custom_components.watchpost.models import Freshness
from custom_components.watchpost.vendors.manfred_kunze import thumbnails as thumbnails_module
from custom_components.watchpost.vendors.manfred_kunze.captures import CaptureList
from custom_components.watchpost.vendors.manfred_kunze.client.api import PlatformResponse
from custom_components.watchpost.vendors.manfred_kunze.client.media import link_of
from custom_components.watchpost.vendors.manfred_kunze.exports import ExportsFeature
from custom_components.watchpost.vendors.manfred_kunze.models.exports import (
    Export,
    ExportState,
    joined,
    read_export,
)
from custom_components.watchpost.vendors.manfred_kunze.models.media import (
    Camera,
    CameraStatus,
    Capture,
    LiveState,
    Progress,
    read_camera,
    read_capture,
    read_clip_request,
    read_live,
    thumbnail_of,
)
from custom_components.watchpost.vendors.manfred_kunze.thumbnails import ThumbnailCache

from ..test_pictures import PICTURES

JPEG = PICTURES["JPEG"]
HOME = "https://iot.example.org/api"
AT = datetime(2026, 9, 13, 12, tzinfo=UTC)
STREAM = "https://stream.example.org/a/index.m3u8?sig=canary"


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"status": "ONLINE"}, CameraStatus.ONLINE),
        ({"state": "degraded"}, CameraStatus.DEGRADED),
        ({"status": {"name": "OFFLINE"}}, CameraStatus.OFFLINE),
        ({"status": "REBOOTING"}, None),
        ({"status": 7}, None),
        ({}, None),
    ],
)
def test_a_camera_has_a_status_that_is_known_or_none(
    row: dict[str, Any], status: CameraStatus | None
) -> None:
    camera = read_camera("c1", {"name": "Yard", "device": {"id": "d1"}, **row})
    assert (camera.name, camera.device, camera.status) == ("Yard", "d1", status)


def test_a_capture_is_read_from_any_likely_form() -> None:
    flat = {"cameraId": "c1", "startedAt": "2026-09-13T12:00:00Z", "durationSeconds": 12}
    deep = {
        "camera": {"id": "c1"},
        "clip": {"from": "2026-09-13T12:00:00Z", "to": "2026-09-13T12:00:12Z"},
        "event": {"id": "e1", "severity": "critical"},
        "status": "UPLOADING",
    }
    one, other = read_capture("x", flat), read_capture("x", deep)
    assert (one.at, other.at) == (AT, AT)
    assert (one.seconds, other.seconds) == (12, 12)
    assert (one.camera, other.camera) == ("c1", "c1")
    assert (one.event, other.event, other.severity) == (None, "e1", "CRITICAL")
    assert (one.is_there, other.is_there) == (True, False)
    assert not read_capture("x", {"status": "FAILED"}).is_there
    assert read_capture("x", {"startedAt": "soon", "durationSeconds": -1, "to": 7}).at is None


@pytest.mark.parametrize(
    ("row", "link"),
    [
        ({"thumbnailUrl": "https://a.example/1.jpg"}, "https://a.example/1.jpg"),
        ({"thumbnail": {"href": "https://a.example/1.jpg"}}, "https://a.example/1.jpg"),
        ({"thumbnail": "javascript:alert(1)"}, None),
        ({"thumbnail": {"url": 7}}, None),
        ({}, None),
    ],
)
def test_a_thumbnail_is_a_link_or_none(row: dict[str, Any], link: str | None) -> None:
    assert thumbnail_of(row) == link


@pytest.mark.parametrize(
    ("row", "state", "capture"),
    [
        ({"status": "COMPLETED", "captureId": "x"}, Progress.DONE, "x"),
        ({"status": "NO_FOOTAGE"}, Progress.FAILED, None),
        ({"status": "FETCHING"}, Progress.UNDER_WAY, None),
        ({"capture": {"id": "x"}}, Progress.DONE, "x"),
        ({}, Progress.UNDER_WAY, None),
    ],
)
def test_a_clip_request_is_as_far_as_it_says(
    row: dict[str, Any], state: Progress, capture: str | None
) -> None:
    request = read_clip_request("r1", row)
    assert (request.state, request.capture) == (state, capture)


# -- live sessions --

LOCAL = "https://192.168.1.9/index.m3u8"


@pytest.mark.parametrize(
    ("row", "urls"),
    [
        ({"hlsUrl": STREAM}, (STREAM,)),
        ({"hls": {"url": STREAM}}, (STREAM,)),
        ({"streams": {"primary": {"uri": STREAM}}}, (STREAM,)),
        ({"session": {"playbackUrl": STREAM}}, (STREAM,)),
        ({"url": "https://stream.example.org/watch"}, ("https://stream.example.org/watch",)),
        ({"remoteUrl": STREAM, "localUrl": LOCAL}, (LOCAL, STREAM)),
        ({"remoteUrl": STREAM, "localUrl": "http://192.168.1.9/index.m3u8"}, (STREAM,)),
        ({"hlsUrl": "/live/1.m3u8"}, ("https://iot.example.org/live/1.m3u8",)),
        ({"url": STREAM, "thumbnailUrl": "https://a.example/1.m3u8"}, (STREAM,)),
        ({"note": "https://example.org/help"}, None),
        ({"hlsUrl": "http://127.0.0.1/1.m3u8"}, None),
        ({"hlsUrl": "https://127.0.0.1:8123/1.m3u8"}, None),
        ({"hlsUrl": "rtsp://example.org/1"}, None),
        ({"hlsUrl": "https://user:password@example.org/1.m3u8"}, None),
        ({"hlsUrl": "https://["}, None),
        ({"hlsUrl": "https://a.example/" + "x" * 9000}, None),
        ({"hlsUrl": {"a": {"b": {"c": {"d": {"url": STREAM}}}}}}, None),
        ({}, None),
    ],
)
def test_a_session_is_watched_at_safe_places_the_nearest_first(
    row: dict[str, Any], urls: tuple[str, ...] | None
) -> None:
    session = read_live("s1", {"status": "ACTIVE", **row}, HOME)
    assert (session.access and session.access.urls) == urls
    assert "example" not in repr(session)
    assert "canary" not in repr(session)


@pytest.mark.parametrize(
    ("row", "headers"),
    [
        ({"token": "canary"}, {"Authorization": "Bearer canary"}),
        ({"credentials": {"accessToken": "canary"}}, {"Authorization": "Bearer canary"}),
        (
            {"credentials": {"username": "me", "password": "pw"}},
            {"Authorization": "Basic bWU6cHc="},
        ),
        (
            {"headers": {"X-Key": "canary", "Host": "evil", "Bad\r\n": "x", "Y": "a\nb", "Z": 7}},
            {"X-Key": "canary"},
        ),
        ({"token": "line\nbreak"}, {}),
        ({"credentials": "secret"}, {}),
        ({}, {}),
    ],
)
def test_its_credentials_become_headers(row: dict[str, Any], headers: dict[str, str]) -> None:
    access = read_live("s1", {"hlsUrl": STREAM, **row}, HOME).access
    assert access is not None
    assert access.headers == headers
    assert "canary" not in repr(access)


@pytest.mark.parametrize(
    ("row", "state", "is_over"),
    [
        ({"status": "REQUESTED"}, LiveState.REQUESTED, False),
        ({"state": "stopping"}, LiveState.STOPPING, True),
        ({"status": "EXPIRED"}, LiveState.EXPIRED, True),
        ({"status": "WARMING_UP"}, None, False),
        ({"hlsUrl": STREAM}, LiveState.ACTIVE, False),
        ({"hlsUrl": STREAM, "status": "WARMING_UP"}, None, False),
        ({}, None, False),
    ],
)
def test_a_session_is_as_far_as_it_says(
    row: dict[str, Any], state: LiveState | None, is_over: bool
) -> None:
    session = read_live("s1", row, HOME)
    assert (session.state, session.is_over) == (state, is_over)


# -- links --


def reply(body: bytes = b"", kind: str = "application/json", location: str = "") -> Response:
    fresh = Freshness(received=0, expires=0)
    return Response(200, body, kind, fresh, None, location=location)


@pytest.mark.parametrize(
    ("answer", "link"),
    [
        (reply(location="https://a.example/1"), "https://a.example/1"),
        (reply(b'{"downloadUrl": "https://a.example/1"}'), "https://a.example/1"),
        (reply(b'{"data": {"url": "https://a.example/1"}}'), "https://a.example/1"),
        (reply(b'"https://a.example/1"'), "https://a.example/1"),
        (reply(b'"https://a.example/1"\n', "text/plain"), "https://a.example/1"),
        (reply(b"No such clip", "text/plain"), None),
        (reply(b"https://a.example/1\n2", "text/plain"), None),
        (reply(b'{"size": 7}'), None),
        (reply(b"[1]"), None),
        (reply(b"\x00\x00", "video/mp4"), None),
    ],
)
def test_a_download_is_answered_with_a_link_in_any_form(answer: Response, link: str | None) -> None:
    assert link_of(answer) == link


# -- exports --


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("PENDING", ExportState.PENDING),
        ("running", ExportState.RUNNING),
        ("READY", ExportState.READY),
        ("CANCELLED", ExportState.FAILED),
        ("EXPIRED", ExportState.EXPIRED),
        ("ARCHIVED", None),
        (7, None),
        (None, None),
    ],
)
def test_an_export_is_as_far_as_it_says(said: object, state: ExportState | None) -> None:
    export = read_export("x", {"status": said, "downloadUrl": STREAM, "requestedBy": "user_canary"})
    assert export.state is state
    assert "canary" not in repr(export)


def test_what_an_export_leaves_out_when_it_is_ready_is_kept() -> None:
    asked = read_export(
        "x",
        {
            "scopeType": "DEVICE",
            "scopeId": "d1",
            "from": "2026-09-13T12:00:00Z",
            "includes": ["READINGS"],
            "createdAt": "2026-09-13T12:00:00Z",
            "status": "PENDING",
            "sizeBytes": -1,
        },
    )
    ready = joined(asked, read_export("x", {"status": "READY", "sizeBytes": "184320"}))
    assert (ready.scope_type, ready.scope_id, ready.created_at) == ("DEVICE", "d1", AT)
    assert (ready.state, ready.size, ready.includes) == (ExportState.READY, 184320, ("READINGS",))
    assert asked.size is None
    assert joined(None, asked) is asked
    assert isinstance(ready, Export)


# -- what is new --


class Lists:
    """The vendor's list of captures, and how far it was read."""

    def __init__(self) -> None:
        self.captures: list[Capture] = []
        self.read: list[int] = []
        self.page = 2

    async def list_captures(self, enough: Any = None) -> PlatformResponse[list[Capture]]:
        came: list[Capture] = []
        for capture in self.captures:
            came.append(capture)
            if enough is not None and not len(came) % self.page and enough(came):
                break
        self.read.append(len(came))
        return PlatformResponse(came, is_whole=len(came) == len(self.captures))


def capture(number: int, camera: str | None = "c1", **more: Any) -> Capture:
    return Capture(id=f"x{number}", camera=camera, at=AT.replace(minute=number), **more)


@pytest.fixture(name="now")
def now_fixture() -> list[float]:
    return [0.0]


@pytest.fixture(name="lists")
def lists_fixture() -> Lists:
    return Lists()


@pytest.fixture(name="gallery")
def gallery_fixture(lists: Lists, now: list[float]) -> CaptureList:
    gallery = CaptureList(lists, lambda: now[0], lambda: AT)
    gallery.cameras = {"c1": Camera(id="c1", device="d1"), "c2": Camera(id="c2", device="d2")}
    return gallery


def told(vendor_events: Sequence[Any]) -> list[str]:
    return [each.data["capture_id"] for each in vendor_events]


async def test_only_what_is_new_is_read_where_the_newest_come_first(
    gallery: CaptureList, lists: Lists, now: list[float]
) -> None:
    lists.captures = [capture(number) for number in (8, 7, 6, 5, 4, 3)]
    assert len((await gallery.fetch()).vendor_events) == 6
    assert await gallery.fetch_if_old() is None
    now[0] = 60
    lists.captures.insert(0, capture(9))
    update = await gallery.fetch_if_old()
    assert update is not None
    assert told(update.vendor_events) == ["x9"]
    assert lists.read == [6, 2]
    now[0] = 1000
    del lists.captures[-1]
    assert (await gallery.fetch()).vendor_events == []
    assert lists.read[-1] == len(gallery) == 6

    lists.captures.reverse()
    now[0] = 1060
    await gallery.fetch()
    assert lists.read[-1] == 6


async def test_a_clip_is_told_when_it_is_there_at_the_time_at_which_it_came(
    gallery: CaptureList, lists: Lists
) -> None:
    lists.captures = [capture(1, state=Progress.UNDER_WAY)]
    assert (await gallery.fetch()).vendor_events == []
    lists.captures = [capture(1), capture(2, state=Progress.FAILED)]
    lists.captures.append(capture(3, made_at=AT.replace(minute=30)))
    first, other = (await gallery.fetch()).vendor_events
    assert (first.at, other.at) == (AT, AT.replace(minute=30))
    assert (await gallery.fetch()).vendor_events == []


async def test_a_clip_belongs_to_its_camera_or_the_only_one_of_its_device(
    gallery: CaptureList, lists: Lists
) -> None:
    lists.captures = [
        capture(1),
        capture(2, camera=None, device="d2"),
        capture(3, camera="gone"),
        capture(4, camera=None),
        Capture(id="x5", camera="c1"),
    ]
    update = await gallery.fetch()
    # Of what has no time nobody knows at first whether it is new.
    assert [each.device for each in update.vendor_events] == [
        *("camera-c1", "camera-c2", "account", "account")
    ]
    assert [each.id for each in gallery.captures_of("c1")] == ["x1", "x5"]
    assert [each.id for each in gallery.captures_of("c2")] == ["x2"]
    assert {each.id for each in gallery.captures_of(None)} == {"x3", "x4"}
    assert {camera: each.id for camera, each in gallery.newest().items()} == {
        "c1": "x1",
        "c2": "x2",
    }
    lists.captures.append(Capture(id="x6", camera="c1"))
    assert told((await gallery.fetch()).vendor_events) == ["x6"]


# -- stills --


class Thumbnails:
    """The vendor's thumbnails, and how often they were asked for."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.asked = 0

    async def thumbnail(self, capture: str) -> bytes | None:
        self.asked += 1
        return self.held.get(capture)


async def test_a_picture_that_comes_later_is_waited_for_a_while_and_one_that_is_deleted_goes(
    gallery: CaptureList, lists: Lists, now: list[float]
) -> None:
    thumbnails = Thumbnails()
    stills = ThumbnailCache(thumbnails, gallery, None, lambda: now[0])
    lists.captures = [capture(1)]
    await gallery.fetch()
    assert [await stills.newest("c1") for _ in range(3)] == [None] * 3
    assert thumbnails.asked == 1
    thumbnails.held["x1"] = JPEG
    now[0] = 61
    shot = await stills.newest("c1")
    assert shot is not None
    assert (shot.content, thumbnails.asked) == (JPEG, 2)

    # One that never has any is not asked for for ever, and leaves the one before.
    lists.captures.insert(0, capture(2))
    await gallery.fetch()
    for _ in range(20):
        now[0] += 61
        assert await stills.newest("c1") is shot
    assert thumbnails.asked == 7

    lists.captures.clear()
    now[0] = 10_000
    await gallery.fetch()
    assert await stills.newest("c1") is None


async def test_pictures_of_all_cameras_are_bounded_and_fetched_again_when_they_are_looked_at(
    lists: Lists, monkeypatch: pytest.MonkeyPatch, gallery: CaptureList, now: list[float]
) -> None:
    monkeypatch.setattr(thumbnails_module, "MAX_BYTES", 2 * len(JPEG))
    thumbnails = Thumbnails()
    stills = ThumbnailCache(thumbnails, gallery, None, lambda: now[0])
    gallery.cameras = {f"c{number}": Camera(id=f"c{number}", device="d1") for number in (1, 2, 3)}
    lists.captures = [capture(number, camera=f"c{number}") for number in (1, 2, 3)]
    thumbnails.held = {f"x{number}": JPEG for number in (1, 2, 3)}
    await gallery.fetch()

    assert all([await stills.newest(camera) for camera in ("c1", "c2", "c1", "c3")])
    assert thumbnails.asked == 3
    assert all([await stills.newest(camera) for camera in ("c1", "c3")])
    assert thumbnails.asked == 3
    assert await stills.newest("c2")
    assert thumbnails.asked == 4


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (PrivateAddressError(), 1),
        (CertificateError(CertificateProblem.UNTRUSTED), 1),
        (UnreachableError("no"), 0),
    ],
    ids=["private address", "certificate", "outage"],
)
async def test_a_thumbnail_that_a_person_must_allow_is_logged_once(
    lists: Lists,
    gallery: CaptureList,
    now: list[float],
    caplog: pytest.LogCaptureFixture,
    failure: VendorError,
    lines: int,
) -> None:
    class Refused:
        async def picture(self, link: str) -> tuple[str, bytes]:
            raise failure

    class Links:
        async def thumbnail(self, capture: str) -> str:
            return "https://storage.lan/secret?X-Amz-Signature=1"

    stills = ThumbnailCache(Links(), gallery, Refused(), lambda: now[0])
    lists.captures = [capture(1)]
    await gallery.fetch()
    for _ in range(3):
        assert await stills.newest("c1") is None
        now[0] += 61

    assert len(caplog.records) == lines
    assert "storage.lan" not in caplog.text


# -- exports that are made --


async def test_exports_are_looked_at_often_while_they_can_be_expected() -> None:
    made = {"status": "RUNNING", "createdAt": AT.isoformat()}
    clock = [AT]
    listed = [read_export("x", made)]

    async def pages(*_: Any, **__: Any) -> PlatformResponse[list[Export]]:
        return PlatformResponse(listed)

    budget = SimpleNamespace(now=lambda: 0.0)
    api: Any = SimpleNamespace(
        transport=SimpleNamespace(budget=budget), now=lambda: clock[0], pages=pages
    )
    part = ExportsFeature(api, None, None, show=lambda _: None)
    (feed,) = part.feeds()
    (soon,) = (await feed.fetch(frozenset())).freshness
    assert soon.lifetime == 15
    clock[0] += timedelta(hours=2)
    assert list((await feed.fetch(frozenset())).freshness) == []
