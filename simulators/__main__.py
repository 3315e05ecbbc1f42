"""Run the simulated clouds: ``python -m simulators``.

Prints one JSON line {vendor: {"url", "control", "username", "password", ...}} when all of them
listen, and runs until Ctrl-C or SIGTERM.
"""

from argparse import ArgumentParser, Namespace
import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
import json
import signal
import sys

from . import sensit
from .clock import Clock
from .manfred_kunze import CloudConfig as ManfredKunzeConfig
from .manfred_kunze import ManfredKunzeCloud
from .sensorist import CloudConfig, SensoristCloud
from .sensorzone import CloudConfig as SensorZoneConfig
from .sensorzone import SensorZoneCloud
from .server import VendorCloud
from .viziosense import CloudConfig as VizioSenseConfig
from .viziosense import VizioSenseCloud


def main(arguments: list[str] | None = None) -> int:
    """Run the clouds until a signal ends them; return the exit code."""
    asyncio.run(_run(_parser().parse_args(arguments)))
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="simulators", description="Simulated vendor clouds")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--sensorist-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seed", type=int, default=1, help="the same seed measures the same")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second")
    parser.add_argument("--start", type=_moment, help="simulated time at the start, ISO 8601")
    parser.add_argument("--max-age", type=int, default=900, help="seconds that responses are fresh")
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--slaves", type=int, default=0, help="slave gateways besides")
    parser.add_argument("--sensors", type=int, default=2, help="sensors per gateway")
    parser.add_argument("--sub-users", type=int, default=0, help="users below the default one")
    parser.add_argument(
        "--interval-scale",
        type=float,
        default=1.0,
        help="factor on all intervals; 0.0223 makes sensors report about every 20 seconds",
    )
    parser.add_argument("--viziosense-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--cameras", type=int, default=5, help="VizioSense devices")
    parser.add_argument(
        "--camera-pace",
        type=float,
        default=1.0,
        help="factor on how long cars stay in front of VizioSense devices; 0: nothing moves",
    )
    parser.add_argument("--manfred_kunze-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--kunze-devices", type=int, default=3, help="Manfred Kunze devices")
    parser.add_argument(
        "--kunze-interval", type=int, default=60, help="seconds between two of their readings"
    )
    parser.add_argument(
        "--kunze-lively", action="store_true", help="one of their rules raises alerts by itself"
    )
    parser.add_argument("--sensit-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--sensit-spods", type=int, default=2, help="SPOD monitors")
    parser.add_argument("--sensit-fmds", type=int, default=2, help="FMD monitors")
    parser.add_argument("--sensit-ramps", type=int, default=1, help="RAMP monitors")
    parser.add_argument(
        "--sensit-cycle", type=int, default=60, help="seconds between two records of a monitor"
    )
    parser.add_argument("--sensorzone-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--machines", type=int, default=4, help="machines of the SensorZone brand")
    parser.add_argument("--people", type=int, default=8, help="people on their sites")
    return parser


async def _run(options: Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        access: dict[str, dict[str, str]] = {}
        for cloud, port in _clouds(options, Clock(options.start, options.speed)):
            await cloud.start(port, options.host)
            stack.push_async_callback(cloud.stop)
            access[cloud.name] = {
                "url": cloud.url,
                "control": cloud.control_url,
                **cloud.credentials,
            }
        sys.stdout.write(json.dumps(access) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _clouds(options: Namespace, clock: Clock) -> list[tuple[VendorCloud, int]]:
    """Return every vendor's cloud and its port, all on one clock."""
    sensorist = CloudConfig(
        gateways=options.gateways,
        slaves=options.slaves,
        sensors=options.sensors,
        sub_users=options.sub_users,
        seed=options.seed,
        max_age=options.max_age,
        interval_scale=options.interval_scale,
        may_set_interval=True,
    )
    viziosense = VizioSenseConfig(
        devices=options.cameras, seed=options.seed, pace=options.camera_pace
    )
    gas = sensit.CloudConfig(
        spods=options.sensit_spods,
        fmds=options.sensit_fmds,
        ramps=options.sensit_ramps,
        cycle=options.sensit_cycle,
        seed=options.seed,
    )
    sensorzone = SensorZoneConfig(
        machines=options.machines, people=options.people, seed=options.seed
    )
    kunze = ManfredKunzeConfig(
        devices=options.kunze_devices,
        interval=options.kunze_interval,
        lively=options.kunze_lively,
        seed=options.seed,
    )
    return [
        (ManfredKunzeCloud(kunze, clock), options.manfred_kunze_port),
        (SensoristCloud(sensorist, clock), options.sensorist_port),
        (sensit.SensitCloud(gas, clock), options.sensit_port),
        (SensorZoneCloud(sensorzone, clock), options.sensorzone_port),
        (VizioSenseCloud(viziosense, clock), options.viziosense_port),
    ]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()


if __name__ == "__main__":
    sys.exit(main())
