"""Command line of the demo."""

from argparse import ArgumentParser, Namespace
import asyncio
from contextlib import suppress
import os
import signal
import sys
import time

from . import check
from .alarm import until_raised
from .client import PASSWORD, USERNAME
from .environment import demo_environment, running_services
from .processes import tail
from .state import STATES, DemoError, State, free_port

_CHECK_SECONDS = 240


async def show(state: State, port: int) -> None:
    """Run the demo until it is interrupted."""
    began = time.monotonic()
    print("Starting the simulated clouds and Home Assistant ...")
    async with (
        running_services(state, port) as (client, clouds, hass),
        demo_environment(client, clouds) as (_, demo_alarm),
    ):
        print(
            f"\n  Home Assistant  http://127.0.0.1:{port}   ({time.monotonic() - began:.0f} s)\n"
            f"  Username        {USERNAME}\n"
            f"  Password        {PASSWORD}\n"
        )
        for vendor, cloud in clouds.items():
            print(f"  Simulated {vendor}: {cloud['url']}, faults and clock at {cloud['control']}")
        print(f"  {demo_alarm.alarm} rises half a minute after the start, and every four minutes")
        print("\nCtrl-C stops it all.", flush=True)
        await hass.ended()


async def smoke_test(state: State) -> list[str]:
    """Run the demo until every entity shows a value and an alarm was dispatched; return what is wrong."""
    try:
        async with (
            asyncio.timeout(_CHECK_SECONDS),
            running_services(state, free_port()) as (client, clouds, _),
            demo_environment(client, clouds) as (inventory, demo_alarm),
        ):
            raised = await until_raised(client, demo_alarm, _CHECK_SECONDS / 2)
    except TimeoutError:
        wrong = [f"not done in {_CHECK_SECONDS} seconds"]
    except DemoError as error:
        wrong = [str(error)]
    else:
        check.report(inventory)
        print(raised)
        wrong = check.faults(inventory)
    return wrong + check.complaints(state.log_of_home_assistant)


async def run_check() -> int:
    """Run the smoke test in a state folder of its own; returns the exit code."""
    began = time.monotonic()
    state = State(STATES / f"check-{os.getpid()}")
    try:
        wrong = await smoke_test(state)
        if wrong:
            print(f"\nThe end of Home Assistant's log:\n{tail(state.log_of_home_assistant)}")
            print("\nThe check failed:", *wrong, sep="\n- ")
            return 1
    finally:
        state.remove()
    print(f"The check passed in {time.monotonic() - began:.0f} s")
    return 0


async def run(options: Namespace) -> int:
    """Do what the command line asks for, until Ctrl-C or SIGTERM."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    if options.check:
        return await run_check()
    state = State(STATES / "home")
    if options.fresh:
        state.remove()
        state = State(STATES / "home")
    await show(state, options.port)
    return 0


def main() -> int:
    """Run the demo; returns the exit code."""
    parser = ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8123, help="of Home Assistant (default 8123)")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier starts left")
    parser.add_argument(
        "--check",
        action="store_true",
        help="see that all entities get values and an alarm is told, and end",
    )
    with suppress(asyncio.CancelledError):
        try:
            return asyncio.run(run(parser.parse_args()))
        except DemoError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
    print("Stopped")
    return 130


if __name__ == "__main__":
    sys.exit(main())
