"""A disk that is really full, or really read-only: a tmpfs of 256 KiB under `.storage`, in a namespace of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime
import os
from pathlib import Path
import shutil
import subprocess
import sys

from homeassistant.config_entries import ConfigEntryState
import pytest

from simulators.sensorist import FREE, SensoristCloud

from .conftest import House
from .test_journal import LONG, change, restart, while_down, with_alarm
from .test_occurrences import Ear, truth

INSIDE = "WATCHPOST_TEST_MAY_MOUNT"
UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


def test_full_and_read_only_disks_in_a_namespace_of_their_own() -> None:
    """Run the tests below where file systems may be mounted."""
    if os.environ.get(INSIDE):
        pytest.skip("this is the namespace")
    if not shutil.which("unshare") or subprocess.run((*UNSHARE, "true"), check=False).returncode:
        pytest.skip("this machine gives no namespace in which a file system may be mounted")
    run = subprocess.run(
        (*UNSHARE, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__),
        env={**os.environ, INSIDE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:]
    assert "4 passed" in run.stdout, run.stdout[-2000:]


class Disk:
    """The file system of `.storage`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filler = folder / "filler"
        folder.mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", "size=256k", "none", str(folder))

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            for size in (4096, 1):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        self._filler.unlink()

    def make(self, access: str) -> None:
        mount("-o", f"remount,{access}", str(self._folder))

    def unmount(self) -> None:
        subprocess.run(("umount", "-l", str(self._folder)), check=True)


def mount(*arguments: str) -> None:
    subprocess.run(("mount", *arguments), check=True)


@pytest.fixture
def disk(request: pytest.FixtureRequest, hass_config_dir: str) -> Iterator[Disk]:
    if not os.environ.get(INSIDE):
        pytest.skip("runs in a namespace, from the first test of this file")
    disk = Disk(Path(hass_config_dir) / ".storage")
    yield disk
    disk.unmount()


@pytest.fixture
def ear(disk: Disk, house: House) -> Ear:
    return Ear(house.hass)


def assert_all_was_told_once(cloud: SensoristCloud, ear: Ear, late: list[bool]) -> None:
    assert ear.told == truth(cloud, datetime.now(UTC) - LONG)
    assert [event["late"] for event in ear.heard] == late


async def test_a_disk_that_fills_before_a_restart_and_is_freed_before_it(
    house: House, cloud: SensoristCloud, disk: Disk, ear: Ear
) -> None:
    entry = await with_alarm(house, cloud)
    disk.fill()
    for value in (60.0, FREE, 61.0):
        await change(house, cloud, value)
    disk.free()
    await house.pass_time(120)

    await restart(house, entry, while_down(house, cloud, FREE))

    assert entry.state is ConfigEntryState.LOADED
    assert_all_was_told_once(cloud, ear, [False, False, False, True])


async def test_a_disk_that_is_full_before_during_and_after_a_restart(
    house: House, cloud: SensoristCloud, disk: Disk, ear: Ear
) -> None:
    """Blocks that were set aside take what was dispatched, so that nothing is repeated."""
    entry = await with_alarm(house, cloud)
    await change(house, cloud, 60.0)
    disk.fill()
    await change(house, cloud, FREE)
    await change(house, cloud, 61.0)

    await restart(house, entry, while_down(house, cloud, FREE))
    assert entry.state is ConfigEntryState.LOADED
    await change(house, cloud, 62.0)
    disk.free()
    await change(house, cloud, FREE)
    await restart(house, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert_all_was_told_once(cloud, ear, [False, False, False, True, False, False])


async def test_a_disk_that_is_full_when_the_account_is_added(
    house: House, cloud: SensoristCloud, disk: Disk, ear: Ear
) -> None:
    disk.fill()
    entry = await with_alarm(house, cloud)
    assert entry.state is ConfigEntryState.LOADED
    await change(house, cloud, 60.0)
    disk.free()
    await change(house, cloud, FREE)

    await restart(house, entry, while_down(house, cloud, 61.0))

    assert_all_was_told_once(cloud, ear, [False, False, True])


async def test_a_folder_that_is_read_only_over_a_restart(
    house: House, cloud: SensoristCloud, disk: Disk, ear: Ear
) -> None:
    entry = await with_alarm(house, cloud)
    await change(house, cloud, 60.0)
    disk.make("ro")

    await restart(house, entry, while_down(house, cloud, FREE))
    assert entry.state is ConfigEntryState.LOADED
    await house.reload(entry)
    await change(house, cloud, 61.0)
    disk.make("rw")
    await change(house, cloud, FREE)
    await restart(house, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert_all_was_told_once(cloud, ear, [False, True, False, False])
