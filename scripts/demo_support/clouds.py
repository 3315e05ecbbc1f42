"""The simulated vendor clouds, and what a person would type to sign in to each."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
import sys

from .processes import running, tail
from .state import REPOSITORY, DemoError, State

type CloudAccess = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor in the demo. `form` makes the input of its sign-in step from its cloud's door.

    `choice` is the step to choose where there are several ways to sign in.
    """

    key: str
    form: Callable[[CloudAccess], dict[str, object]]
    choice: str | None = None


VENDORS = (
    Vendor(
        "manfred_kunze",
        lambda cloud: {"url": cloud["url"], "api_key": cloud["api_key"]},
    ),
    Vendor(
        "sensorist",
        lambda cloud: {
            "username": cloud["username"],
            "password": cloud["password"],
            "advanced": {"url": cloud["url"]},
        },
    ),
    Vendor(
        "sensit",
        lambda cloud: {
            "username": cloud["username"],
            "password": cloud["password"],
            "advanced": {"url": cloud["url"]},
        },
    ),
    Vendor(
        "sensorzone",
        lambda cloud: {
            "username": cloud["username"],
            "password": cloud["password"],
            "tester_token": cloud["tester_token"],
            "advanced": {"url": cloud["url"]},
        },
    ),
    Vendor(
        "viziosense",
        lambda cloud: {"token": cloud["token"], "advanced": {"url": cloud["url"]}},
        choice="viziosense_token",
    ),
)

# Sensors report temperature every 20 seconds instead of every quarter of an hour.
_LIVELY = ("--interval-scale", "0.0223", "--max-age", "15", "--sensors", "3")
# Gas monitors are never polled more often than every minute, and measure as often.
_GAS = ("--sensit-spods", "1", "--sensit-fmds", "2", "--sensit-ramps", "1")
# Readings every 20 seconds, and a door that opens now and then and raises an alert.
_LIVELY_PLATFORM = ("--kunze-interval", "20", "--kunze-lively")
# A car park, a square and a gate; cars stay for one to six minutes.
_WATCHED = ("--cameras", "3", "--camera-pace", "0.15")


@asynccontextmanager
async def simulated_clouds(state: State) -> AsyncIterator[dict[str, CloudAccess]]:
    """Run the clouds of all vendors; yields their doors by the vendor's key."""
    ports = [
        word
        for vendor in VENDORS
        for word in (f"--{vendor.key}-port", str(state.port_of_cloud(vendor.key)))
    ]
    command = (
        sys.executable,
        "-m",
        "simulators",
        *ports,
        *_LIVELY,
        *_GAS,
        *_WATCHED,
        *_LIVELY_PLATFORM,
    )
    async with running(
        "simulators", *command, cwd=REPOSITORY, log=state.log_of_clouds, captures_output=True
    ) as child:
        line = await child.first_line()
        if not line:
            raise DemoError(f"The simulated clouds did not start:\n{tail(child.log)}")
        yield json.loads(line)
