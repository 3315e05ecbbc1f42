"""The one mapping of vendors' errors to the texts that a person reads."""

from __future__ import annotations

from typing import Final

from homeassistant.util import dt as dt_util

from .client.errors import (
    CertificateError,
    Invalid,
    NotAllowed,
    NothingListed,
    NoTlsError,
    NotSecure,
    PictureMissing,
    PictureRefused,
    PrivateAddressError,
    RateLimited,
    SignInIncomplete,
    SignInRejected,
    TimedOut,
    UnexpectedReply,
    Unreachable,
    VendorError,
)

ERROR_KEYS: Final[dict[type[VendorError], str]] = {
    SignInRejected: "sign_in_rejected",
    TimedOut: "timed_out",
    Unreachable: "cannot_connect",
    NotSecure: "not_secure",
    NoTlsError: "no_tls",
    UnexpectedReply: "unexpected_reply",
    NothingListed: "nothing_listed",
    PictureMissing: "picture_missing",
    PrivateAddressError: "private_address",
    SignInIncomplete: "sign_in_incomplete",
}


def describe(err: VendorError) -> tuple[str, dict[str, str] | None]:
    """The translation key of an error and what to put into its text."""
    match err:
        case NotAllowed(right=right):
            return "not_allowed", {"right": right}
        case RateLimited(retry_at=retry_at):
            return "rate_limited", {"retry_at": f"{dt_util.as_local(retry_at):%Y-%m-%d %H:%M:%S}"}
        case CertificateError(problem=problem):
            return f"certificate_{problem}", None
        case PictureRefused(reason=reason) if type(err) not in ERROR_KEYS:
            return "picture_refused", {"reason": reason}
        case Invalid(problems=problems):
            listed = (f"{field} {problem}" for field, problem in problems.items())
            return "refused_fields", {"problems": ", ".join(listed)}
        case _:
            return ERROR_KEYS[type(err)], None
