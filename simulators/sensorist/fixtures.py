"""Building a world from a plan. Ids follow from the order alone, values from the seed."""

from datetime import timedelta

from simulators.clock import Clock, to_micros
from simulators.schedule import ReportSchedule

from .config import CloudConfig
from .source_types import data_kind
from .state import Gateway, Sensor, Source, User, World

_USERS, _GATEWAYS, _SENSORS, _SOURCES = 3_100, 11_000, 52_000, 220_200
_RHYTHM, _CURVE = 1, 2
_NAMES = (("Bo", "Lund"), ("Clara", "Holm"), ("Dan", "Vest"), ("Eva", "Krog"), ("Finn", "Dahl"))


def build_world(config: CloudConfig, clock: Clock) -> World:
    """Return the world that `plan` describes, as it is now."""
    world = World(config, clock)
    added = to_micros(clock.now() - timedelta(days=config.history_days))
    owner = add_user(world, config.username, config.password, "Anna", "Berg")
    masters = [build_gateway(world, owner.id, added) for _ in range(config.gateways)]
    for number in range(config.slaves):
        slave = build_gateway(world, owner.id, added)
        slave.master_id = masters[number % len(masters)].id if masters else None
    for number in range(config.sub_users):
        fname, lname = _NAMES[number % len(_NAMES)]
        email = f"{fname}.{lname}{number + 1}@example.org".lower()
        user = add_user(world, email, f"password-{number + 1}", fname, lname, parent=owner.id)
        for _ in range(config.sub_user_gateways):
            build_gateway(world, user.id, added)
    for _ in range(config.spare_gateways):
        build_gateway(world, None, added)
    return world


def add_user(
    world: World,
    email: str,
    password: str,
    fname: str,
    lname: str,
    *,
    parent: int | None = None,
) -> User:
    """Add a user who can sign in."""
    user = User(_USERS + len(world.users), email, password, fname, lname, parent)
    world.users[user.id] = user
    return user


def build_gateway(
    world: World,
    owner: int | None,
    added: int,
    sensors: int | None = None,
    kinds: tuple[str, ...] | None = None,
) -> Gateway:
    """Add a gateway with its sensors, which reports from `added` (microseconds since the epoch)."""
    number = world.next_number()
    gateway = Gateway(world, _GATEWAYS + number, number, added)
    gateway.owner = owner
    world.gateways[gateway.id] = gateway
    for _ in range(world.config.sensors if sensors is None else sensors):
        build_sensor(gateway, kinds)
    return gateway


def build_sensor(gateway: Gateway, kinds: tuple[str, ...] | None = None) -> Sensor:
    """Add a sensor to a gateway."""
    world = gateway.world
    config = world.config
    kinds = config.kinds if kinds is None else kinds
    number = len(world.sensors)
    longest = max((config.cycle(kind) for kind in kinds), default=1)
    reporting = config.reporting.scaled(config.interval_scale)
    schedule = ReportSchedule(world.seed(_RHYTHM, number), reporting, longest)
    sensor = Sensor(gateway, _SENSORS + number, number, schedule)
    world.sensors[sensor.id] = sensor
    gateway.sensors.append(sensor)
    for name in kinds:
        place = len(world.sources)
        source = Source(sensor, _SOURCES + place, data_kind(name), world.seed(_CURVE, place))
        world.sources[source.id] = source
        sensor.sources.append(source)
    return sensor
