"""The five simulated clouds of the upgrade test: their past can be played again, at once or in real time."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
from typing import Any

from multidict import CIMultiDict

from simulators import sensit
from simulators.clock import Clock
from simulators.manfred_kunze import CloudConfig as ManfredKunzeConfig
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensorist import CloudConfig, SensoristCloud
from simulators.sensorzone import CloudConfig as SensorZoneConfig
from simulators.sensorzone import SensorZoneCloud
from simulators.server import Call, VendorCloud
from simulators.viziosense import CloudConfig as VizioSenseConfig
from simulators.viziosense import VizioSenseCloud

PROGRAM = str(Path(__file__).parent / "hass_at.py")
START = datetime(2026, 9, 13, 12, 0, 30, tzinfo=UTC)
TICK = timedelta(seconds=0.25)
TOO_WARM, NORMAL, THRESHOLD = 100.0, 20.0, 60.0

# Signing in changes nothing that a later start depends on, and SENSIT's logs are read by POST.
_READS = re.compile(r"session|signin|login|token|sensors-data", re.IGNORECASE)
_HEADERS = ("authorization", "content-type", "x-api-key", "access-token", "token")


@dataclass(frozen=True)
class Write:
    """One request that changed something at a vendor."""

    at: datetime
    vendor: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes

    def as_json(self) -> dict[str, Any]:
        return {
            "after": (self.at - START).total_seconds(),
            "vendor": self.vendor,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "form": self.form,
            "body": base64.b64encode(self.body).decode(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], replace: Callable[[str], str]) -> Write:
        """`replace` fills the addresses of this run in."""
        return cls(
            at=START + timedelta(seconds=data["after"]),
            vendor=data["vendor"],
            method=data["method"],
            path=data["path"],
            query={key: replace(value) for key, value in data["query"].items()},
            headers=data["headers"],
            form={key: replace(value) for key, value in data["form"].items()},
            body=replace(base64.b64decode(data["body"]).decode()).encode(),
        )


@dataclass
class Clouds:
    """All clouds on one clock."""

    clock: Clock
    by_vendor: dict[str, VendorCloud]
    writes: list[Write] = field(default_factory=list)

    @property
    def sensorist(self) -> SensoristCloud:
        cloud = self.by_vendor["sensorist"]
        assert isinstance(cloud, SensoristCloud)
        return cloud

    @property
    def doors(self) -> dict[str, dict[str, str]]:
        """What the demo's sign-in takes."""
        return {
            vendor: {"url": cloud.url, "control": cloud.control_url, **cloud.credentials}
            for vendor, cloud in self.by_vendor.items()
        }

    @property
    def program(self) -> tuple[str, str]:
        """What starts a Home Assistant that lives in the clouds' time."""
        return PROGRAM, str((self.clock.now() - datetime.now(UTC)).total_seconds())

    def set_alarm(self) -> None:
        """Set an alarm on the first temperature, which its user would have done long before."""
        source = self.sensorist.sources("temp")[0]
        source.override = NORMAL
        self.sensorist.alarms.create(
            self.sensorist.user.id,
            source,
            value=THRESHOLD,
            direction="above",
            delay=0,
            now=self.clock.now(),
        )

    def measure(self, value: float) -> None:
        """Have the watched sensor measure this from its next report on."""
        self.sensorist.sources("temp")[0].override = value

    def keep_writes(self) -> None:
        """Note from now on every request that changes something."""
        for vendor, cloud in self.by_vendor.items():
            cloud.answer = self._noting(vendor, cloud.answer)

    def _noting(self, vendor: str, answer: Callable[[Call], Any]) -> Callable[[Call], Any]:
        def noted(call: Call) -> Any:
            if call.method != "GET" and not _READS.search(call.path):
                headers = {k.lower(): v for k, v in call.headers.items() if k.lower() in _HEADERS}
                self.writes.append(
                    Write(
                        self.clock.now(),
                        vendor,
                        call.method,
                        call.path,
                        dict(call.query),
                        headers,
                        dict(call.form),
                        call.body,
                    )
                )
            return answer(call)

        return noted

    async def play(self, steps: list[tuple[datetime, Callable[[], object]]]) -> None:
        """Let the time of a clock that is moved by hand go by, each step at its moment."""
        for at, step in sorted(steps, key=lambda each: each[0]):
            await self.go_to(at)
            step()

    async def go_to(self, at: datetime) -> None:
        """Move on in small steps, since what a cloud does of itself is dated when it looks."""
        while (now := self.clock.now()) < at:
            self.clock.set(min(now + TICK, at))
        for cloud in self.by_vendor.values():
            await cloud.settled()

    def again(self, write: Write) -> None:
        """Make a request of the past once more."""
        cloud = self.by_vendor[write.vendor]
        cloud.answer(
            Call(
                method=write.method,
                path=write.path,
                query=write.query,
                headers=CIMultiDict(write.headers),
                user=cloud.user_of(CIMultiDict(write.headers)),
                form=write.form,
                body=write.body,
            )
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From now on time goes by on its own."""
        self.clock.speed = 1.0

        async def tick() -> None:
            while True:
                for cloud in self.by_vendor.values():
                    cloud.settle()
                await asyncio.sleep(0.25)

        task = asyncio.create_task(tick())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.clock.speed = 0.0


@asynccontextmanager
async def open_clouds() -> AsyncIterator[Clouds]:
    """Open the clouds of the demo at their first moment; their time stands still."""
    clock = Clock.by_hand(START)
    made: list[VendorCloud] = [
        ManfredKunzeCloud(ManfredKunzeConfig(devices=3, interval=20, lively=True, seed=1), clock),
        SensoristCloud(
            CloudConfig(
                gateways=2,
                sensors=3,
                seed=1,
                max_age=15,
                interval_scale=0.0223,
                may_set_interval=True,
            ),
            clock,
        ),
        sensit.SensitCloud(sensit.CloudConfig(spods=1, fmds=2, ramps=1, cycle=60, seed=1), clock),
        SensorZoneCloud(SensorZoneConfig(machines=4, people=8, seed=1), clock),
        VizioSenseCloud(VizioSenseConfig(devices=3, seed=1, pace=0.15), clock),
    ]
    async with AsyncExitStack() as stack:
        for cloud in made:
            await stack.enter_async_context(cloud)
        yield Clouds(clock, {cloud.name: cloud for cloud in made})
