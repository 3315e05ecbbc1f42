"""The Manfred Kunze platform: keys, people and signed addresses stand nowhere where somebody else could read them."""

import asyncio
import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.auth.models import User
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .calling import door_fixture  # noqa: F401
from .conftest import DOMAIN, House
from .mk_house import MkHouse
from .outside import download

PERSON = "Canaria Kanarienvogel"
MAIL = "canary.mail@example.org"
SIGNED = "https://canary-store.example/x.bin?X-Amz-Signature=canary-sig"
CANARIES = (PERSON, "Kanarienvogel", MAIL, "canary-sig", "canary-store", "canary-hush")


def _sown(payload: Any) -> Any:
    """Put people, secrets and signed addresses into every record, under every likely name."""
    if isinstance(payload, list):
        return [_sown(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    return {key: _sown(value) for key, value in payload.items()} | {
        "createdBy": {"name": PERSON, "email": MAIL},
        "acknowledgedBy": PERSON,
        "message": f"{PERSON} <{MAIL}>",
        "description": PERSON,
        "detail": f"no right for {MAIL}",
        "downloadLink": SIGNED,
        "apiToken": "canary-hush",
        "location": {"address": PERSON, "contact": MAIL},
    }


@pytest.fixture(autouse=True)
async def _rooms(house: House) -> None:
    """What brings views of its own must be set up before the web server is."""
    for component in ("camera", "media_source"):
        assert await async_setup_component(house.hass, component, {})


async def test_no_canary_sings_in_log_states_registries_issues_or_diagnostics(
    mk_house: MkHouse,
    mk: ManfredKunzeCloud,
    door: TestClient,
    hass_client_no_auth: Any,
    hass_admin_user: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger=f"custom_components.{DOMAIN}")
    sowing = Fault(kind="mutate", mutate=_sown)
    mk.faults.add(sowing)
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    mk.acknowledge(mk.fire(rule, 41))
    await mk.settled()
    await mk_house.pass_time(31)
    assert sowing.used > 20
    hass = mk_house.hass
    fields = {"config_entry_id": entry.entry_id}
    for kind in ("status", "drop"):
        body = json.dumps({"detail": f"{PERSON} {SIGNED}", "errors": [{"field": MAIL}]})
        status = 400 if kind == "status" else None
        mk.faults.add(Fault(kind=kind, status=status, body=body, match="/events"))
        with pytest.raises(HomeAssistantError) as caught:
            await hass.services.async_call(
                DOMAIN, "post_event", fields | {"event_type": "X"}, blocking=True
            )
        assert not [one for one in CANARIES if one in str(caught.value)]
        mk.faults.clear()
    mk.faults.add(Fault(kind="status", status=403, body=f"{MAIL} {SIGNED}"))
    await mk_house.pass_time(61)
    await asyncio.sleep(0)

    ours = [one for one in caplog.records if one.name.startswith("custom_components")]
    assert ours
    secrets = (*CANARIES, mk.config.api_key, entry.data[CONF_WEBHOOK_ID])
    said = "\n".join(one.getMessage() + str(one.exc_info or "") for one in ours)
    shown = [
        *(str(state.as_dict()) for state in mk_house.states()),
        *(str(one.extended_dict) for one in er.async_get(hass).entities.values()),
        *(str(one.dict_repr) for one in mk_house.devices(entry)),
        *(str(one) for one in ir.async_get(hass).issues.values()),
        json.dumps(
            await download(mk_house, hass_client_no_auth, hass_admin_user, entry.entry_id),
            default=str,
        ),
        said,
    ]
    for secret in secrets:
        assert not [one for one in shown if secret in one], secret
