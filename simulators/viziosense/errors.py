"""The ways in which the vendor refuses, and how it writes that."""

from dataclasses import dataclass

from simulators.response import JsonObject, Response

from .config import ApiVariants


@dataclass(frozen=True, slots=True)
class ErrorDefinition:
    """One of the vendor's errors: HTTP status, four digits (0: none are documented), words."""

    status: int
    code: int
    message: str


TOKEN = ErrorDefinition(400, 4000, "Access token error")
UNAUTHORIZED = ErrorDefinition(403, 4003, "Unauthorized access")
METHOD = ErrorDefinition(405, 4005, "Unsupported method")
SERVER = ErrorDefinition(500, 5000, "Server error")
UNKNOWN = ErrorDefinition(404, 0, "Not found")


class ApiError(Exception):
    """A request that the vendor refuses with one of its errors."""

    def __init__(self, refusal: ErrorDefinition, status: int | None = None) -> None:
        """Keep the error; `status` replaces its own."""
        super().__init__(refusal.message)
        self.refusal = refusal
        self.status = refusal.status if status is None else status

    def response(self, variants: ApiVariants) -> Response:
        """Return what the vendor would answer."""
        return error_response(self.status, self.refusal, variants)


class ErrorListError(Exception):
    """A request that the vendor refuses with {"error": [...]}."""

    def __init__(self, *reasons: str, status: int = 400) -> None:
        """Keep the reasons."""
        super().__init__(*reasons)
        self.reasons = list(reasons)
        self.status = status

    def response(self, variants: ApiVariants) -> Response:
        """Return what the vendor would answer."""
        return Response(
            self.status, {"error": self.reasons if variants.error_list == "reasons" else []}
        )


def error_response(status: int, refusal: ErrorDefinition, variants: ApiVariants) -> Response:
    """Return {httpError, message}, with the four digits where the form wants them."""
    body: JsonObject = {"httpError": status, "message": refusal.message}
    if refusal.code:
        match variants.error_code:
            case "code":
                body["code"] = refusal.code
            case "httpError":
                body["httpError"] = refusal.code
            case "message":
                body["message"] = f"{refusal.code}: {refusal.message}"
    return Response(status, body)


def documented(status: int) -> ErrorDefinition:
    """Return the documented error of an HTTP status, or one without a code."""
    for refusal in (TOKEN, UNAUTHORIZED, METHOD, SERVER):
        if refusal.status == status:
            return refusal
    return ErrorDefinition(status, 0, "The request was refused")
