"""Signing the demo accounts in, through the integration's own config flow."""

from collections.abc import Mapping
from typing import Any

from .client import Client
from .clouds import VENDORS, CloudAccess, Vendor
from .state import DemoError

_FLOWS = "/api/config/config_entries/flow"


async def sign_in_accounts(client: Client, clouds: Mapping[str, CloudAccess]) -> None:
    """Sign in to every vendor that has a door and is not signed in yet."""
    for vendor in VENDORS:
        if vendor.key not in clouds:
            continue
        result = await _sign_in(client, vendor, clouds[vendor.key])
        if result["type"] == "create_entry":
            print(f"Signed in: {result['title']}")
        elif result.get("reason") != "already_configured":
            raise DemoError(f"Signing in to {vendor.key} ended with {_why(result)}")


async def _sign_in(client: Client, vendor: Vendor, cloud: CloudAccess) -> dict[str, Any]:
    flow = await client.post(_FLOWS, {"handler": "watchpost"})
    address = f"{_FLOWS}/{flow['flow_id']}"
    form = await client.post(address, {"next_step_id": vendor.key})
    if vendor.choice is not None:
        form = await client.post(address, {"next_step_id": vendor.choice})
    if form["type"] != "form":
        raise DemoError(f"The step {vendor.key} shows no form: {_why(form)}")
    result: dict[str, Any] = await client.post(address, vendor.form(cloud))
    return result


def _why(result: Mapping[str, Any]) -> str:
    return f"{result['type']}: {result.get('errors') or result.get('reason')}"
