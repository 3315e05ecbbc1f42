"""Access tokens: JSON Web Tokens that live for eight hours, and less usual ones.

They carry all that the cloud needs to know them again, so that they outlive its restart.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
import hashlib
import hmac
import json
from typing import Any

from .config import CloudConfig

_YEAR = 365 * 24 * 3600


@dataclass(slots=True)
class User:
    """Someone who can sign in. `sees`: uuids of monitors; None sees all. `locked`: cannot."""

    id: str
    email: str
    password: str
    role: str
    name: str
    sees: frozenset[str] | None = None
    locked: bool = False

    def may_see(self, uuid: str) -> bool:
        """Return whether a monitor is the user's to see."""
        return self.sees is None or uuid in self.sees


class Tokens:
    """Issues tokens and knows them again."""

    def __init__(self, config: CloudConfig) -> None:
        """Start with a key that follows from the plan's seed."""
        self._config = config
        self._generation = 0
        self._newest: dict[str, str] = {}

    def issue(self, user: User, now: int) -> str:
        """Return a token that works from `now` (seconds) for as long as the plan says.

        Two of one user in one second are the same, as JSON Web Tokens without an id are.
        """
        claims: dict[str, object] = {
            "email": user.email,
            "role": user.role,
            "displayName": user.name,
            "status": "Active",
            "iat": now,
        }
        expiry = now + self._config.token_seconds
        exps: dict[str, dict[str, object]] = {
            "full": {"exp": expiry},
            "text_exp": {"exp": "in the evening"},
            "past_exp": {"exp": now - _YEAR},
            "float_exp": {"exp": expiry + 0.25},
        }
        token = self._signed(claims | exps.get(self._config.variants.jwt, {}))
        if self._config.variants.jwt == "opaque":
            token = token.encode().hex()
        self._newest[user.email] = token
        return token

    def email(self, token: str, now: int) -> str | None:
        """Return whose token it is if it works, else None."""
        claims = self.claims(token)
        if claims is None or not hmac.compare_digest(self._signed(claims), _as_jwt(token)):
            return None
        if now >= claims["iat"] + self._config.token_seconds:
            return None
        email = str(claims["email"])
        if self._config.variants.one_session and self._newest.get(email, token) != token:
            return None
        return email

    def revoke(self) -> None:
        """Let no token work that was issued so far."""
        self._generation += 1

    @staticmethod
    def claims(token: str) -> dict[str, Any] | None:
        """Return what a token says, true or not; None if it is no token."""
        try:
            claims = json.loads(_decoded(_as_jwt(token).split(".")[1]))
        except ValueError, IndexError:
            return None
        if not isinstance(claims, dict) or not isinstance(claims.get("iat"), int):
            return None
        return claims if isinstance(claims.get("email"), str) else None

    def _signed(self, claims: dict[str, Any]) -> str:
        head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
        body = f"{head}.{_encoded(json.dumps(claims, separators=(',', ':')).encode())}"
        key = f"sensit {self._config.seed} {self._generation}".encode()
        return f"{body}.{_encoded(hmac.new(key, body.encode(), hashlib.sha256).digest())}"


def _as_jwt(token: str) -> str:
    if "." in token:
        return token
    try:
        return bytes.fromhex(token).decode()
    except ValueError:
        return ""


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
