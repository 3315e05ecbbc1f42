"""Maps vendor errors to translation keys."""

from typing import Final

from homeassistant.util import dt as dt_util

from .client.errors import (
    CertificateError,
    InvalidFieldsError,
    NothingListedError,
    NoTlsError,
    NotSecureError,
    PermissionDeniedError,
    PictureMissingError,
    PictureRejectedError,
    PrivateAddressError,
    RateLimitedError,
    SignInIncompleteError,
    SignInRejectedError,
    TimedOutError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)

ERROR_KEYS: Final[dict[type[VendorError], str]] = {
    SignInRejectedError: "sign_in_rejected",
    TimedOutError: "timed_out",
    UnreachableError: "cannot_connect",
    NotSecureError: "not_secure",
    NoTlsError: "no_tls",
    UnexpectedResponseError: "unexpected_reply",
    NothingListedError: "nothing_listed",
    PictureMissingError: "picture_missing",
    PrivateAddressError: "private_address",
    SignInIncompleteError: "sign_in_incomplete",
}


def translate_error(err: VendorError) -> tuple[str, dict[str, str] | None]:
    """Return the translation key and placeholders of an error."""
    match err:
        case PermissionDeniedError(permission=permission):
            return "not_allowed", {"right": permission}
        case RateLimitedError(retry_at=retry_at):
            return "rate_limited", {"retry_at": f"{dt_util.as_local(retry_at):%Y-%m-%d %H:%M:%S}"}
        case CertificateError(problem=problem):
            return f"certificate_{problem}", None
        case PictureRejectedError(reason=reason) if type(err) not in ERROR_KEYS:
            return "picture_refused", {"reason": reason}
        case InvalidFieldsError(problems=problems):
            listed = (f"{field} {problem}" for field, problem in problems.items())
            return "refused_fields", {"problems": ", ".join(listed)}
        case _:
            return ERROR_KEYS[type(err)], None
