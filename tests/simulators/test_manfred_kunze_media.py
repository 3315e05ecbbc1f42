"""Cameras, live sessions with a stream that can be decoded, clips, recorders, and links that end."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from aiohttp import encode_basic_auth
import av
import pytest

from simulators.manfred_kunze.video import CLOCK, SECONDS, encode
from simulators.manfred_kunze.video.mpegts import times

from .manfred_kunze import caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401


@pytest.fixture(name="camera")
def camera_fixture(cloud):
    return cloud.cameras[0]


@pytest.fixture(name="watch")
def watch_fixture(cloud, caller, clock, camera):
    async def watch():
        """Begin a session, wait until it is active, and return its record."""
        begun = await caller.post(f"/cameras/{camera.id}/live")
        assert begun.status == 201, begun.body
        clock.advance(2)
        return (await caller.get(f"/live/{begun.json['id']}")).json

    return watch


def segments(playlist, url):
    lines = playlist.body.decode().splitlines()
    assert lines[0] == "#EXTM3U"
    return [urljoin(url, line) for line in lines if not line.startswith("#")]


async def test_cameras_are_listed_and_changed(cloud, caller, camera):
    listed = await caller.all("/cameras")
    assert [one["name"] for one in listed] == ["Camera 1", "Camera 2"]
    assert [one["deviceId"] for one in listed] == [one.id for one in cloud.devices[:2]]
    assert listed[0]["status"] == "ONLINE"
    await caller.control("POST", f"/cameras/{camera.id}", status="DEGRADED")
    assert (await caller.get(f"/cameras/{camera.id}")).json["status"] == "DEGRADED"
    assert (await caller.control("POST", f"/cameras/{camera.id}", status="LOST")).status == 400
    made = await caller.post("/cameras", name="Gate", deviceId=cloud.devices[2].id)
    path = f"/cameras/{made.json['id']}"
    assert (await caller.put(path, **made.json | {"name": "Gate 2"})).json["name"] == "Gate 2"
    assert (await caller.put(path, name="x")).status == 400
    assert (await caller.delete(path)).status == 204
    assert (await caller.get(path)).status == 404
    other = caller.over(cloud.config.other_key)
    assert await other.all("/cameras") == []
    assert (await other.get(f"/cameras/{camera.id}")).status == 404


async def test_a_live_session_goes_through_its_life(cloud, caller, clock, camera):
    begun = (await caller.post(f"/cameras/{camera.id}/live")).json
    assert (begun["status"], begun["cameraId"]) == ("REQUESTED", camera.id)
    assert "hlsUrl" not in begun
    clock.advance(2)
    active = await caller.all("/live")
    assert [(one["id"], one["status"]) for one in active] == [(begun["id"], "ACTIVE")]
    assert (await caller.delete(f"/live/{begun['id']}")).json["status"] == "STOPPING"
    assert [one["status"] for one in await caller.all("/live")] == ["STOPPING"]
    clock.advance(2)
    assert await caller.all("/live") == []
    assert (await caller.get(f"/live/{begun['id']}")).json["status"] == "STOPPED"
    assert (await caller.bare(active[0]["hlsUrl"])).status == 403


async def test_a_session_is_over_after_its_time_unless_it_gets_more(cloud, caller, clock, watch):
    first = await watch()
    clock.advance(100)
    again = (await caller.post(f"/cameras/{first['cameraId']}/live")).json
    assert (again["id"], again["status"]) == (first["id"], "ACTIVE")
    assert again["expiresAt"] > first["expiresAt"]
    cloud.config.variants.live_again = "new"
    new = (await caller.post(f"/cameras/{first['cameraId']}/live")).json
    assert new["id"] != first["id"]
    assert len(await caller.all("/live")) == 2
    clock.advance(120)
    assert (await caller.get(f"/live/{first['id']}")).json["status"] == "EXPIRED"
    assert (await caller.bare(first["hlsUrl"])).status == 403
    assert await caller.all("/live") == []


async def test_the_stream_slides_and_can_be_decoded(caller, clock, watch):
    url = (await watch())["hlsUrl"]
    seen, stamps = b"", []
    for _ in range(8):
        playlist = await caller.bare(url)
        assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        found = segments(playlist, url)
        assert len(found) == 5
        newest = await caller.bare(found[-1])
        assert newest.headers["Content-Type"] == "video/mp2t"
        assert "Content-Encoding" not in newest.headers
        seen += newest.body
        stamps += times(newest.body)
        clock.advance(SECONDS)
    assert {b - a for a, b in pairwise(stamps)} == {CLOCK // 5}
    with av.open(BytesIO(seen)) as container:
        packets = [one for one in container.demux(video=0) if one.size]
        assert not any(one.is_corrupt for one in packets)
        assert sum(one.is_keyframe for one in packets) == 8
    with av.open(BytesIO(seen)) as container:
        frames = [one.to_image() for one in container.decode(video=0)]
    assert len(frames) == 80
    assert frames[0].size == (160, 120)
    assert len({one.tobytes() for one in frames[:50]}) > 40


async def test_a_playlist_keeps_a_window_on_the_clock(caller, clock, watch):
    url = (await watch())["hlsUrl"]
    before = segments(await caller.bare(url), url)
    clock.advance(1)
    assert segments(await caller.bare(url), url) == before
    clock.advance(1)
    assert segments(await caller.bare(url), url)[:-1] == before[1:]
    clock.advance(60)
    assert (await caller.bare(before[0])).status == 404
    assert (await caller.bare(url.replace("index.m3u8", "next.txt"))).status == 404


@pytest.mark.parametrize("host", ["storage", "api"])
async def test_the_stream_comes_in_other_forms(cloud, caller, clock, watch, host):
    variants = cloud.config.variants
    variants.live_playlist, variants.live_url, variants.link_host = "master", "nested", host
    session = await watch()
    url = session["hls"]["url"]
    assert (urlsplit(url).netloc == urlsplit(cloud.url).netloc) is (host == "api")
    inner = segments(await caller.bare(url), url)
    assert len(inner) == 1
    assert len(segments(await caller.bare(inner[0]), inner[0])) == 5
    variants.live_url, cloud.config.live_local = "pair", False
    pair = (await caller.get(f"/live/{session['id']}")).json
    assert pair["remoteUrl"] == url
    assert urlsplit(pair["localUrl"]).port == 9
    cloud.config.live_local = True
    assert (await caller.get(f"/live/{session['id']}")).json["localUrl"] == url


async def test_credentials_of_the_stream_may_stand_beside_it(cloud, caller, watch):
    cloud.config.variants.live_credentials = "beside"
    session = await watch()
    url, who = session["hlsUrl"], session["credentials"]
    assert (await caller.bare(url)).status == 403
    headers = {"Authorization": encode_basic_auth(who["username"], who["password"])}
    playlist = await caller.ask("GET", url, headers=headers)
    segment = segments(playlist, url)[0]
    assert (await caller.ask("GET", segment, headers=headers)).status == 200


async def test_a_session_dies_expires_or_is_stopped_by_somebody(cloud, caller, clock, watch):
    session = await watch()
    url = session["hlsUrl"]
    assert (await caller.control("POST", f"/live/{session['id']}/die")).status == 200
    assert (await caller.bare(url)).status == 404
    assert (await caller.get(f"/live/{session['id']}")).json["status"] == "ACTIVE"
    other = await watch()
    assert other["id"] != session["id"]
    await caller.control("POST", f"/live/{other['id']}/expire")
    assert (await caller.get(f"/live/{other['id']}")).json["status"] == "EXPIRED"
    third = await watch()
    await caller.control("POST", f"/live/{third['id']}/stop")
    assert (await caller.bare(third["hlsUrl"])).status == 403
    assert (await caller.control("POST", f"/live/{third['id']}/sing")).status == 404
    shown = (await caller.control("GET", "/media")).json["sessions"]
    assert [one["status"] for one in shown] == ["ACTIVE", "EXPIRED", "STOPPING"]


async def test_sessions_are_ended_otherwise_or_not_at_all(cloud, caller, watch, camera):
    session = await watch()
    path = f"/live/{session['id']}"
    cloud.config.variants.live_stop = "post"
    assert (await caller.delete(path)).status == 405
    cloud.config.variants.acted = "empty"
    assert (await caller.post(f"{path}/stop")).status == 204
    cloud.config.variants.live_stop = "absent"
    assert (await caller.post(f"{path}/stop")).status == 405
    camera.status = "OFFLINE"
    assert (await caller.post(f"/cameras/{camera.id}/live")).status == 409


async def test_a_stream_is_not_there_before_it_is_active(cloud, caller, camera, clock):
    cloud.config.live_wait = 0
    session = (await caller.post(f"/cameras/{camera.id}/live")).json
    assert (await caller.bare(session["hlsUrl"])).status == 200
    assert (await caller.bare(session["hlsUrl"][:-3])).status == 403
    cloud.sessions[0].begins += 10
    assert (await caller.bare(session["hlsUrl"])).status == 404
    unknown = session["hlsUrl"].replace(session["id"], cloud.main.id)
    assert (await caller.bare(unknown)).status == 403


async def test_clips_of_the_last_days_have_events_and_pictures(cloud, caller):
    captures = await caller.all("/captures")
    assert len(captures) == 6
    started = [one["startedAt"] for one in captures]
    assert started == sorted(started, reverse=True)
    assert len({one[:10] for one in started}) >= 3
    one = captures[0]
    event = (await caller.get(f"/events/{one['eventId']}")).json
    assert (event["type"], event["timestamp"]) == ("MOTION", one["startedAt"])
    picture = await caller.bare(one["thumbnailUrl"])
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert picture.body[:2] == b"\xff\xd8"
    assert (await caller.get(f"/captures/{one['id']}")).json["id"] == one["id"]
    assert len(await caller.all("/captures", cameraId=one["cameraId"])) == 3
    assert len(await caller.all("/captures", from_=started[2])) == 3


async def test_a_clip_is_fetched_by_a_link_that_ends(cloud, caller, clock):
    capture = (await caller.all("/captures"))[0]
    path = f"/captures/{capture['id']}/download"
    given = (await caller.get(path)).json
    assert given["expiresAt"] == "2026-09-13T12:05:00Z"
    link = given["downloadUrl"]
    assert urlsplit(link).netloc != urlsplit(cloud.url).netloc
    clip = await caller.bare(link)
    assert (clip.status, clip.headers["Content-Type"]) == (200, "video/mp4")
    with av.open(BytesIO(clip.body)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    part = await caller.ask("GET", link, headers={"Range": "bytes=4-7"})
    assert (part.status, part.body) == (206, b"ftyp")
    assert (await caller.ask("GET", link, headers={"Range": "bytes=99999999-"})).status == 416
    assert (await caller.ask("POST", link, headers={})).status == 405
    clock.advance(300)
    over = await caller.bare(link)
    assert (over.status, over.headers["Content-Type"]) == (403, "application/xml")
    fresh = (await caller.get(path)).json["downloadUrl"]
    assert fresh != link
    assert (await caller.bare(fresh)).body == clip.body
    assert (
        await caller.bare(fresh.replace("X-Amz-Expires=300", "X-Amz-Expires=9000"))
    ).status == 403
    assert (await caller.bare(fresh.partition("?")[0])).status == 403
    await caller.control("POST", "/config", links_dead=True)
    assert (await caller.bare(fresh)).status == 403


async def test_a_key_that_follows_a_link_is_noticed(cloud, caller):
    capture = (await caller.all("/captures"))[0]
    link = (await caller.get(f"/captures/{capture['id']}/download")).json["downloadUrl"]
    assert (await caller.ask("GET", link)).status == 400
    assert (await caller.control("GET", "/media")).json["intruders"] == 1
    assert (await caller.get("/devices")).status == 200


async def test_links_come_in_other_forms(cloud, caller):
    variants = cloud.config.variants
    capture = (await caller.all("/captures"))[0]
    path = f"/captures/{capture['id']}/download"
    variants.download, variants.link_host = "redirect", "api"
    answer = await caller.get(path)
    assert answer.status == 302
    assert (await caller.bare(answer.headers["Location"])).status == 200
    variants.download = "text"
    assert (await caller.get(path)).body.startswith(b"http://")
    picture = f"/captures/{capture['id']}/thumbnail"
    assert (await caller.get(picture)).status == 404
    variants.thumbnail = "path"
    assert "thumbnailUrl" not in (await caller.get(f"/captures/{capture['id']}")).json
    there = await caller.get(picture)
    assert (await caller.bare(there.headers["Location"])).status == 200


async def test_a_camera_films_and_the_clip_comes_later(cloud, caller, clock, camera):
    made = (await caller.control("POST", f"/cameras/{camera.id}/capture", seconds=8)).json["id"]
    shown = (await caller.all("/captures"))[0]
    assert (shown["id"], shown["status"], shown["thumbnailUrl"]) == (made, "PENDING", None)
    assert (await caller.get(f"/captures/{made}/download")).status == 409
    clock.advance(10)
    shown = (await caller.get(f"/captures/{made}")).json
    assert (shown["status"], shown["durationSeconds"]) == ("READY", 8)
    link = (await caller.get(f"/captures/{made}/download")).json["downloadUrl"]
    assert (await caller.control("POST", f"/captures/{made}/lose")).status == 200
    assert (await caller.bare(link)).status == 404
    assert (await caller.control("POST", "/captures/none/lose")).status == 404


async def test_events_are_filmed_by_rules(cloud, caller, clock, camera):
    made = await caller.post(
        "/media-capture-rules",
        name="Film what is critical",
        cameraId=camera.id,
        severity=["CRITICAL"],
        source="RULE",
        preRollSeconds=5,
        postRollSeconds=15,
        cooldownSeconds=60,
        maxPerHour=2,
    )
    assert made.status == 201
    alert = cloud.fire(cloud.rules[0])
    cloud.fire(cloud.rules[2])
    clips = [one for one in await caller.all("/captures") if one["mediaCaptureRuleId"]]
    assert [(one["eventId"], one["durationSeconds"]) for one in clips] == [(alert.id, 20)]
    for seconds in (30, 31, 61):
        clock.advance(seconds)
        cloud.fire(cloud.rules[0])
    assert len([one for one in await caller.all("/captures") if one["mediaCaptureRuleId"]]) == 2
    path = f"/media-capture-rules/{made.json['id']}"
    changed = await caller.put(path, **made.json | {"enabled": False})
    assert changed.json["enabled"] is False
    assert (await caller.get(path)).json == changed.json
    assert len(await caller.all("/media-capture-rules")) == 1
    assert (await caller.put(path, **made.json | {"severity": "LOUD"})).status == 400
    assert (await caller.put(path, **made.json | {"preRollSeconds": "x"})).status == 400
    assert (await caller.delete(path)).status == 204
    assert (await caller.delete(path)).status == 404


PERIOD = {"from": "2026-09-13T11:00:00Z", "to": "2026-09-13T11:10:00Z"}


async def test_a_recorder_is_asked_and_the_clip_comes(cloud, caller, clock, camera):
    made = await caller.post("/dvr-clip-requests", cameraId=camera.id, **PERIOD)
    assert (made.status, made.json["status"]) == (201, "PENDING")
    path = f"/dvr-clip-requests/{made.json['id']}"
    clock.advance(3)
    assert (await caller.get(path)).json["status"] == "PROCESSING"
    clock.advance(7)
    done = (await caller.get(path)).json
    assert done["status"] == "COMPLETED"
    capture = (await caller.get(f"/captures/{done['captureId']}")).json
    assert (capture["dvrClipRequestId"], capture["durationSeconds"]) == (made.json["id"], 600)
    cloud.config.variants.dvr_done = "READY"
    assert (await caller.all("/dvr-clip-requests"))[0]["status"] == "READY"
    cloud.config.variants.dvr_track = "list"
    assert (await caller.get(path)).status == 404
    cloud.config.variants.dvr_track = "absent"
    assert (await caller.get("/dvr-clip-requests")).status == 405


@pytest.mark.parametrize(("fate", "end"), [("fail", "FAILED"), ("hang", "PROCESSING")])
async def test_a_recorder_may_fail_or_never_answer(cloud, caller, clock, camera, fate, end):
    await caller.control("POST", "/config", dvr_fate=fate)
    made = await caller.post("/dvr-clip-requests", cameraId=camera.id, **PERIOD)
    clock.advance(86_400)
    shown = (await caller.get(f"/dvr-clip-requests/{made.json['id']}")).json
    assert (shown["status"], shown["captureId"]) == (end, None)
    truth = (await caller.control("GET", "/media")).json["requests"]
    assert truth[0]["status"] == end


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"to": "2026-09-13T10:00:00Z"}, 400),
        ({"to": "2026-09-13T13:00:00Z"}, 400),
        ({"from": "soon"}, 400),
        ({"from": ""}, 400),
        ({"cameraId": "00000000-0000-4000-8000-000000000000"}, 404),
    ],
)
async def test_what_a_recorder_cannot_have(cloud, caller, camera, wrong, status):
    asked = {"cameraId": camera.id, **PERIOD, **wrong}
    assert (await caller.post("/dvr-clip-requests", **asked)).status == status
    camera.status = "OFFLINE"
    asked = {"cameraId": camera.id, **PERIOD}
    assert (await caller.post("/dvr-clip-requests", **asked)).status == 409


def test_the_film_is_what_its_script_makes(tmp_path, monkeypatch):
    shipped = Path(encode.__file__).parent
    monkeypatch.setattr(encode, "_HERE", tmp_path)
    assert encode.main() == 0
    for made in sorted(tmp_path.iterdir()):
        frames = []
        for path in (made, shipped / made.name):
            with av.open(str(path)) as container:
                frames.append(
                    [(one.pts, one.to_image().tobytes()) for one in container.decode(video=0)]
                )
        assert frames[0] == frames[1]
    assert {one.name for one in tmp_path.iterdir()} == {
        one.name for one in shipped.iterdir() if one.suffix in (".ts", ".mp4")
    }
