"""Signs in to SENSIT Connect and keeps the token (a JWT, good for 8 hours) until shortly before it expires."""

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
import hashlib
from typing import Any, Final

import aiohttp

from ...client.auth import NoAuth
from ...client.budget import RequestBudget, Response
from ...client.decode import identifier, nested, to_datetime, to_number
from ...client.errors import PermissionDeniedError, SignInRejectedError, UnexpectedResponseError
from ...client.transport import Transport, loose
from .models import Signed, is_sendable, parse_signed

SIGNED: Final = "signed"

# Renewed this long before it expires, or after nine tenths of its life if that is short.
MARGIN: Final = timedelta(minutes=5)
_LONGEST: Final = timedelta(days=7)

# How an API may say that these are not the right words; the vendor's document does not tell (UNKNOWN). A 404 says that
# nothing is there: it is an outage, not a wrong password.
_REFUSALS: Final = frozenset({400, 422})


class SensitSignIn:
    """An e-mail address and a password, and the token that they bring.

    `kept` is what an earlier one gave to `keep`; it is used if it was for the same credentials.
    """

    sends_password = True
    can_renew = True

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        budget: RequestBudget,
        credentials: tuple[str, str],
        *,
        kept: object,
        keep: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._door = Transport(session, url, NoAuth(), budget)
        self._budget = budget
        self._email, self._password = credentials
        self._keep = keep
        secret = "\0".join((str(self._door.url), *credentials)).encode()
        self.fingerprint = hashlib.sha256(secret).hexdigest()
        self._signed, self._until = _restored(kept, self.fingerprint)

    async def headers(self) -> Mapping[str, str]:
        """Return the header that proves who asks, signing in first where there is no current token."""
        return _headers(await self.current())

    @property
    def signed(self) -> Signed | None:
        """Who is signed in by the token that is held."""
        return self._signed

    async def current(self) -> Signed:
        """Return who is signed in; signs in where there is no current token. Raises a `VendorError`."""
        signed = self._signed
        if signed is None or self._is_over():
            return await self._renewed(signed)
        return signed

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Sign in anew because the token in `refused` got a 401, unless that has happened since."""
        signed = self._signed
        if signed is not None and _headers(signed) == refused:
            await self._renewed(signed)

    async def anew(self) -> Signed:
        """Sign in with the credentials, whatever token is held; raises a `VendorError`."""
        return await self._renewed(self._signed)

    async def _renewed(self, spent: Signed | None) -> Signed:
        """Replace a token; of those who want that at the same time one asks, and all share what comes of it."""
        reply = await self._budget.share(f"{self.fingerprint} sign-in", self._asked)
        signed = parse_signed(reply.body)
        if self._signed is spent:
            self._take(signed)
        return signed

    async def _asked(self) -> Response:
        body = {"email": self._email, "password": self._password}
        try:
            return await self._door.send("POST", "/users/signin", json=body, permission="sign in")
        except PermissionDeniedError:
            raise SignInRejectedError("the vendor refused the credentials") from None
        except UnexpectedResponseError as err:
            if err.status in _REFUSALS:
                raise SignInRejectedError("the vendor refused the credentials") from None
            raise

    def _take(self, signed: Signed) -> None:
        now = self._budget.now_utc()
        lifetime = token_lifetime(signed.token, now)
        until = now + lifetime - min(MARGIN, lifetime / 10) if lifetime else None
        self._signed, self._until = signed, until
        self._keep(
            {
                SIGNED: {
                    "token": signed.token,
                    "user": signed.user,
                    "role": signed.role,
                    "until": until.isoformat() if until else None,
                    "for": self.fingerprint,
                }
            }
        )

    def _is_over(self) -> bool:
        return self._until is not None and self._budget.now_utc() >= self._until


def token_lifetime(token: str, now: datetime) -> timedelta | None:
    """Read from a JWT how long it is good for; None where it does not say so in a way that makes sense.

    Where it tells when it was issued, its life is counted from now: the vendor's clock may differ
    from ours. Nothing else in it is looked at, and nothing is believed of it but this.
    """
    claims: object = None
    with suppress(ValueError, UnexpectedResponseError):
        part = token.split(".")[1] if token.count(".") == 2 else ""
        claims = loose(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(claims, dict):
        return None
    expires, issued = to_number(claims.get("exp")), to_number(claims.get("iat"))
    if expires is None:
        return None
    seconds = expires - (now.timestamp() if issued is None else issued)
    return timedelta(seconds=min(seconds, _LONGEST.total_seconds())) if seconds > 0 else None


def _headers(signed: Signed) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed.token}"}


def _restored(kept: object, fingerprint: str) -> tuple[Signed | None, datetime | None]:
    """Return a token that was kept for the same credentials, and until when it is used.

    A value that is damaged counts as absent: signing in costs one request, a bad token or date an account.
    """
    if not isinstance(kept, dict) or kept.get("for") != fingerprint:
        return None, None
    row = nested({"kept": kept}, "kept")
    token, user, role = (row.get(name) for name in ("token", "user", "role"))
    if not isinstance(token, str) or not is_sendable(token):
        return None, None
    if not isinstance(role, str) or identifier(user) is None:
        return None, None
    until = row.get("until")
    ends = to_datetime(until)
    if until is not None and ends is None:
        return None, None
    return Signed(token, str(user), role), ends
