"""Rejected calls and their responses, in the variant that is served now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from simulators.response import JsonObject, Response

from .config import ApiVariants


class ApiError(Exception):
    """A rejected call. headers: of the response."""

    def __init__(
        self, status: int, reason: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Store the status, reason and headers."""
        super().__init__(reason)
        self.status = status
        self.reason = reason or HTTPStatus(status).phrase
        self.headers = dict(headers or {})


def refusal(err: ApiError, variants: ApiVariants, path: str, now: datetime) -> Response:
    """Return the response to a rejected call."""
    title = HTTPStatus(err.status).phrase
    if err.status == 401:
        err.headers.setdefault("WWW-Authenticate", "Bearer")
    match variants.errors:
        case "text":
            headers = {"Content-Type": "text/plain;charset=UTF-8"}
            return Response(err.status, None, headers | err.headers, err.reason.encode())
        case "spring":
            stamp = now.astimezone(UTC).isoformat(timespec="milliseconds")
            shown: JsonObject = {
                "timestamp": stamp,
                "status": err.status,
                "error": title,
                "path": f"/api{path}",
            }
            return Response(err.status, shown, dict(err.headers))
    problem: JsonObject = {
        "type": "about:blank",
        "title": title,
        "status": err.status,
        "detail": err.reason,
        "instance": f"/api{path}",
    }
    return Response(
        err.status, problem, {"Content-Type": "application/problem+json"} | dict(err.headers)
    )
