"""The errors of a vendor's API; each carries what a person needs, none carries a secret."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final


class VendorError(Exception):
    """The vendor could not serve a request. The text names no address, body or credential."""


class SignInRejectedError(VendorError):
    """The vendor refused the credentials, also when they were presented anew."""


class PermissionDeniedError(VendorError):
    """The account lacks a permission (403); `permission` names it in a few English words."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"the account lacks the right to {permission}")
        self.permission = permission


class RateLimitedError(VendorError):
    """The account must not ask before `retry_at` (UTC), `wait` seconds from when this was raised."""

    def __init__(self, wait: float, retry_at: datetime) -> None:
        super().__init__(f"the vendor asks to wait until {retry_at:%Y-%m-%d %H:%M:%S} UTC")
        self.wait = wait
        self.retry_at = retry_at


class UnreachableError(VendorError):
    """No usable answer: no connection, a time-out, half a body, or the vendor's own failure (5xx)."""


class TimedOutError(UnreachableError):
    """The vendor did not answer in time."""


class CertificateProblem(StrEnum):
    """Why a server's certificate was not accepted."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    UNTRUSTED = "untrusted"
    OTHER_HOST = "other_host"
    NOT_VALID = "not_valid"


_CERTIFICATE_TEXTS: Final = {
    CertificateProblem.EXPIRED: "has expired and must be renewed",
    CertificateProblem.NOT_YET_VALID: "is not valid yet: check the clocks of both machines",
    CertificateProblem.UNTRUSTED: "is signed by itself or by an authority that is not trusted here",
    CertificateProblem.OTHER_HOST: "is for another host name than that of the address",
    CertificateProblem.NOT_VALID: "is not valid and must be replaced",
}


class CertificateError(UnreachableError):
    """The server's certificate was not accepted, so nothing was sent; `problem` says why."""

    def __init__(self, problem: CertificateProblem) -> None:
        super().__init__(f"the server's certificate {_CERTIFICATE_TEXTS[problem]}")
        self.problem = problem


class NoTlsError(UnreachableError):
    """The server speaks no TLS, or no version that both sides support; nothing was sent."""

    def __init__(self) -> None:
        super().__init__("the server speaks no https: check address and port")


class UnexpectedResponseError(VendorError):
    """The response is not one of this API.

    Wrong status, not JSON, another shape, too large, a redirect. `status` is the HTTP status where
    that was the reason, `body` what came with it, which is not to be shown.
    """

    def __init__(self, text: str, status: int | None = None, body: bytes = b"") -> None:
        super().__init__(text)
        self.status = status
        self.body = body


class InvalidFieldsError(VendorError):
    """The vendor refused fields of what was sent; `problems` says what is wrong with each, in our words."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("the vendor refused fields of what was sent")
        self.problems = dict(problems)


class SignInIncompleteError(VendorError):
    """The sign-in form lacks required fields; no request was sent."""


class NotSecureError(VendorError):
    """The address is neither https nor http to a loopback address, or is no address at all."""


class NothingListedError(VendorError):
    """The credentials are good but show nothing by which the account could be known again."""


class PictureRejectedError(VendorError):
    """A picture or its link was rejected; `reason` says why in a few English words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a picture was refused: {reason}")
        self.reason = reason


class PrivateAddressError(PictureRejectedError):
    """A link leads to a private address that is neither the account's own host nor the one that a person allowed."""

    def __init__(self) -> None:
        super().__init__("its link leads to an address that is not public")


class PictureMissingError(VendorError):
    """The link of a picture has no picture: not yet, or no longer. `status` is the HTTP status."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status
