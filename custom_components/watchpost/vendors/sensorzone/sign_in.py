"""SensorZone's three sign-ins: a session cookie (V1), a JWT (V2), a Tester token. Free of Home Assistant.

Each is single-flight. Rejected credentials are not sent again for half an hour, so that polling locks no user out.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
import hashlib
from http.cookies import CookieError, SimpleCookie
import re
from typing import Any, Final, cast

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDictProxy

from ...client.auth import NoAuth
from ...client.budget import RequestBudget
from ...client.decode import to_datetime
from ...client.errors import (
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
)
from ...client.transport import Transport
from .endpoints import JSON, RESOURCES

RENEW_EARLY: Final = 60.0
REFUSED_PAUSE: Final = 1800.0

# Seconds until a sign-in that failed unexpectedly is retried, doubled with each failure: without a pause, each feed
# would send the password.
_PAUSE: Final = 15.0
_MAX_PAUSE: Final = 300.0

# Statuses of a body in the wrong encoding; the vendor does not publish the right one.
_OTHER_ENCODING: Final = frozenset({400, 415, 422})
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")


class _Sent(dict[str, str]):
    """Credentials as headers, with the number of the sign-in that they come from."""

    def __init__(self, headers: Mapping[str, str], generation: int) -> None:
        super().__init__(headers)
        self.generation = generation


class PasswordSignIn(ABC):
    """Base of the sign-ins with e-mail address and password."""

    resource: str
    sends_password = True
    can_renew = True

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        budget: RequestBudget,
        email: str,
        password: str,
        *,
        linked_budgets: Sequence[RequestBudget] = (),
    ) -> None:
        self._body = {"email": email, "password": password}
        self._budget = budget
        self._door = Transport(
            session,
            url,
            NoAuth(),
            budget,
            on_headers=self.on_headers,
            linked_budgets=linked_budgets,
        )
        self._lock = asyncio.Lock()
        self._generation = 0
        self._is_form = False
        self._refused_until = float("-inf")
        self._refusal: SignInRejectedError | PermissionDeniedError | None = None
        self._failures = 0
        self._retry_at = float("-inf")
        secret = f"{self.resource}\n{email}\n{password}".encode()
        self.fingerprint = hashlib.sha256(secret).hexdigest()

    @abstractmethod
    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Store the credentials in the headers of a response, at the sign-in or later."""

    @property
    @abstractmethod
    def _proof(self) -> Mapping[str, str] | None:
        """Return the credentials as headers; None if a sign-in is due."""

    @abstractmethod
    def _drop(self) -> None:
        """Drop the credentials."""

    async def headers(self) -> Mapping[str, str]:
        """Return the credentials, after a sign-in if that is due; raise a `VendorError`."""
        async with self._lock:
            if self._proof is None:
                await self._sign_in()
            return _Sent(self._proof or {}, self._generation)

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Sign in again, unless another request has done so since `refused` was sent."""
        async with self._lock:
            if isinstance(refused, _Sent) and refused.generation == self._generation:
                self._drop()
                await self._sign_in()

    async def _sign_in(self) -> None:
        if self._refusal is not None and self._budget.now() < self._refused_until:
            raise type(self._refusal)(*self._refusal.args)
        self._drop()
        if self._budget.now() < self._retry_at:
            raise UnreachableError("the vendor's sign-in failed a moment ago")
        try:
            await self._post()
        except UnexpectedResponseError as err:
            # The sign-in fails, not the requested resource, which must not count as missing.
            status = f" with status {err.status}" if err.status else ""
            raise self._failed(f"the vendor's sign-in failed{status}") from None
        except (SignInRejectedError, PermissionDeniedError) as err:
            self._refusal = err
            # The account's `SignInState` decides how often the main sign-in is probed.
            is_probed = isinstance(err, SignInRejectedError) and self.resource == "session"
            self._refused_until = self._budget.now() + (0.0 if is_probed else REFUSED_PAUSE)
            raise
        if self._proof is None:
            raise self._failed("the vendor signed in without handing anything out")
        self._failures = 0
        self._generation += 1

    def _failed(self, text: str) -> UnreachableError:
        self._retry_at = self._budget.now() + min(_PAUSE * 2.0**self._failures, _MAX_PAUSE)
        self._failures = min(self._failures + 1, 16)
        return UnreachableError(text)

    async def _post(self) -> None:
        """Send the credentials as JSON, or as a form if that is refused."""
        resource = RESOURCES[self.resource]
        for is_form in (self._is_form, not self._is_form):
            body = {"form": self._body} if is_form else {"json": self._body}
            try:
                await self._door.send(
                    "POST", resource.path, permission=resource.permission, accept=JSON, **body
                )
            except UnexpectedResponseError as err:
                if err.status not in _OTHER_ENCODING:
                    raise
            else:
                self._is_form = is_form
                return
        raise SignInRejectedError("the vendor refused the credentials")


class SessionSignIn(PasswordSignIn):
    """V1: `POST /api/v1/session` sets a cookie, stored only here."""

    resource = "session"

    def __init__(self, *account: Any, **more: Any) -> None:
        self._cookies: dict[str, str] = {}
        super().__init__(*account, **more)

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Store the cookies of a response, also replaced and deleted ones."""
        for header in _all(headers, hdrs.SET_COOKIE):
            jar: SimpleCookie = SimpleCookie()
            with suppress(CookieError):
                jar.load(header)
            for name, morsel in jar.items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = morsel.coded_value

    @property
    def _proof(self) -> Mapping[str, str] | None:
        if not self._cookies:
            return None
        return {hdrs.COOKIE: "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def _drop(self) -> None:
        self._cookies.clear()


class TokenSignIn(PasswordSignIn):
    """V2: `POST /api/v2/login` responds with the headers AccessToken and AccessTokenExpiry.

    The vendor does not publish the use of the RefreshToken, so the password signs in again instead.
    """

    resource = "login"

    def __init__(self, *account: Any, **more: Any) -> None:
        self._token: str | None = None
        self._renew_at: float | None = None
        super().__init__(*account, **more)

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Store the token of a response; without a future expiry it is valid until a 401."""
        token = headers.get("AccessToken")
        if not token or not _TOKEN.fullmatch(token):
            return
        self._token, self._renew_at = token, None
        expiry = to_datetime(headers.get("AccessTokenExpiry"))
        left = (expiry - self._budget.now_utc()).total_seconds() if expiry else 0.0
        if left > RENEW_EARLY:
            self._renew_at = self._budget.now() + left - RENEW_EARLY

    @property
    def _proof(self) -> Mapping[str, str] | None:
        is_due = self._renew_at is not None and self._budget.now() >= self._renew_at
        if self._token is None or is_due:
            return None
        return {hdrs.AUTHORIZATION: f"Bearer {self._token}"}

    def _drop(self) -> None:
        self._token = self._renew_at = None


class BearerSignIn:
    """The token of a Tester device, which cannot be renewed."""

    sends_password = False
    can_renew = False

    def __init__(self, token: str) -> None:
        self._headers: dict[str, str] = {hdrs.AUTHORIZATION: f"Bearer {token}"}
        self.fingerprint = hashlib.sha256(f"tester\n{token}".encode()).hexdigest()

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header."""
        return self._headers

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Raise SignInRejectedError, because the token cannot be renewed."""
        raise SignInRejectedError("the vendor refused the token")


def _all(headers: Mapping[str, str], name: str) -> Iterable[str]:
    return cast("CIMultiDictProxy[str]", headers).getall(name, ())
