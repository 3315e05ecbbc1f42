"""Check the Manfred Kunze platform in a browser: an alert, a camera, a clip and an export's file."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import time
from typing import Any, Final
import zipfile

import aiohttp
from playwright.async_api import Locator, Page

from .admin_client import AdminClient
from .client import Client
from .clouds import CloudAccess
from .dashboard import URL_PATH
from .entities import Entity, Inventory, fetch_inventory
from .state import DemoError

VENDOR: Final = "manfred_kunze"
_PATIENCE: Final = 60.0
_POLL: Final = 40.0
_WATCHED_SECONDS: Final = 20.0
_HEAT: Final = 41.5

type Take = Callable[[Page, str], Awaitable[None]]

# All videos of a page, wherever in its shadow trees.
_VIDEOS = """() => {
  const found = (node) => [
    ...(node.tagName === "VIDEO" ? [node] : []),
    ...[...(node.shadowRoot?.children ?? []), ...(node.children ?? [])].flatMap(found),
  ];
  return found(document.documentElement).map((video) => ({
    at: video.currentTime, width: video.videoWidth, error: video.error?.message ?? null,
  }));
}"""


async def running_sessions(admin: AdminClient) -> list[Mapping[str, Any]]:
    """Return the live sessions that are not over."""
    sessions = (await admin.get("/media"))["sessions"]
    return [each for each in sessions if each["status"] in ("REQUESTED", "ACTIVE")]


async def check_platform(
    page: Page, client: Client, inventory: Inventory, cloud: CloudAccess, *, media: Path, take: Take
) -> None:
    """Check all of it; raise DemoError on a fault. `media` is the media folder."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        admin = AdminClient(session, cloud)
        await page.goto(f"/{URL_PATH}/{inventory.view_of(VENDOR)}")
        await page.locator("hui-tile-card").first.wait_for()
        await _alert(page, client, inventory, admin, take)
        await _live(page, inventory, admin, take)
        await _clip(page, inventory, admin, take)
        await _export(client, inventory, media)


# -- an alert --


async def _alert(
    page: Page, client: Client, inventory: Inventory, admin: AdminClient, take: Take
) -> None:
    """Let an alert rise, acknowledge it from the dashboard, resolve it at the vendor."""
    rule = (await admin.get("/alerts"))["rules"][0]
    shown = _of(inventory, f":alert_rule-{rule['id']}")
    button = _of(inventory, f":alert_rule_acknowledge-{rule['id']}")
    alert = await admin.post(f"/rules/{rule['id']}/fire", value=_HEAT)
    raised = await _until(client, shown, lambda e: e.state == "on")
    card = await _card(page, "hui-tile-card", shown)
    await card.scroll_into_view_if_needed()
    await take(page, "manfred_kunze-alert")
    tile = await _card(page, "hui-tile-card", button)
    await tile.scroll_into_view_if_needed()
    await tile.locator("ha-control-button").first.click()
    acknowledged = await _until(client, shown, lambda e: e.attributes.get("acknowledged") is True)
    known = (await admin.get("/alerts"))["alerts"]
    states = {each["id"]: each.get("status") or each.get("state") for each in known}
    if "ACK" not in str(states.get(alert["id"])).upper():
        raise DemoError(f"The vendor says of the alert: {states.get(alert['id'])}")
    await admin.post(f"/alerts/{alert['id']}/resolve")
    resolved = await _until(client, shown, lambda e: e.state == "off")
    print(
        f"An alert was shown after {raised:.1f} s, acknowledged from the dashboard after "
        f"{acknowledged:.1f} s, and over {resolved:.1f} s after it was resolved at the vendor"
    )


async def _until(client: Client, entity: Entity, is_so: Callable[[Entity], bool]) -> float:
    """Wait until an entity is so; returns the seconds."""
    began = time.monotonic()
    while time.monotonic() - began < _PATIENCE:
        now = next(
            each for each in (await fetch_inventory(client)).entities if each.id == entity.id
        )
        if is_so(now):
            return time.monotonic() - began
        await asyncio.sleep(0.2)
    raise DemoError(f"{entity.id} did not come to that in {_PATIENCE:.0f} s")


# -- a camera --


async def _live(page: Page, inventory: Inventory, admin: AdminClient, take: Take) -> None:
    """Watch the cameras of the dashboard for a while; nothing is left open when the page is left."""
    camera = next(e for e in inventory.entities if e.domain == "camera" and _is_ours(e))
    card = await _card(page, "hui-picture-entity-card", camera)
    await card.scroll_into_view_if_needed()
    began = time.monotonic()
    first = await _playing(page)
    took = time.monotonic() - began
    await page.wait_for_timeout(1000 * _WATCHED_SECONDS)
    later = await _playing(page)
    played = max(each["at"] for each in later) - max(each["at"] for each in first)
    if played < _WATCHED_SECONDS / 2:
        raise DemoError(f"The live stream advanced by {played:.1f} s in {_WATCHED_SECONDS:.0f} s")
    await take(page, "manfred_kunze-camera")
    open_now = len(await running_sessions(admin))
    await page.goto("/profile/general")
    left = time.monotonic()
    while await running_sessions(admin):
        if time.monotonic() - left > 3 * _PATIENCE:
            raise DemoError("A live session is open though nobody watches")
        await asyncio.sleep(1)
    print(
        f"Live: playing after {took:.1f} s at {first[0]['width']} px, {played:.1f} s of video in "
        f"{_WATCHED_SECONDS:.0f} s; {open_now} sessions, none {time.monotonic() - left:.0f} s after leaving"
    )


async def _playing(page: Page) -> list[dict[str, Any]]:
    """Wait until a video of the page plays; raises DemoError."""
    deadline = time.monotonic() + _PATIENCE
    videos: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        videos = await page.evaluate(_VIDEOS)
        if playing := [each for each in videos if each["at"] > 0 and each["width"]]:
            return playing
        await page.wait_for_timeout(200)
    raise DemoError(f"No video plays: {videos}")


async def _clip(page: Page, inventory: Inventory, admin: AdminClient, take: Take) -> None:
    """Play the newest clip of a camera from the media browser."""
    camera = (await admin.get("/media"))["cameras"][0]
    await page.goto("/media-browser/browser")
    account = inventory.accounts[inventory.view_of(VENDOR)]["title"]
    year = datetime.now(UTC).strftime("%Y-")
    for name in (
        "Watchpost",
        account,
        camera["name"],
        year,
        " s)",
    ):  # the newest day, the newest clip
        items = page.locator("ha-media-player-browse").locator(".child, ha-list-item")
        await items.filter(has_text=name).first.click()
        await page.wait_for_timeout(1000)
    (first,) = (await _playing(page))[:1]
    await take(page, "manfred_kunze-clip")
    (later,) = (await _playing(page))[:1]
    if later["at"] <= first["at"]:
        raise DemoError(f"The clip stands still at {first['at']:.1f} s")
    print(f"A clip played from {first['at']:.1f} s to {later['at']:.1f} s")


# -- an export --


async def _export(client: Client, inventory: Inventory, media: Path) -> None:
    """Have a day of a device exported and saved, and open the bundle."""
    ends = [e for e in inventory.entities if e.domain == "sensor" and ":device-" in _id(e)]
    device = next(e.registered["device_id"] for e in ends if _is_ours(e))
    now = datetime.now(UTC)
    began = time.monotonic()
    answer = await client.post(
        "/api/services/watchpost/create_export?return_response",
        {
            "device_id": device,
            "start": (now - timedelta(hours=6)).isoformat(),
            "end": now.isoformat(),
            "download": True,
        },
    )
    response = answer["service_response"]
    path = media / "watchpost" / str(response["media_content_id"]).rpartition("/")[2]
    with zipfile.ZipFile(path) as bundle:
        damaged = bundle.testzip()
        names = bundle.namelist()
        manifest = json.loads(bundle.read("manifest.json"))
    if damaged or path.stat().st_size != response["size"]:
        raise DemoError(f"The export's file is damaged: {damaged}")
    print(
        f"An export was saved after {time.monotonic() - began:.1f} s: {path.stat().st_size} bytes, "
        f"{', '.join(names)}; {response['readings']} readings, manifest with {', '.join(manifest)}"
    )


def _id(entity: Entity) -> str:
    return str(entity.registered["unique_id"])


def _is_ours(entity: Entity) -> bool:
    return _id(entity).startswith(f"{VENDOR}:")


def _of(inventory: Inventory, end: str) -> Entity:
    return next(each for each in inventory.entities if _id(each).endswith(end))


async def _card(page: Page, kind: str, entity: Entity) -> Locator:
    """Return the card of an entity."""
    cards = page.locator(kind)
    await cards.first.wait_for()
    found = "(cards, id) => cards.findIndex((card) => card._config?.entity === id)"
    return cards.nth(await cards.evaluate_all(found, entity.id))
