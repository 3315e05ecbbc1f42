"""Build a world from a configuration; ids follow from the order, everything else from the seed."""

from collections.abc import Callable

from simulators.clock import Clock
from simulators.random_source import fraction, mix
from simulators.schedule import SECOND

from .config import CloudConfig
from .movement import DAY, Moves, Shifts, walk, working_hours
from .state import Brand, Machine, Person, Project, Site, Tag, Tester, User, World, draws
from .visitors import visitor_tags

_MACHINES, _TAGS, _SITES, _PROJECTS = 101, 5_001, 21, 7
_MACHINE, _TAG, _CAMERA = 51, 52, 53
_CORNER = (54.6127, -3.2841)
_KINDS = (
    ("Excavator", "Ironbeck", "IX 220"),
    ("Wheel loader", "Dalmark", "WL 9"),
    ("Telehandler", "Ironbeck", "TH 735"),
    ("Dump truck", "Holt & Rowe", "DT 40"),
    ("Roller", "Dalmark", "R 12"),
)
_FIRST = ("Avery", "Bryn", "Casey", "Devon", "Ellis", "Flynn", "Greer", "Harper", "Indra", "Jules")
_LAST = ("Ashdown", "Birkett", "Crane", "Dunmore", "Elwood", "Fairlie", "Garside", "Holloway")
_SITE_NAMES = ("Quarry Lane", "North Yard", "Mill Wharf", "Beck Bridge", "Hill Cutting")
_SITE_KINDS = ("Infrastructure", "Waste & Recycling", "Commercial Construction", "Forestry")
_COLOURS = ("#E4572E", "#17BEBB", "#FFC914", "#2E282A", "#76B041")


def build_world(config: CloudConfig, clock: Clock) -> World:
    """Return the world that `plan` describes, as it is now."""
    shifts = Shifts(config.behavior, config.offset_hours)
    now = clock.micros() // SECOND
    world = World(config, clock, shifts, since=now - round(config.history_days * DAY))
    main, other = Brand(3, "Northbank Civil"), Brand(4, "Eastholme Plant")
    world.brands += [main, other]
    _add_users(world, main, other)
    _add_brand(world, main, sites=config.sites, machines=config.machines, people=config.people)
    _add_brand(world, other, sites=1, machines=1, people=2)
    for brand in (main, other):
        visitor_tags(world, brand)
    return world


def add_machine(
    world: World, brand: Brand, name: str | None = None, added: int | None = None
) -> Machine:
    """Give a brand a machine, on its site with the fewest; it works from `added` on, or from now."""
    number = len(world.machines)
    kind, maker, model = _KINDS[number % len(_KINDS)]
    sites = [site for site in world.sites if site.brand is brand]
    seed = mix(world.config.seed, number, _MACHINE)
    machine = Machine(
        id=_MACHINES + number,
        brand=brand,
        name=name or f"{kind} {number + 1}",
        serial=f"BS-{40_117 + 13 * number}",
        maker=maker,
        model=model,
        year=2017 + seed % 8,
        plate=f"NB{10 + number} {'KLMPR'[number % 5]}XD",
        has_camera=fraction(seed, 0, _CAMERA) < world.config.cameras,
        site=min(sites, key=lambda site: sum(one.site is site for one in world.machines)),
        seed=seed,
        world=world,
        added=world.now if added is None else added,
    )
    world.machines.append(machine)
    return machine


def add_person(world: World, brand: Brand, kind: str = "staff", name: str | None = None) -> Person:
    """Give a brand somebody of the staff, or a visitor."""
    number = len(world.people)
    first = _FIRST[number % len(_FIRST)]
    last = _LAST[(number + number // len(_FIRST)) % len(_LAST)]
    is_staff = kind == "staff"
    person = Person(
        id=number + 1,
        brand=brand,
        name=name or f"{first} {last}",
        kind="staff" if is_staff else "visitor",
        employee_id=f"EMP{number + 1:03}" if is_staff else None,
        company=None if is_staff else "Surveying Partners",
        email=f"{first}.{last}@example.org".lower() if number % 2 else None,
    )
    world.people.append(person)
    return person


def _add_users(world: World, main: Brand, other: Brand) -> None:
    config = world.config
    for email, name, brand, role in (
        (config.username, "Anna Admin", main, "admin"),
        (config.standard_username, "Ben Standard", main, "standard"),
        (config.sso_username, "Carla Single", main, "admin"),
        ("olga@example.com", "Olga Other", other, "admin"),
    ):
        world.users.append(
            User(
                id=901 + len(world.users),
                email=email,
                password=config.password,
                name=name,
                brand=brand,
                role="admin" if role == "admin" else "standard",
                sso=email == config.sso_username,
                v2=email not in config.without_v2,
            )
        )
    world.testers += [
        Tester(61, "Gate tester", config.tester_token, main),
        Tester(62, "Yard tester", f"{config.tester_token}_other", other),
    ]


def _add_brand(world: World, brand: Brand, *, sites: int, machines: int, people: int) -> None:
    projects = [
        Project(_PROJECTS + len(world.projects) + number, brand, name)
        for number, name in enumerate(("Ring road", "Depots")[: max(1, min(2, sites))])
    ]
    world.projects += projects
    own_sites = [_add_site(world, brand, projects) for _ in range(sites)]
    for _ in range(machines):
        add_machine(world, brand, added=world.since)
    for number in range(people):
        _add_tag(world, add_person(world, brand), own_sites[number % len(own_sites)])
    for _ in range(machines):
        _add_driver(world, add_person(world, brand))


def _add_site(world: World, brand: Brand, projects: list[Project]) -> Site:
    number = len(world.sites)
    site = Site(
        id=_SITES + number,
        brand=brand,
        name=_SITE_NAMES[number % len(_SITE_NAMES)],
        corner=(round(_CORNER[0] + 0.031 * number, 6), round(_CORNER[1] + 0.047 * number, 6)),
        size=world.config.behavior.site,
        colour=_COLOURS[number % len(_COLOURS)],
        kind=_SITE_KINDS[number % len(_SITE_KINDS)],
        projects=projects if number % 3 == 2 else [projects[number % len(projects)]],
        radius=0.0 if number % 2 == 0 else max(world.config.behavior.site) * 0.6,
    )
    world.sites.append(site)
    return site


def _add_tag(world: World, person: Person, site: Site) -> None:
    number = len(world.tags)
    seed = mix(world.config.seed, number, _TAG)
    tag = Tag(
        id=_TAGS + number,
        brand=person.brand,
        serial=f"TG{700_031 + 7 * number}",
        role="pedestrian",
        seed=seed,
        site=site,
        person=person,
    )
    tag.moves = _staff_moves(world, site, seed)
    world.tags.append(tag)


def _add_driver(world: World, person: Person) -> None:
    number = len(world.tags)
    world.tags.append(
        Tag(
            id=_TAGS + number,
            brand=person.brand,
            serial=f"TG{800_031 + 7 * number}",
            role="operator",
            seed=mix(world.config.seed, number, _TAG),
            person=person,
        )
    )


def _staff_moves(world: World, site: Site, seed: int) -> Callable[[int], Moves]:
    """Return the movements of one of the staff on a site, day by day."""
    days: dict[int, Moves] = {}

    def moves(day: int) -> Moves:
        if day not in days:
            presence = working_hours(seed, day, world.shifts.steps)
            days[day] = walk(seed, day, draws(world, site), world.config.behavior, presence)
        return days[day]

    return moves
