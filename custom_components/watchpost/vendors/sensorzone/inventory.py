"""Inventory of an account: machines, people, sites and projects, and their relations."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...models import Channel, Device, ReadingValue
from . import entities
from .incursions import rounded_position
from .models import Incursion, Machine, Person, Project, Site
from .options import Options


@dataclass(slots=True)
class SiteInventory:
    """The newest lists of an account, with details from the records of machines and tags."""

    options: Options = field(default_factory=Options)
    machines: dict[str, Machine] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    pages: dict[str, Machine] = field(default_factory=dict)
    tags: dict[str, Person] = field(default_factory=dict)

    def update_machines(self, machines: Iterable[Machine]) -> None:
        """Store the list of machines, completed from their own records."""
        self.machines = {machine.id: self._complete_machine(machine) for machine in machines}

    def update_people(self, people: Iterable[Person]) -> None:
        """Store the list of people, completed from the records of their tags."""
        self.people = {person.id: self._complete_person(person) for person in people}

    def update_tag(self, tag: Person) -> None:
        """Store the record of a tag."""
        self.tags[tag.id] = tag
        if (listed := self.people.get(tag.id)) is not None:
            self.people[tag.id] = self._complete_person(listed)

    def _complete_person(self, listed: Person) -> Person:
        tag = self.tags.get(listed.id)
        if tag is None:
            return listed
        return Person(
            id=listed.id,
            name=listed.name or tag.name,
            serial=listed.serial or tag.serial,
            tested_at=max(
                (at for at in (listed.tested_at, tag.tested_at) if at is not None), default=None
            ),
            battery=tag.battery if listed.battery is None else listed.battery,
        )

    def update_machine(self, machine: Machine) -> None:
        """Store a machine's own record, which its device shows from the next inventory on."""
        self.pages[machine.id] = machine
        if (listed := self.machines.get(machine.id)) is not None:
            self.machines[machine.id] = self._complete_machine(listed)

    def _complete_machine(self, listed: Machine) -> Machine:
        page = self.pages.get(listed.id)
        if page is None:
            return listed
        return Machine(
            id=listed.id,
            name=listed.name or page.name,
            serial=listed.serial or page.serial,
            manufacturer=listed.manufacturer or page.manufacturer,
            model=listed.model or page.model,
            sites=listed.sites or page.sites,
        )

    def devices(self) -> Iterator[Device]:
        """Yield the devices, parents before children; people only if the options allow them."""
        yield entities.account_device()
        for project in self.projects.values():
            yield entities.project_device(project)
        for site in self.sites.values():
            yield entities.site_device(site, self.projects)
        for machine in self.machines.values():
            on = self.site_of_machine(machine.id)
            yield entities.machine_device(machine, on if on in self.sites else None)
        if self.options.people:
            for person in self.people.values():
                yield entities.person_device(person, with_name=self.options.person_names)

    def left_out(self) -> Iterator[str]:
        """Yield the device ids of people excluded by the options."""
        if not self.options.people:
            yield from map(entities.tag_id, self.people)

    def channels(self, *, is_tracked: bool, has_runtime: bool) -> Iterator[Channel]:
        """Yield the channels of all listed devices."""
        for device in self.devices_with_totals():
            yield from entities.total_channels(device, has_runtime=has_runtime)
        yield entities.events_channel(entities.ACCOUNT)
        for machine in self.machines:
            yield entities.events_channel(entities.machine_id(machine))
            yield from entities.machine_channels(machine, is_tracked=is_tracked)
        if self.options.people:
            for person in self.people.values():
                yield from entities.person_channels(person)

    # -- incursions --

    def event_device(self, incursion: Incursion) -> str:
        """Return the device of an incursion's events: its machine, or the account if that is not listed."""
        known = incursion.machine in self.machines
        return entities.machine_id(incursion.machine or "") if known else entities.ACCOUNT

    def site_of(self, incursion: Incursion) -> str | None:
        """Return the site of an incursion, or of its machine."""
        if incursion.site is not None:
            return incursion.site
        return self.site_of_machine(incursion.machine or "")

    def site_of_machine(self, machine: str) -> str | None:
        """Return the site of a machine, from the machine's record or the site's."""
        known = self.machines.get(machine)
        if known is not None and known.sites:
            return known.sites[0]
        return next((site.id for site in self.sites.values() if machine in site.machines), None)

    def devices_with_totals(self) -> list[str]:
        """Return the devices with totals: account, projects, sites, machines."""
        return [
            entities.ACCOUNT,
            *map(entities.project_id, self.projects),
            *map(entities.site_id, self.sites),
            *map(entities.machine_id, self.machines),
        ]

    def by_device(self, incursions: Iterable[Incursion]) -> dict[str, list[Incursion]]:
        """Return the incursions of each device; an empty list for a device without any."""
        wanted = [*self.devices_with_totals(), *map(entities.tag_id, self.people)]
        found: dict[str, list[Incursion]] = {scope: [] for scope in wanted}
        for incursion in incursions:
            for scope in self.devices_of(incursion):
                if scope in found:
                    found[scope].append(incursion)
        return found

    def devices_of(self, incursion: Incursion) -> Iterator[str]:
        """Yield the devices that an incursion belongs to."""
        yield entities.ACCOUNT
        if incursion.machine is not None:
            yield entities.machine_id(incursion.machine)
        if incursion.tag is not None:
            yield entities.tag_id(incursion.tag)
        site = self.site_of(incursion)
        if site is not None:
            yield entities.site_id(site)
        yield from map(entities.project_id, self._projects_of(site))

    def _projects_of(self, site: str | None) -> tuple[str, ...]:
        known = self.sites.get(site or "")
        return known.projects if known else ()

    def runtime_by_device(self, hours: Mapping[str, float]) -> dict[str, float]:
        """Return each device's hours of runtime, summed from its machines."""
        found: dict[str, float] = {}
        for machine, ran in hours.items():
            devices = [entities.ACCOUNT, entities.machine_id(machine)]
            if (site := self.site_of_machine(machine)) is not None:
                devices.append(entities.site_id(site))
                devices += map(entities.project_id, self._projects_of(site))
            for device in devices:
                found[device] = found.get(device, 0.0) + ran
        return found

    def find_machine(self, name: str) -> str | None:
        """Return the id of a machine by its id or unique name; None if unknown."""
        if name in self.machines:
            return name
        named = [machine.id for machine in self.machines.values() if machine.name == name]
        return named[0] if len(named) == 1 else None

    def event_data(self, incursion: Incursion) -> dict[str, ReadingValue]:
        """Return an incursion's event data, as far as the options allow."""
        machine = self.machines.get(incursion.machine or "")
        site = self.sites.get(self.site_of(incursion) or "")
        length = incursion.length
        return {
            "incursion": incursion.id,
            "machine": machine.name if machine else None,
            "site": site.name if site else None,
            "length_seconds": length.total_seconds() if length is not None else None,
            "acknowledged": incursion.is_acknowledged,
            **self._wearer("tag", "person", incursion.tag),
            **self._wearer("operator_tag", "operator", incursion.operator),
            **rounded_position(incursion.position, is_exact=self.options.exact_positions),
        }

    def _wearer(self, tag: str, name: str, tag_id: str | None) -> dict[str, ReadingValue]:
        if not self.options.people or tag_id is None:
            return {}
        person = self.people.get(tag_id)
        data: dict[str, ReadingValue] = {tag: (person.serial if person else None) or tag_id}
        if self.options.person_names and person is not None:
            data[name] = person.name
        return data
