"""Measure in a browser how a requested snapshot appears on an open dashboard."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import time
from typing import Any

import aiohttp
from playwright.async_api import Locator, Page

from .admin_client import AdminClient
from .cameras import camera_devices
from .clouds import CloudAccess
from .dashboard import URL_PATH
from .entities import Entity, Inventory
from .state import DemoError

_OPEN_SECONDS = 60
_PICTURES = 2  # raw and annotated
_VISIBLE_SECONDS = 30
_FLIP_SECONDS = 1.0

type Take = Callable[[Page, str], Awaitable[None]]

# What a card's picture looks like, as a short text; a picture of this origin may be read from a canvas.
_LOOK = """(img) => {
  if (!img.naturalWidth) return "";
  const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 48});
  canvas.getContext("2d").drawImage(img, 0, 0, 64, 48);
  return canvas.toDataURL();
}"""
# All that a card says: most of it stands in shadow trees, which an element's own text leaves out.
_TEXT = """(card) => {
  const said = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(said).join(" ");
  return said(card);
}"""


async def check_snapshot(
    page: Page, inventory: Inventory, view: int, cloud: CloudAccess, take: Take
) -> None:
    """Keep the dashboard open for a minute while a snapshot is asked for and a car parks; raises DemoError."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        admin = AdminClient(session, cloud)
        device = next(each for each in await camera_devices(admin) if each["places"])
        await page.goto(f"/{URL_PATH}/{view}")
        await page.locator("hui-picture-entity-card img").first.wait_for()
        camera = _of(inventory, device, ":camera")
        frame = await _card(page, "hui-picture-entity-card", camera)
        await frame.scroll_into_view_if_needed()
        card = frame.locator("img").first
        button = await _card(page, "hui-tile-card", _of(inventory, device, ":request_snapshot"))
        before = await _until_drawn(page, card, "")
        await take(page, "snapshot-before")
        asked = time.monotonic()
        await button.locator("ha-control-button").first.click()
        # What is out of sight is not kept up to date by the page.
        await frame.scroll_into_view_if_needed()
        await _until_drawn(page, card, before, asked)
        visible = time.monotonic() - asked
        await take(page, "snapshot-after")
        flipped = await _flip(page, admin, inventory, device)
        await asyncio.sleep(max(_OPEN_SECONDS - (time.monotonic() - asked), 0))
        _judge(device, await camera_devices(admin), visible, flipped)


async def _until_drawn(page: Page, card: Locator, before: str, since: float = 0.0) -> str:
    deadline = (since or time.monotonic()) + _OPEN_SECONDS
    while time.monotonic() < deadline:
        look: str = await card.evaluate(_LOOK)
        if look not in ("", before):
            return look
        await page.wait_for_timeout(200)
    raise DemoError(f"No new picture was seen in {_OPEN_SECONDS} seconds")


async def _flip(
    page: Page, admin: AdminClient, inventory: Inventory, device: Mapping[str, Any]
) -> float:
    """Let a car come to a free place, or leave; returns the seconds until the dashboard shows it."""
    name = f"{device['name']} {next(iter(device['places']))}"
    entity = next(each for each in inventory.entities if each.attributes["friendly_name"] == name)
    tile = await _card(page, "hui-tile-card", entity)
    await tile.scroll_into_view_if_needed()
    before = await tile.evaluate(_TEXT)
    path = f"/devices/{device['uuid']}"
    await admin.post(f"{path}/park", n=0, cls="car" if "Clear" in before else None)
    began = time.monotonic()
    await admin.post(f"{path}/tell")
    while await tile.evaluate(_TEXT) == before:
        if time.monotonic() - began > _OPEN_SECONDS:
            raise DemoError("The place did not change")
        await page.wait_for_timeout(20)
    return time.monotonic() - began


def _judge(
    before: Mapping[str, Any], devices: list[Mapping[str, Any]], visible: float, flipped: float
) -> None:
    after = next(each for each in devices if each["uuid"] == before["uuid"])
    woken = after["wakes"] - before["wakes"]
    newest = after["shots"][-1]["downloads"]
    print(
        f"The snapshot: {woken} request, {len(newest)} downloads of 2 pictures in {_OPEN_SECONDS} s, "
        f"visible after {visible:.1f} s; a place changed after {flipped:.2f} s"
    )
    wrong = [
        text
        for text, is_wrong in (
            (f"the camera was woken {woken} times", woken != 1),
            (f"its pictures were downloaded {len(newest)} times", len(newest) != _PICTURES),
            (f"the new one was visible after {visible:.1f} s", visible > _VISIBLE_SECONDS),
            (f"a place changed after {flipped:.2f} s", flipped > _FLIP_SECONDS),
        )
        if is_wrong
    ]
    if wrong:
        raise DemoError("; ".join(wrong))


def _of(inventory: Inventory, device: Mapping[str, Any], key: str) -> Entity:
    unique_id = f"camera-{device['uuid']}{key}"
    return next(
        entity
        for entity in inventory.entities
        if str(entity.registered["unique_id"]).endswith(unique_id)
    )


async def _card(page: Page, kind: str, entity: Entity) -> Locator:
    """Return the card of an entity."""
    cards = page.locator(kind)
    found = "(cards, id) => cards.findIndex((card) => card._config?.entity === id)"
    return cards.nth(await cards.evaluate_all(found, entity.id))
