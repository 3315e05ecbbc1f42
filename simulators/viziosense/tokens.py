"""Check the sign-in: the long-lived token, or a login with access and refresh token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.clock import EPOCH
from simulators.random_source import mix
from simulators.response import JsonObject

from .config import CloudConfig
from .errors import TOKEN, UNAUTHORIZED, ApiError

BY_TOKEN, BY_LOGIN, NOBODY = "token", "login", "unknown"


@dataclass(slots=True)
class Tokens:
    """All tokens of a cloud. Each login makes a new pair; a refresh uses its refresh token up.

    dying: so many of the next calls bring an access token that expires on its way.
    """

    config: CloudConfig
    dying: int = 0
    logins: int = 0
    refreshes: int = 0
    _until: dict[str, datetime] = field(default_factory=dict)
    _refreshable: set[str] = field(default_factory=set)
    _revoked: set[str] = field(default_factory=set)

    def holder(self, headers: Mapping[str, str]) -> str | None:
        """Return how a request says that it is signed in; None if it does not."""
        token = bearer(headers)
        if token is None:
            return None
        if token == self.config.token:
            return BY_TOKEN
        return BY_LOGIN if token in self._until else NOBODY

    def check(self, headers: Mapping[str, str], operation: str, now: datetime) -> None:
        """Refuse with ApiError whoever has no valid token, or one of too narrow a scope."""
        token = bearer(headers)
        if token == self.config.token and token not in self._revoked:
            if operation not in self.config.scope:
                raise ApiError(UNAUTHORIZED)
            return
        if self.dying and token in self._until:
            self.dying -= 1
            self._until[token] = now
        if token is None or self._until.get(token, now) <= now:
            raise ApiError(TOKEN, self.config.variants.token_error)

    def login(self, body: Mapping[str, object], now: datetime) -> JsonObject:
        """Sign in with e-mail address and password."""
        if (body.get("email"), body.get("password")) != (
            self.config.username,
            self.config.password,
        ):
            status = self.config.variants.login_refused
            raise ApiError(UNAUTHORIZED if status == 403 else TOKEN, status)
        self.logins += 1
        return self._pair(now)

    def refresh(self, body: Mapping[str, object], now: datetime) -> JsonObject:
        """Trade a refresh token for a new pair; the old refresh token is dead from then on."""
        token = body.get("refresh_token")
        if not isinstance(token, str) or token not in self._refreshable:
            raise ApiError(TOKEN, self.config.variants.token_error)
        self._refreshable.discard(token)
        self.refreshes += 1
        return self._pair(now)

    def expire(self, *, refresh_too: bool = False) -> None:
        """End all access tokens of logins now, before their time; with them the refresh tokens."""
        self._until = dict.fromkeys(self._until, EPOCH)
        if refresh_too:
            self._refreshable.clear()

    def revoke(self) -> None:
        """Revoke the long-lived token; a new one in the plan is good again."""
        self._revoked.add(self.config.token)

    def _pair(self, now: datetime) -> JsonObject:
        number = self.logins + self.refreshes
        access, renew = (
            f"{word}-{mix(self.config.seed, number, salt):016x}"
            for salt, word in ((7, "access"), (8, "refresh"))
        )
        self._until[access] = now + timedelta(seconds=self.config.expires_in)
        self._refreshable.add(renew)
        user: JsonObject = {
            "type": "user",
            "name": "Bruno Example",
            "email": self.config.username,
            "role": [self.config.role],
        }
        return {
            "data": {
                "user": user,
                "token_type": "Bearer",
                "expires_in": self.config.expires_in,
                "access_token": access,
                "refresh_token": renew,
            }
        }


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of an Authorization header of the scheme Bearer."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
