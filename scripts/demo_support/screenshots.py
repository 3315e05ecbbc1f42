"""Take the pictures of docs/images: drive a browser through a fresh demo as a person would."""

from argparse import ArgumentParser
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import os
import sys

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page, ViewportSize, async_playwright

from . import gas_leak, screenshots_mk
from .accounts import sign_in_accounts
from .client import Client
from .clouds import CloudAccess
from .dashboard import URL_PATH
from .entities import Inventory, wait_for_values
from .environment import demo_environment, running_services
from .snapshot import check_snapshot
from .state import REPOSITORY, STATES, DemoError, State, free_port

_IMAGES = REPOSITORY / "docs" / "images"
_FAILURE = STATES / "screenshots-failed.png"
_SIZE = ViewportSize(width=1280, height=800)
_LARGE = ViewportSize(width=1500, height=940)
# Until the graphs show a line and not a dot.
_GRAPH_SECONDS = 240
_SETUP_SECONDS = 60
# A leak of eleven minutes that begins some minutes after the start.
_LEAK_SECONDS = 1500

# A sandbox needs rights that root in a container lacks; the others keep the browser offline.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_SIGN_IN = """([tokens, url]) => localStorage.setItem("hassTokens", JSON.stringify({
  ...tokens, hassUrl: url, clientId: url + "/", expires: Date.now() + tokens.expires_in * 1000,
}))"""


async def take_all(chromium: str, *, is_snapshot_enough: bool = False) -> None:
    """Run a demo of its own and take every picture, or only those of a snapshot that is asked for."""
    _IMAGES.mkdir(parents=True, exist_ok=True)
    state = State(STATES / f"screenshots-{os.getpid()}")
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    try:
        async with (
            running_services(state, port) as (client, clouds, _),
            _signed_in_page(chromium, base_url, client) as page,
        ):
            if not is_snapshot_enough:
                await _set_up(page, clouds["sensorist"])
            async with demo_environment(client, clouds) as (inventory, _):
                view = inventory.view_of("viziosense")
                await check_snapshot(page, inventory, view, clouds["viziosense"], _take)
                if not is_snapshot_enough:
                    await asyncio.sleep(_GRAPH_SECONDS)
                    await _show(page, inventory)
    finally:
        state.remove()


async def take_leak(chromium: str) -> None:
    """Run a demo of its own in which gas leaks, and take the picture of it. A quarter of an hour."""
    state = State(STATES / f"leak-{os.getpid()}")
    gas_leak.copy_blueprint(state)
    port = free_port()
    try:
        async with (
            running_services(state, port) as (client, clouds, _),
            _signed_in_page(chromium, f"http://127.0.0.1:{port}", client) as page,
        ):
            across = await gas_leak.order_leaks(clouds["sensit"])
            await sign_in_accounts(client, clouds)
            await wait_for_values(client, _SETUP_SECONDS)
            scene = await gas_leak.create_scene(client, across)
            await gas_leak.until_alarmed(client, scene, _LEAK_SECONDS)
            await page.set_viewport_size(_LARGE)
            await page.goto(gas_leak.address())
            await page.locator("hui-statistics-graph-card").first.wait_for()
            await _take(page, "gas-leak")
    finally:
        state.remove()


async def take_platform(chromium: str) -> None:
    """Run a demo of its own and take the pictures of the Manfred Kunze platform: an alert, a camera, a clip."""
    _IMAGES.mkdir(parents=True, exist_ok=True)
    state = State(STATES / f"platform-{os.getpid()}")
    port = free_port()
    try:
        async with (
            running_services(state, port) as (client, clouds, _),
            _signed_in_page(chromium, f"http://127.0.0.1:{port}", client) as page,
            demo_environment(client, clouds) as (inventory, _),
        ):
            await page.set_viewport_size(_LARGE)
            cloud, media = clouds[screenshots_mk.VENDOR], state.config / "media"
            await screenshots_mk.check_platform(
                page, client, inventory, cloud, media=media, take=_take
            )
    finally:
        state.remove()


@asynccontextmanager
async def _signed_in_page(chromium: str, base_url: str, client: Client) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        context = await browser.new_context(base_url=base_url, viewport=_SIZE)
        page = await context.new_page()
        await page.goto("/manifest.json")
        await page.evaluate(_SIGN_IN, [client.tokens, base_url])
        try:
            yield page
        except PlaywrightError as error:
            await page.screenshot(path=_FAILURE)
            raise DemoError(f"The page is not as expected, see {_FAILURE}: {error}") from None
        finally:
            await browser.close()


async def _set_up(page: Page, cloud: CloudAccess) -> None:
    """Add the integration in the browser: vendor, sign-in, success."""
    await page.goto("/config/integrations/dashboard/add?domain=watchpost")
    await page.get_by_role("button", name="OK").click()
    choice = page.get_by_text("Sensorist", exact=True)
    await choice.wait_for()
    await _take(page, "add-account-vendor")
    await choice.click()
    await page.locator("input[name=username]").fill(cloud["username"])
    await page.locator("input[name=password]").fill(cloud["password"])
    await _take(page, "add-account-sign-in")
    await page.locator("ha-expansion-panel").click()
    await page.locator("input[name=url]").fill(cloud["url"])
    await page.get_by_role("button", name="Submit").click()
    await _named(page, "Finish").or_(_named(page, "Skip and finish")).wait_for()
    await _take(page, "add-account-success")


async def _show(page: Page, inventory: Inventory) -> None:
    """Show the first account's device of the most entities, and the dashboard's views."""
    first = inventory.accounts[0]["entry_id"]
    devices = [device for device in inventory.devices if first in device["config_entries"]]
    device = max(devices, key=lambda device: len(inventory.of_device(device["id"])))
    await page.goto(f"/config/devices/device/{device['id']}")
    await page.locator("ha-device-info-card").wait_for()
    await _take(page, "device")
    await page.goto(f"/{URL_PATH}")
    await page.locator("hui-tile-card").first.wait_for()
    await _take(page, "dashboard")
    moving = {
        e.registered["config_entry_id"] for e in inventory.entities if e.domain == "device_tracker"
    }
    for number, account in enumerate(inventory.accounts):
        if account["entry_id"] in moving:
            await page.goto(f"/{URL_PATH}/{number}")
            await page.locator("ha-map").first.wait_for()
            await _take(page, "machines")


def _named(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def _take(page: Page, name: str) -> None:
    """Store a picture once animations and late icons have come to rest."""
    await page.wait_for_timeout(2500)
    picture = await page.screenshot(path=_IMAGES / f"{name}.png")
    print(f"{name}.png: {len(picture) // 1024} KB")


def main() -> None:
    """Take the pictures."""
    parser = ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("--chromium", required=True, help="the browser to drive")
    parser.add_argument(
        "--snapshot", action="store_true", help="only watch a snapshot that is asked for"
    )
    parser.add_argument("--leak", action="store_true", help="only the picture of a gas leak")
    parser.add_argument(
        "--platform",
        action="store_true",
        help="only the Manfred Kunze platform, and how it is used",
    )
    options = parser.parse_args()
    try:
        if options.platform:
            asyncio.run(take_platform(options.chromium))
        elif options.leak:
            asyncio.run(take_leak(options.chromium))
        else:
            asyncio.run(take_all(options.chromium, is_snapshot_enough=options.snapshot))
    except DemoError as error:
        sys.exit(f"screenshots: {error}")


if __name__ == "__main__":
    main()
