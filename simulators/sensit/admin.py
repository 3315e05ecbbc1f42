"""The admin API's indoor part: users, tokens, forms, the truth and counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .admin_params import moment, variant_choices
from .cloud import SensitCloud
from .tokens import User

_PLAN = ("token_seconds", "max_age", "etag")
_DEVICES = "/clients/getDevicesFromDeviceTypeAndRole"


class SensitAdmin:
    """Serve the admin routes for users, tokens and settings. Times are ISO 8601 with a zone.

    POST /_sim/users {"email", "password"?, "role"?, "sees"?: [uuids] or null for all, "locked"?}:
        adds or changes one; GET lists.
    POST /_sim/tokens/revoke: no token that was issued so far works any longer.
    POST /_sim/variants {field of ApiVariants: value}, see config.py; GET shows them.
    POST /_sim/config {"token_seconds"?, "max_age"?: seconds or null, "etag"?}.
    GET /_sim/truth?device=<uuid>[&since=&until=][&ever=1] -> {"records": [{"date", "received",
        "values": {dotted path: value}}]}, oldest first, dated in [since, until), by default of the
        last day; ever: those too that are still on their way.
    GET /_sim/counts -> {"sign_ins", "refused_sign_ins", "requests": {path: n}, "least_gap":
        the least seconds between two equal requests for the device list, or null}.
    """

    def __init__(self, cloud: SensitCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/users", self.show_users)
        router.add_post(f"{ADMIN_PATH}/users", self.set_user)
        router.add_post(f"{ADMIN_PATH}/tokens/revoke", self.revoke_tokens)
        router.add_get(f"{ADMIN_PATH}/variants", self.show_variants)
        router.add_post(f"{ADMIN_PATH}/variants", self.set_variants)
        router.add_post(f"{ADMIN_PATH}/config", self.set_config)
        router.add_get(f"{ADMIN_PATH}/truth", self.show_truth)
        router.add_get(f"{ADMIN_PATH}/counts", self.show_counts)

    async def show_users(self, request: web.Request) -> web.Response:
        """Return who can sign in."""
        return json_response({"users": [_shown(user) for user in self._cloud.users]})

    async def set_user(self, request: web.Request) -> web.Response:
        """Add or change a user."""
        body = await json_object(request)
        if not (email := body.get("email")):
            raise refusal("email is needed")
        world = self._cloud.world
        user = world.users.get(email) or world.add_user(str(email), world.config.password)
        user.password = str(body.get("password", user.password))
        user.role = str(body.get("role", user.role))
        user.locked = bool(body.get("locked", user.locked))
        if "sees" in body:
            user.sees = None if body["sees"] is None else frozenset(map(str, body["sees"]))
        return json_response(_shown(user))

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        """Let no token work that was issued so far."""
        self._cloud.tokens.revoke()
        return json_response({})

    async def show_variants(self, request: web.Request) -> web.Response:
        """Return the forms that are served."""
        return json_response(asdict(self._cloud.config.variants))

    async def set_variants(self, request: web.Request) -> web.Response:
        """Serve other forms from now on."""
        body = await json_object(request)
        choices = variant_choices()
        for name, value in body.items():
            if value not in choices.get(name, ()):
                raise refusal(f"{name} is one of {choices.get(name)}")
        for name, value in body.items():
            setattr(self._cloud.config.variants, name, value)
        return await self.show_variants(request)

    async def set_config(self, request: web.Request) -> web.Response:
        """Change what of the plan a request reads."""
        body, config = await json_object(request), self._cloud.config
        if unknown := body.keys() - set(_PLAN):
            raise refusal(f"It has no {', '.join(sorted(unknown))}")
        config.token_seconds = body.get("token_seconds", config.token_seconds)
        config.max_age = body.get("max_age", config.max_age)
        config.etag = body.get("etag", config.etag)
        return json_response({name: getattr(config, name) for name in _PLAN})

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return the records of a window."""
        query: Mapping[str, Any] = request.query
        uuid = query.get("device", "")
        if uuid not in self._cloud.world.monitors:
            raise web.HTTPNotFound
        until = moment(query, "until", self._cloud.clock)
        since = until - timedelta(days=1)
        if "since" in query:
            since = moment(query, "since", self._cloud.clock)
        ever = query.get("ever", "") not in ("", "0")
        return json_response({"records": self._cloud.records(uuid, since, until, ever=ever)})

    async def show_counts(self, request: web.Request) -> web.Response:
        """Return how often the cloud was asked."""
        cloud = self._cloud
        return json_response(
            {
                "sign_ins": cloud.sign_ins,
                "refused_sign_ins": cloud.refused_sign_ins,
                "requests": Counter(record.path for record in cloud.log),
                "least_gap": cloud.min_gap(_DEVICES),
            }
        )


def _shown(user: User) -> dict[str, object]:
    return asdict(user) | {"sees": None if user.sees is None else sorted(user.sees)}
