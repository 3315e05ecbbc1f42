"""All that a simulated SENSIT cloud has: users, and monitors around a site."""

from datetime import timedelta
from math import cos, pi, sin

from simulators.clock import Clock, to_micros
from simulators.random_source import between, mix
from simulators.schedule import SECOND

from .config import CloudConfig, MonitorType
from .monitors import FOR_EVER, Monitor, Trigger
from .plume import Leak, Site, WindPeriod, sweep
from .records import values
from .tokens import User

_FIRST_UUID: dict[MonitorType, int] = {"SPOD": 1041, "FMD": 2024, "RAMP": 3014}
_PLACES = ("North fence", "East fence", "South fence", "West fence", "Compressor", "Tank farm")
_RADIUS = 180.0
_CANISTERS = 4
_FILLING = 120 * SECOND


class World:
    """The monitors of one site and who may see them."""

    def __init__(self, config: CloudConfig, clock: Clock) -> None:
        """Build what the plan says; monitors began `history_days` before now."""
        self.config = config
        self.clock = clock
        self.site = Site(config.seed, config.longitude)
        self.monitors: dict[str, Monitor] = {}
        self.removed: dict[str, Monitor] = {}
        self._built: dict[MonitorType, int] = {"SPOD": 0, "FMD": 0, "RAMP": 0}
        began = to_micros(clock.now() - timedelta(days=config.history_days))
        counts: dict[MonitorType, int] = {
            "FMD": config.fmds,
            "SPOD": config.spods,
            "RAMP": config.ramps,
        }
        for kind, count in counts.items():
            for _ in range(count):
                self.add_monitor(kind, began)
        self.users: dict[str, User] = {}
        self.add_user(config.username, config.password, config.role, "Anna Berg")
        listed = list(self.monitors)
        half, first = frozenset(listed[::2]), frozenset(listed[:1])
        word = config.password
        self.add_user("bruno@example.org", word, "ClientAdministrator", "Bruno Holm", half)
        self.add_user("clara@example.org", word, "ClientUser", "Clara Lund", first)
        self.add_user("dora@example.org", word, "ClientUser", "Dora Vest", frozenset())

    def add_user(
        self,
        email: str,
        password: str,
        role: str = "ClientUser",
        name: str = "",
        sees: frozenset[str] | None = None,
    ) -> User:
        """Add a user who can sign in."""
        number = object_id(self.config.seed, len(self.users))
        user = User(number, email, password, role, name or email.partition("@")[0], sees)
        self.users[email] = user
        return user

    def add_monitor(self, kind: MonitorType, began: int | None = None) -> Monitor:
        """Add a monitor that reports since `began` (microseconds; default: from now on)."""
        number = self._built[kind]
        self._built[kind] += 1
        place = len(self.monitors) + len(self.removed)
        seed = mix(self.config.seed, place, 47)
        angle = 2 * pi * (place * 0.19 + between(-0.03, 0.03, seed, 1))
        radius = between(0.85, 1.15, seed, 2) * _RADIUS
        uuid = str(_FIRST_UUID[kind] + number)
        monitor = Monitor(
            config=self.config,
            site=self.site,
            number=number,
            uuid=uuid,
            type=kind,
            seed=seed,
            added=self.clock.micros() if began is None else began,
            name=f"{_PLACES[place % len(_PLACES)]} {uuid}",
            location=_PLACES[place % len(_PLACES)],
            east=radius * sin(angle),
            north=radius * cos(angle),
        )
        self.monitors[uuid] = monitor
        return monitor

    def visible(self, user: User) -> list[Monitor]:
        """Return the monitors that a user sees."""
        return [monitor for monitor in self.monitors.values() if user.may_see(monitor.uuid)]

    def add_leak(self, leak: Leak) -> Leak:
        """Let something leak; SPODs that it reaches fill canisters while it lasts."""
        self.site.leaks.append(leak)
        for monitor in self.monitors.values():
            if monitor.type == "SPOD":
                self._fill_canister(monitor, leak)
        return leak

    def leak_across(
        self, first: Monitor, second: Monitor, start: float, seconds: float, leak: Leak
    ) -> Leak:
        """Put a leak where a turning wind carries it over one monitor and then the other."""
        (leak.east, leak.north), begin, finish = sweep(
            (first.east, first.north), (second.east, second.north)
        )
        leak.start, leak.end = start, start + seconds
        self.site.wind_periods.append(WindPeriod(start - 600, start, 2.5, begin, begin))
        self.site.wind_periods.append(WindPeriod(start, start + seconds, 2.5, begin, finish))
        return self.add_leak(leak)

    def _fill_canister(self, monitor: Monitor, leak: Leak) -> None:
        """Fill the next canister in the first record of the leak that rises far enough."""
        free = len(monitor.triggers) + 1
        if free > _CANISTERS:
            return
        since, until = int(leak.start * SECOND), int((leak.end + 600) * SECOND)
        base = _voc(monitor, since - 600 * SECOND)
        for report in monitor.reports(since, until, FOR_EVER):
            if _voc(monitor, report.date) - base >= self.config.canister_ppb:
                monitor.triggers.append(Trigger(free, report.date, report.date + _FILLING))
                return


def object_id(seed: int, place: int) -> str:
    """Return an id as the vendor's sample has them, 24 hexadecimal digits."""
    return f"{mix(seed, place, 46):016x}{mix(seed, place, 48):016x}"[:24]


def _voc(monitor: Monitor, date: int) -> float:
    value = values(monitor, date, monitor.config.variants)["pid1_PPB_Calc"]
    return float(value) if isinstance(value, int | float) else 0.0
