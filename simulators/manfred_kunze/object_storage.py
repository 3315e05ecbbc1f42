"""Serve an object storage on its own port, with signed links that expire and need no API key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
import hashlib
import hmac
import re
from urllib.parse import quote, urlencode

from simulators.response import Response
from simulators.server import Call
from simulators.signing import is_sealed, sealed

from .state import World
from .times import at

PREFIX = "/storage"
UPLOADS = "/mk-config/"

type Content = Callable[[Call], Response]


@dataclass(slots=True)
class ObjectStorage:
    """The objects that links lead to. hosts: origins of links by `ApiVariants.link_host`.

    objects: handlers by path. intruders: headers of requests that had an Authorization header.
    """

    world: World
    hosts: dict[str, str] = field(default_factory=dict)
    objects: dict[str, Content] = field(default_factory=dict)
    intruders: list[dict[str, str]] = field(default_factory=list)

    def put(self, path: str, body: Callable[[], bytes], kind: str) -> None:
        """Store an object; its bytes are created on request."""
        self.objects[path] = lambda call: _ranged(call, body(), kind)

    def link(self, path: str, seconds: int) -> tuple[str, int]:
        """Return a link to a path, and when it expires."""
        now = self.world.now
        until = now + seconds
        moment = at(now)
        assert moment is not None
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": f"{moment:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(seconds),
            "X-Amz-Signature": self._signature(path, str(until)),
        }
        host = self.hosts[self.world.config.variants.link_host]
        link = f"{host}{PREFIX}{quote(path)}?{urlencode(query)}"
        return self.sealed(link), until

    def sealed(self, link: str) -> str:
        """Return a link signed as configured."""
        is_exact = self.world.config.variants.signing == "exact"
        return sealed(str(self.world.config.seed), link) if is_exact else link

    def opens(self, target: str) -> bool:
        """Return whether the signature of a request's target is valid, where it covers all bytes."""
        is_exact = self.world.config.variants.signing == "exact"
        return not is_exact or is_sealed(str(self.world.config.seed), target)

    def answer(self, call: Call) -> Response:
        """Respond to a request for an object."""
        if "Authorization" in call.headers:
            self.intruders.append(dict(call.headers))
            return refused(400, "InvalidArgument", "Only one auth mechanism allowed")
        allowed = ("PUT",) if call.path.startswith(f"{PREFIX}{UPLOADS}") else ("GET", "HEAD")
        if call.method not in allowed:
            return refused(405, "MethodNotAllowed", "The method is not allowed")
        path = call.path.removeprefix(PREFIX)
        problem = self._problem(path, call.query)
        if not self.opens(call.target):
            problem = "The request signature does not match"
        if problem:
            return refused(403, "AccessDenied", problem)
        if path not in self.objects:
            return refused(404, "NoSuchKey", "The key does not exist")
        return self.objects[path](call)

    def _problem(self, path: str, query: Mapping[str, str]) -> str:
        moment, length = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
        began = at(0) if not re.fullmatch(r"\d{8}T\d{6}Z", moment) else _read(moment)
        if began is None or not length.isdecimal():
            return "Access denied"
        until = int(began.timestamp()) + int(length)
        if query.get("X-Amz-Signature") != self._signature(path, str(until)):
            return "The signature does not match"
        if self.world.config.links_dead or self.world.now >= until:
            return "Request has expired"
        return ""

    def _signature(self, path: str, until: str) -> str:
        secret = f"{self.world.config.seed}-storage".encode()
        return hmac.new(secret, f"{path} {until}".encode(), hashlib.sha256).hexdigest()


def refused(status: int, code: str, message: str) -> Response:
    """Return an error in the format of an object storage."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(status, None, {"Content-Type": "application/xml"}, body.encode())


def _read(moment: str) -> datetime:
    return datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _ranged(call: Call, body: bytes, kind: str) -> Response:
    headers = {"Content-Type": kind, "Accept-Ranges": "bytes"}
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", call.headers.get("Range", ""))
    if found is None:
        return Response(200, None, headers, body)
    first, last = int(found[1]), min(int(found[2] or len(body)), len(body) - 1)
    if first > last:
        return Response(416, None, {"Content-Range": f"bytes */{len(body)}"}, b"")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return Response(206, None, headers, body[first : last + 1])
