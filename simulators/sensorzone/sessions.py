"""The three sign-ins: session cookies of version 1, JWTs of version 2, tokens of tester devices.

Times are whole seconds since the epoch.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from simulators.random_source import mix
from simulators.response import encode

from .config import CloudConfig
from .state import Tester, User, World

COOKIE = "_sensorzone_session"
REFRESH_COOKIE = "RefreshToken"
_STATED = ("AccessToken", "AccessTokenExpiry", "RefreshToken")
_AN_HOUR = 3600


@dataclass(slots=True)
class Session:
    """A session, of which a cookie or a token is the key. calls: how often it was used."""

    user: User
    begun: int
    ends: int
    calls: int = 0


class Sessions:
    """The sessions of signed-in users."""

    def __init__(self, world: World) -> None:
        """Start with nobody."""
        self._world = world
        self._cookies: dict[str, Session] = {}
        self._tokens: dict[str, Session] = {}
        self._refreshes: dict[str, Session] = {}
        self._made = 0

    @property
    def _config(self) -> CloudConfig:
        return self._world.config

    def begin(self, user: User) -> dict[str, str]:
        """Sign a user in to version 1; returns the headers that say so."""
        return {"Set-Cookie": self._new_cookie(user)}

    def issue(self, user: User) -> tuple[dict[str, str], str | None]:
        """Sign a user in to version 2: headers, and the refresh token if it is for the body."""
        now, form = self._world.now, self._config.variants
        token = self._jwt(user)
        self._tokens[token] = Session(user, now, now + round(self._config.token_lifetime))
        headers = {self._header(0): token}
        if (expiry := self._told_expiry(now)) is not None:
            headers[self._header(1)] = expiry
        if form.refresh_in == "none":
            return headers, None
        refresh = self._secret("rt")
        self._refreshes[refresh] = Session(user, now, now + round(self._config.refresh_lifetime))
        if form.refresh_in == "header":
            headers[self._header(2)] = refresh
        elif form.refresh_in == "cookie":
            headers["Set-Cookie"] = f"{REFRESH_COOKIE}={refresh}; Path=/; HttpOnly; SameSite=Lax"
        return headers, refresh if form.refresh_in == "body" else None

    def by_cookie(self, headers: Mapping[str, str]) -> tuple[User, dict[str, str]] | None:
        """Return who a session cookie stands for, and headers that keep the session alive."""
        value = _cookies(headers).get(COOKIE, "")
        session, now = self._cookies.get(value), self._world.now
        if session is None or now >= session.ends or not session.user.active:
            return None
        session.calls += 1
        if self._config.cookie_calls and session.calls > self._config.cookie_calls:
            del self._cookies[value]
            return None
        if self._config.variants.cookie == "sliding":
            session.ends = now + round(self._config.cookie_lifetime)
            return session.user, {"Set-Cookie": self._cookie_line(value)}
        if self._config.variants.cookie == "rotating":
            return session.user, {"Set-Cookie": self._new_cookie(session.user)}
        return session.user, {}

    def by_token(self, headers: Mapping[str, str]) -> tuple[User, dict[str, str]] | None:
        """Return who a JWT stands for, and headers with a new one if there is one."""
        session, now = self._tokens.get(bearer(headers)), self._world.now
        renewal = self._config.variants.jwt_renewal
        if session is None or not session.user.active:
            return None
        if now < session.ends:
            is_old = now - session.begun >= (session.ends - session.begun) / 2
            return session.user, self.issue(session.user)[0] if renewal == "any" and is_old else {}
        refresh = headers.get(_STATED[2]) or _cookies(headers).get(REFRESH_COOKIE, "")
        kept = self._refreshes.get(refresh)
        if renewal == "login" or kept is None or now >= kept.ends or kept.user is not session.user:
            return None
        return session.user, self.issue(session.user)[0]

    def tester(self, headers: Mapping[str, str]) -> Tester | None:
        """Return the tester device whose token a request bears."""
        token = bearer(headers)
        for tester in self._world.testers:
            if tester.active and tester.token == token:
                return tester
        return None

    def name_of(self, headers: Mapping[str, str]) -> str | None:
        """Return who a request says it is from, even if its sign-in has run out."""
        name, kind = self._name_and_kind(headers)
        if name is None or kind == "tester" or self._config.limits.scope == "user":
            return name
        return f"{kind}:{name}"

    def end_cookie(self, headers: Mapping[str, str]) -> None:
        """Sign out of version 1."""
        self._cookies.pop(_cookies(headers).get(COOKIE, ""), None)

    def end_token(self, headers: Mapping[str, str]) -> None:
        """Sign out of version 2."""
        self._tokens.pop(bearer(headers), None)

    def lose_cookies(self) -> None:
        """Forget all sessions of version 1."""
        self._cookies.clear()

    def lose_tokens(self) -> None:
        """Forget all JWTs and all refresh tokens."""
        self._tokens.clear()
        self._refreshes.clear()

    def _name_and_kind(self, headers: Mapping[str, str]) -> tuple[str | None, str]:
        token = bearer(headers)
        for tester in self._world.testers:
            if token and tester.token == token:
                return f"tester:{tester.name}", "tester"
        if token:
            session = self._tokens.get(token)
            return (session.user.email if session else None), "v2"
        session = self._cookies.get(_cookies(headers).get(COOKIE, ""))
        return (session.user.email if session else None), "v1"

    def _new_cookie(self, user: User) -> str:
        value, now = self._secret("sid"), self._world.now
        self._cookies[value] = Session(user, now, now + round(self._config.cookie_lifetime))
        return self._cookie_line(value)

    def _cookie_line(self, value: str) -> str:
        return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax"

    def _told_expiry(self, now: int) -> str | None:
        ends = now + round(self._config.token_lifetime)
        told = {"s": ends, "ms": ends * 1000, "past": now - _AN_HOUR, "missing": None}
        expiry = told[self._config.variants.jwt_expiry]
        return None if expiry is None else str(expiry)

    def _header(self, place: int) -> str:
        name = _STATED[place]
        cases = {"stated": name, "lower": name.lower(), "upper": name.upper()}
        return cases[self._config.variants.jwt_headers]

    def _secret(self, kind: str) -> str:
        self._made += 1
        numbers = (mix(self._config.seed, self._made, salt) for salt in (71, 72))
        return kind + "".join(f"{number:016x}" for number in numbers)

    def _jwt(self, user: User) -> str:
        parts = (
            encode({"alg": "HS256", "typ": "JWT"}),
            encode({"sub": str(user.id), "jti": self._secret("j")}),
            self._secret("sig").encode(),
        )
        return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def bearer(headers: Mapping[str, str]) -> str:
    """Return the bearer token in the Authorization header, or nothing."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        jar = SimpleCookie(headers.get("Cookie", ""))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
