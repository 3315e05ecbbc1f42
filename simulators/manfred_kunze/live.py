"""Run live sessions with a playlist that advances with the clock."""

from base64 import b64encode
from dataclasses import dataclass, field
import hashlib

from simulators.response import Response
from simulators.server import Call

from . import video
from .cameras import Camera
from .object_storage import PREFIX, ObjectStorage, refused
from .state import Organisation, Record, World
from .times import at, written

WINDOW = 5
STOPPING_SECONDS = 2
_PLAYLIST = "application/vnd.apple.mpegurl"
_NEVER = "http://127.0.0.1:9"


@dataclass(slots=True, kw_only=True)
class LiveSession:
    """A live session. begins: when it is ACTIVE. ends: when it is EXPIRED.

    stopped: when somebody ended it. died: when it broke down silently. served: playlists and segments.
    """

    id: str
    camera: Camera
    asked: int
    begins: int
    ends: int
    stopped: int | None = None
    died: int | None = None
    served: int = 0

    def status(self, now: int) -> str:
        """Return its status."""
        if self.stopped is not None:
            return "STOPPING" if now < self.stopped + STOPPING_SECONDS else "STOPPED"
        if now >= self.ends:
            return "EXPIRED"
        return "REQUESTED" if now < self.begins else "ACTIVE"

    @property
    def token(self) -> str:
        """Return the token of its playlist and segments."""
        return hashlib.sha256(f"live {self.id}".encode()).hexdigest()[:32]


@dataclass(slots=True)
class LiveSessions:
    """The live sessions of all organisations, by organisation and id."""

    world: World
    storage: ObjectStorage
    sessions: dict[str, dict[str, LiveSession]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start empty."""
        for organisation in self.world.organisations:
            organisation.more.append(self.sessions.setdefault(organisation.id, {}))

    def of(self, organisation: Organisation) -> dict[str, LiveSession]:
        """Return an organisation's sessions by id, oldest first."""
        return self.sessions[organisation.id]

    def begin(self, organisation: Organisation, camera: Camera) -> LiveSession:
        """Start a session, or prolong the camera's running one."""
        config, now = self.world.config, self.world.now
        if config.variants.live_again == "same":
            for session in self.of(organisation).values():
                running = session.camera is camera and session.died is None
                if running and session.status(now) in ("REQUESTED", "ACTIVE"):
                    session.ends = now + config.live_seconds
                    return session
        session = LiveSession(
            id=organisation.new_id(),
            camera=camera,
            asked=now,
            begins=now + config.live_wait,
            ends=now + config.live_seconds,
        )
        self.of(organisation)[session.id] = session
        return session

    def record(self, session: LiveSession) -> Record:
        """Return a session's record, with its URL while it is ACTIVE."""
        status = session.status(self.world.now)
        record: Record = {
            "id": session.id,
            "cameraId": session.camera.id,
            "status": status,
            "startedAt": at(session.begins),
            "expiresAt": at(session.ends),
            "createdAt": at(session.asked),
        }
        if status != "ACTIVE":
            return record
        variants = self.world.config.variants
        if variants.live_credentials == "beside":
            record["credentials"] = {"username": "viewer", "password": session.token}
        url = self._url(session)
        match variants.live_url:
            case "nested":
                record["hls"] = {"url": url}
            case "pair":
                host = self.storage.hosts[variants.link_host]
                near = url if self.world.config.live_local else url.replace(host, _NEVER)
                record |= {"localUrl": near, "remoteUrl": url}
            case _:
                record["hlsUrl"] = url
        return record

    def answer(self, call: Call) -> Response:
        """Respond to a request for a playlist or segment."""
        _, number, name = call.path.removeprefix(f"{PREFIX}/live").split("/", 2)
        session = next((one[number] for one in self.sessions.values() if number in one), None)
        if session is None or not self._opens(session, call):
            return refused(403, "AccessDenied", "Access denied")
        status = session.status(self.world.now)
        if status == "REQUESTED":
            return refused(404, "NoSuchKey", "The stream has not begun")
        if status != "ACTIVE":
            return refused(403, "AccessDenied", "The session is over")
        if session.died is not None and self.world.now >= session.died:
            return refused(404, "NoSuchKey", "The stream is gone")
        session.served += 1
        return self._file(session, name, call)

    def _file(self, session: LiveSession, name: str, call: Call) -> Response:
        query = f"?token={session.token}" if "token" in call.query else ""
        stem, _, kind = name.partition(".")
        newest = self._newest(session)
        if name == "index.m3u8" and self.world.config.variants.live_playlist == "master":
            return _text(_master(self._link(session, f"video.m3u8{query}")))
        if name in ("index.m3u8", "video.m3u8"):
            first = max(0, newest - WINDOW + 1)
            links = [
                self._link(session, f"{number}.ts{query}") for number in range(first, newest + 1)
            ]
            return _text(_playlist(session, first, links))
        if kind == "ts" and stem.isdecimal() and newest - 2 * WINDOW < int(stem) <= newest:
            headers = {"Content-Type": "video/mp2t"}
            return Response(200, None, headers, video.segment(int(stem)))
        return refused(404, "NoSuchKey", "The key does not exist")

    def _newest(self, session: LiveSession) -> int:
        """Return the number of the newest complete segment; some exist from the beginning."""
        return (self.world.now - session.begins) // video.SECONDS + WINDOW - 1

    def _url(self, session: LiveSession) -> str:
        variants = self.world.config.variants
        query = f"?token={session.token}" if variants.live_credentials == "address" else ""
        host = self.storage.hosts[variants.link_host]
        return self.storage.sealed(f"{host}{PREFIX}/live/{session.id}/index.m3u8{query}")

    def _link(self, session: LiveSession, name: str) -> str:
        """Return a file's link in a playlist: its name, or a signed path."""
        if self.world.config.variants.signing != "exact":
            return name
        return self.storage.sealed(f"{PREFIX}/live/{session.id}/{name}")

    def _opens(self, session: LiveSession, call: Call) -> bool:
        if not self.storage.opens(call.target):
            return False
        if self.world.config.variants.live_credentials == "address":
            if "Authorization" in call.headers:
                self.storage.intruders.append(dict(call.headers))
            return call.query.get("token") == session.token
        wanted = "Basic " + b64encode(f"viewer:{session.token}".encode()).decode()
        return call.headers.get("Authorization") == wanted


def _master(link: str) -> str:
    return (
        '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH=40000,RESOLUTION=160x120,CODECS="avc1.42c00a"\n'
        f"{link}\n"
    )


def _playlist(session: LiveSession, first: int, links: list[str]) -> str:
    began = at(session.begins + (first - WINDOW) * video.SECONDS)
    assert began is not None
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{video.SECONDS}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-PROGRAM-DATE-TIME:{written(began, 'milliseconds')}",
    ]
    for link in links:
        lines += [f"#EXTINF:{video.SECONDS}.000,", link]
    return "\n".join(lines) + "\n"


def _text(playlist: str) -> Response:
    headers = {"Content-Type": _PLAYLIST, "Cache-Control": "no-store"}
    return Response(200, None, headers, playlist.encode())
