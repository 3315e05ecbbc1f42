"""Check API keys and their permissions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .config import CloudConfig
from .errors import ApiError
from .state import Organisation


@dataclass(slots=True)
class ApiKey:
    """An API key.

    denied: resource groups without permission (403), by the first word of their path, e.g. "alerts"; "write" stands
    for every call but GET.
    """

    name: str
    secret: str
    organisation: Organisation
    revoked: bool = False
    denied: set[str] = field(default_factory=set)


class ApiKeys:
    """All keys by name: "main" and "other", of two organisations."""

    def __init__(self, config: CloudConfig, main: Organisation, other: Organisation) -> None:
        """Create a key for each organisation."""
        self._config = config
        self._organisations = {"main": main, "other": other}
        self.by_name = {
            "main": ApiKey("main", config.api_key, main),
            "other": ApiKey("other", config.other_key, other),
        }

    def organisation(self, name: str) -> Organisation:
        """Return an organisation by the name of the key that first opened it."""
        return self._organisations["other" if name == "other" else "main"]

    def rotate(self, name: str = "main") -> str:
        """Replace a key's secret and return the new one; the old one is rejected from now on."""
        key = self.by_name[name]
        head, _, tail = key.secret.partition("-")
        key.secret = f"{head}-{int(tail or 0) + 1}"
        key.revoked = False
        return key.secret

    def name_of(self, headers: Mapping[str, str]) -> str | None:
        """Return the name of a request's key, "unknown", or None without a key."""
        if not headers.get("Authorization"):
            return None
        key = self._find(headers)
        return "unknown" if key is None else key.name

    def check(self, headers: Mapping[str, str], group: str, method: str) -> ApiKey:
        """Return the key of a request; raise 401 if it is invalid, 403 without the permission."""
        key = self._find(headers)
        if key is None or key.revoked:
            raise ApiError(401, "Authentication is required")
        wanted = {group} if method == "GET" else {group, "write"}
        if key.denied & wanted or (group == "admin" and not self._config.admin):
            raise ApiError(403, "Access is denied")
        return key

    def _find(self, headers: Mapping[str, str]) -> ApiKey | None:
        scheme, _, secret = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return next((key for key in self.by_name.values() if key.secret == secret.strip()), None)
