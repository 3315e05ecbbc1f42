"""Sign-ins that several vendors' clients share."""

from collections.abc import Mapping

from .errors import SignInRejectedError


class NoAuth:
    """Send no credentials, for the request that signs in; implements `SignIn`."""

    fingerprint = ""
    sends_password = False
    can_renew = False

    async def headers(self) -> Mapping[str, str]:
        """Return no headers."""
        return {}

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Raise SignInRejectedError: there are no credentials to renew."""
        raise SignInRejectedError("the vendor refused the credentials")
