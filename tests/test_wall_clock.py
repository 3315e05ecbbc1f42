"""The clocks of a real Home Assistant are moved while it runs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
import shutil
import subprocess
from typing import Any

import pytest

from scripts.demo_support.accounts import sign_in_accounts
from scripts.demo_support.state import State
from simulators.schedule import ReportingConfig
from simulators.sensorist import CloudConfig, SensoristCloud

from .process import Life, living, until

HOUR = 3600

# Adds whole seconds from a file to what child processes read of two clocks: the wall clock, and the one that goes on
# while the machine sleeps. libfaketime cannot leave the monotonic clock alone: with that `time.sleep` fails.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t, struct timespec *);

static void shifts(long *wall, long *boottime) {
    char text[64] = "";
    const char *path = getenv("CLOCK_SHIFTS");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    *wall = *boottime = 0;
    if (file < 0) return;
    if (read(file, text, sizeof text - 1) > 0) sscanf(text, "%ld %ld", wall, boottime);
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *found) {
    long wall, boottime;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, found);
    if (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME) {
        shifts(&wall, &boottime);
        found->tv_sec += clock == CLOCK_REALTIME ? wall : boottime;
    }
    return result;
}

time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *found, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""

COMPILER = shutil.which("cc") or shutil.which("gcc")

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        COMPILER is None, reason="a C compiler makes the shifted clock: none is here"
    ),
]


@pytest.fixture
async def cloud(socket_enabled: None) -> AsyncIterator[SensoristCloud]:
    punctual = ReportingConfig(jitter=0, delay_least=0, delay_most=0, loss=0)
    async with SensoristCloud(CloudConfig(gateways=1, sensors=1, reporting=punctual)) as cloud:
        yield cloud


@pytest.fixture
def shifts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says how many seconds ahead the two clocks of child processes are."""
    source, library, file = (tmp_path / name for name in ("shim.c", "shim.so", "shifts"))
    source.write_text(SHIM)
    file.write_text("0 0")
    assert COMPILER is not None
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_SHIFTS", str(file))
    return file


async def values(life: Life) -> dict[str, str]:
    states = await life.client.command("get_states")
    return {
        state["entity_id"]: state["state"]
        for state in states
        if state["entity_id"].endswith(("_temperature", "_humidity"))
    }


def requests(cloud: SensoristCloud, since: int, method: str) -> list[Any]:
    return [record for record in cloud.log[since:] if record.method == method]


async def test_only_the_vendor_says_whether_time_passed(
    cloud: SensoristCloud, shifts: Path, tmp_path: Path
) -> None:
    state = State(tmp_path / "state")
    async with living(state) as life:
        await sign_in_accounts(life.client, {"sensorist": {"url": cloud.url, **cloud.credentials}})
        await until(lambda: any("measurements" in record.path for record in cloud.log), seconds=40)
        quiet = -1
        while quiet != len(cloud.log) or not await values(life):
            quiet = len(cloud.log)
            await asyncio.sleep(3)
        for offset in (5 * HOUR, -5 * HOUR):
            asked = len(cloud.log)
            shifts.write_text(f"{offset} 0")
            await until(lambda asked=asked: requests(cloud, asked, "HEAD"), seconds=60)
            shown = await values(life)
            assert shown
            assert "unavailable" not in shown.values()
            assert requests(cloud, asked, "GET") == []

        # A virtual machine that was paused: the wall clock is set afterwards.
        await pass_unseen(cloud, shifts, f"{8 * HOUR} 0")
        # A machine that slept: the other clock saw that.
        await pass_unseen(cloud, shifts, f"{16 * HOUR} {8 * HOUR}")


async def pass_unseen(cloud: SensoristCloud, shifts: Path, text: str) -> None:
    """Let eight hours pass for all but Home Assistant's timers, after which it asks for everything anew."""
    asked = len(cloud.log)
    cloud.clock.advance(8 * HOUR)
    shifts.write_text(text)
    await until(
        lambda: (
            {"gateways", "measurements", "alarms"}
            <= {record.path.rsplit("/", 1)[-1] for record in cloud.log[asked:]}
        ),
        seconds=90,
    )
    assert cloud.early_requests() == []
