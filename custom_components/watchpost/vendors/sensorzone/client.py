"""Client of SensorZone's API: one method per resource that the vendor's text names, in its order.

Only the paths marked STATED in `endpoints` are the vendor's; parameters and bodies are inferred throughout, except for
`create_person`, which the vendor documents in full. Every method raises a `VendorError`: SignInRejectedError for the
session, PermissionDeniedError for a missing permission, which includes a rejected V2 or Tester sign-in,
RateLimitedError, UnreachableError, UnexpectedResponseError, and InvalidFieldsError where the vendor names fields that
it does not accept.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from yarl import URL

from ...client.decode import RecordDecoder, Row, to_utc_text
from ...client.errors import (
    InvalidFieldsError,
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    VendorError,
)
from ...client.transport import Response, Transport
from ...models import Freshness
from . import models
from .charts import runtimes
from .decode import Groups, flat, kept, read_one
from .endpoints import JSON, RESOURCES, ApiVersion, Resource
from .models import Clip, Fix, Incursion, Machine, Person, Project, Runtime, Site, Status
from .pagination import Listing, Params, Reader
from .problem_details import problems_in

_LACKING: Final = {
    ApiVersion.V1: "use the session API: the entry has no e-mail address and password",
    ApiVersion.V2: "use version 2 of the API: the entry has no e-mail address and password",
    ApiVersion.TESTER: "use the Tester API: the entry has no Tester token",
}


@dataclass(frozen=True, slots=True)
class SensorZoneResponse[T]:
    """Parsed records, the count of rejected records, and the freshness of the responses.

    `is_complete` is False where further pages may exist; `failure` is the error of the page that failed, if any.
    """

    value: T
    rejected: Counter[str]
    freshness: tuple[Freshness, ...]
    is_complete: bool = True
    failure: VendorError | None = None


@dataclass(frozen=True, slots=True)
class Entities:
    """The people and machines of an account."""

    machines: Sequence[Machine]
    people: Sequence[Person]


class SensorZoneClient:
    """Client of the API over the sign-ins of one account."""

    def __init__(self, transports: Mapping[ApiVersion, Transport]) -> None:
        self._transports = transports
        self._readers = {
            api: Reader(transport, is_json_api=api is ApiVersion.V2)
            for api, transport in transports.items()
        }
        if ApiVersion.V1 in transports:
            transports[ApiVersion.V1].probe_requests = lambda: [(RESOURCES["entities"].path, None)]
        if ApiVersion.TESTER in transports:
            transports[ApiVersion.TESTER].probe_requests = lambda: [
                (RESOURCES["people_assets"].path, None)
            ]
        self._served: set[str] = set()

    @property
    def url(self) -> URL:
        """Return the base URL."""
        return next(iter(self._transports.values())).url

    # -- V1, session cookie --

    async def check_session(self) -> None:
        """Sign in to V1, unless the session is still valid."""
        self._reader("session")
        await self._transports[ApiVersion.V1].sign_in()

    async def check_token(self) -> None:
        """Sign in to V2, unless the token is still valid."""
        try:
            self._reader("login")
            await self._transports[ApiVersion.V2].sign_in()
        except VendorError as err:
            raise self._translate_error(RESOURCES["login"], err) from None

    async def insights(self, params: Params) -> object:
        """Return the totals, trends and breakdowns of incursions."""
        return await self._object("insights", params)

    async def entities(self) -> SensorZoneResponse[Entities]:
        """List people and machines."""
        rows, about = await self._rows("entities", {}, groups=models.GROUPS)
        sieve = RecordDecoder()
        machines: dict[str, Machine] = {}
        people: dict[str, Person] = {}

        def sort(found: str, row: Row) -> str | None:
            kind = models.kind_of(row)
            if kind is None:
                sieve.drop("entity", "kind")
                return found
            known = models.entity_id(kind, found, row)
            if kind == "machine":
                machines.setdefault(known, models.machine(known, row))
            else:
                people.setdefault(known, models.person(known, row))
            return found

        # One by one, because a person and a machine may have the same id.
        for item in rows:
            models.identified(sieve, "entity", [item], sort)
        found = Entities(list(machines.values()), list(people.values()))
        return SensorZoneResponse(found, sieve.rejected, about)

    async def incursions(
        self, start: datetime, end: datetime | None = None
    ) -> SensorZoneResponse[list[Incursion]]:
        """Return the incursions that began in a period, in no particular order, and perhaps others.

        If a later page fails, return the pages before it with `failure` set.
        """
        asked = period(start, end)
        rows, about = await self._rows("incursions", asked, start, in_part=True)
        answer = _parse_list(rows, about, "incursion", models.incursion)
        cut = self._reader("incursions").cut
        return replace(answer, is_complete="incursions" not in cut, failure=cut.get("incursions"))

    async def projects(self) -> SensorZoneResponse[list[Project]]:
        """List the projects."""
        rows, about = await self._rows("projects", {})
        return _parse_list(rows, about, "project", models.project)

    async def create_project(self, body: Mapping[str, object]) -> Row | None:
        """Create a project."""
        return await self._write("POST", "projects", (), body)

    async def update_project(self, project: str, body: Mapping[str, object]) -> Row | None:
        """Change a project."""
        return await self._write("PATCH", "project", (project,), body)

    async def create_report(self, body: Mapping[str, object]) -> Row | None:
        """Start a safety report, which the vendor finishes later."""
        return await self._write("POST", "reports", (), body)

    async def report(self, report: str) -> Row | None:
        """Return a report with its state."""
        return read_one((await self._get("report", (report,), {})).body, "report")

    async def report_file(self, report: str) -> Response:
        """Download a report."""
        return await self._get("report_file", (report,), {})

    async def alerts(self) -> list[Row]:
        """List the e-mail alerts."""
        return _records((await self._rows("alerts", {}))[0])

    async def create_alert(self, body: Mapping[str, object]) -> Row | None:
        """Create an e-mail alert."""
        return await self._write("POST", "alerts", (), body)

    async def update_alert(self, alert: str, body: Mapping[str, object]) -> Row | None:
        """Change an e-mail alert."""
        return await self._write("PATCH", "alert", (alert,), body)

    async def delete_alert(self, alert: str) -> None:
        """Delete one e-mail alert."""
        await self._write("DELETE", "alert", (alert,), None)

    async def worksites(self) -> SensorZoneResponse[list[Site]]:
        """List the worksites with their boundaries."""
        rows, about = await self._rows("worksites", {})
        return _parse_list(rows, about, "worksite", models.site)

    async def worksite(self, site: str) -> Row | None:
        """Return one worksite."""
        return read_one((await self._get("worksite", (site,), {})).body, "worksite", "site")

    async def base_stations(self) -> SensorZoneResponse[list[Machine]]:
        """List the machines, for deployments without the list of entities."""
        rows, about = await self._rows("base_stations", {})
        return _parse_list(rows, about, "base_station", models.machine)

    async def base_station(self, machine: str) -> SensorZoneResponse[tuple[Machine, Status]]:
        """Return a machine and its status."""
        return await self._get_machine("base_station", machine)

    async def status(self, machine: str) -> SensorZoneResponse[tuple[Machine, Status]]:
        """Return a machine's status, for machine records without one."""
        return await self._get_machine("status", machine)

    async def clips(self, machine: str) -> SensorZoneResponse[list[Clip]]:
        """List the video clips of a machine."""
        rows, about = await self._rows("clips", {}, None, machine)
        return _parse_list(rows, about, "clip", models.clip)

    async def clip(self, machine: str, clip: str) -> Response:
        """Return a video clip, or JSON with its link."""
        return await self._get("clip", (machine, clip), {})

    async def fetch(self, link: URL) -> Response:
        """Fetch a link of V1 to its own host."""
        return await self._transports[ApiVersion.V1].get(link, permission="see video clips")

    async def messages(self, machine: str) -> list[Row]:
        """List the messages of a machine."""
        return _records((await self._rows("messages", {}, None, machine))[0])

    async def tags(self) -> SensorZoneResponse[list[Person]]:
        """List the tags."""
        rows, about = await self._rows("tags", {})
        return _parse_list(rows, about, "tag", models.person)

    async def tag(self, tag: str) -> SensorZoneResponse[Person | None]:
        """Return a tag with the time of its last test, if stated."""
        reply = await self._get("tag", (tag,), {})
        row = read_one(reply.body, "tag", "person")
        return SensorZoneResponse(
            models.person(tag, row) if row else None, Counter(), (reply.freshness,)
        )

    async def tag_incursions(
        self, tag: str, start: datetime
    ) -> SensorZoneResponse[list[Incursion]]:
        """Return the incursions of a tag."""
        rows, about = await self._rows("tag_incursions", period(start, None), start, tag)
        return _parse_list(rows, about, "incursion", models.incursion)

    async def tag_tests(self, tag: str) -> SensorZoneResponse[datetime | None]:
        """Return the time of a tag's last test."""
        rows, about = await self._rows("tag_tests", {}, None, tag)
        times = [at for item in rows if (row := flat(item)) and (at := models.tested_at(row))]
        return SensorZoneResponse(max(times, default=None), Counter(), about)

    async def notes(self, params: Params) -> list[Row]:
        """List the notes on a person or a machine."""
        return _records((await self._rows("notes", params))[0])

    async def add_note(self, body: Mapping[str, object]) -> Row | None:
        """Add a note to a person or a machine."""
        return await self._write("POST", "notes", (), body)

    # -- V1, Tester token --

    async def people(self, kind: str | None = None) -> SensorZoneResponse[list[Row]]:
        """List the brand's people, of one kind or all."""
        rows, about = await self._rows("people_assets", {"kind": kind} if kind else {})
        return _parse_list(rows, about, "person", lambda found, row: {**row, "id": found})

    async def create_person(self, body: Mapping[str, object]) -> Row | None:
        """Create a person with `name`, `kind`, `employee_id`, `company`, `email` (documented by the vendor)."""
        return await self._write("POST", "people_assets", (), body)

    async def assign_tag(self, body: Mapping[str, object]) -> Row | None:
        """Assign a tag to a person."""
        return await self._write("POST", "tag_assignments", (), body)

    async def release_tag(self, assignment: str) -> None:
        """Release a tag by the id of its assignment."""
        await self._write("DELETE", "tag_assignment", (assignment,), None)

    async def visitor_sessions(self) -> list[Row]:
        """List the visits."""
        return _records((await self._rows("visitor_sessions", {}))[0])

    async def check_in(self, body: Mapping[str, object]) -> Row | None:
        """Check a visitor in."""
        return await self._write("POST", "visitor_sessions", (), body)

    async def check_out(self, visit: str, body: Mapping[str, object]) -> Row | None:
        """Check a visitor out."""
        return await self._write("PATCH", "visitor_session", (visit,), body)

    # -- V2, JWT --

    async def logout(self) -> None:
        """Revoke the token of V2."""
        await self._write("DELETE", "logout", (), None)

    async def validate(self) -> object:
        """Return the validation of the V2 token."""
        return await self._object("validate", {})

    async def machine_runtime(
        self, start: datetime, end: datetime | None = None
    ) -> SensorZoneResponse[list[Runtime]]:
        """Return each machine's runtime by day."""
        reply = await self._get("machine_runtime", (), period(start, end))
        return SensorZoneResponse(runtimes(reply.body), Counter(), (reply.freshness,))

    async def chart(self, name: str, params: Params) -> object:
        """Return a chart by its name."""
        if name == "machine_runtime":
            return await self._object("machine_runtime", params)
        return await self._object("chart", params, name)

    async def advanced(self, name: str, params: Params) -> object:
        """Return a `pivot` table, `outliers`, or an AI-written `site_report`."""
        return await self._object(name, params)

    async def export(self, params: Params) -> Response:
        """Return an export of insights in the vendor's format."""
        return await self._get("export", (), params)

    async def listed(self, name: str) -> list[Row]:
        """List the `v2_reports`, `v2_projects` or `v2_worksites`."""
        return _records((await self._rows(name, {}))[0])

    async def preferences(self) -> object:
        """Return the user's views, locale and dimensions."""
        return await self._object("preferences", {})

    async def track(self, machine: str, start: datetime) -> SensorZoneResponse[tuple[Fix, ...]]:
        """Return a machine's positions since `start`, oldest first."""
        reply = await self._get("tracks", (machine,), period(start, None))
        return SensorZoneResponse(models.fixes(_track_rows(reply)), Counter(), (reply.freshness,))

    async def events(self, machine: str, params: Params) -> list[Row]:
        """List the events of a machine."""
        return _records((await self._rows("events", params, None, machine))[0])

    async def event(self, machine: str, event: str) -> Row | None:
        """Return one event of a machine in detail."""
        return read_one((await self._get("event", (machine, event), {})).body, "event")

    # -- shared --

    def has(self, api: ApiVersion) -> bool:
        """Return whether the account has this sign-in."""
        return api in self._transports

    def diagnostics(self) -> dict[str, Any]:
        """Return the sign-ins and the names of the resources that have responded."""
        return {"sign_ins": sorted(self._transports), "served": sorted(self._served)}

    def _reader(self, name: str) -> Reader:
        api = RESOURCES[name].api
        if api not in self._readers:
            raise PermissionDeniedError(_LACKING[api])
        return self._readers[api]

    async def _rows(
        self,
        name: str,
        params: Params,
        since: datetime | None = None,
        *ids: str,
        groups: Groups | None = None,
        in_part: bool = False,
    ) -> tuple[list[object], tuple[Freshness, ...]]:
        resource, reader = RESOURCES[name], self._reader(name)
        wanted = Listing(name, resource.address(*ids), resource.permission, groups)
        try:
            found = await reader.rows(wanted, params, since, in_part=in_part)
        except VendorError as err:
            raise self._translate_error(resource, err) from None
        self._served.add(name)
        return found

    async def _get(self, name: str, ids: Sequence[str], params: Params) -> Response:
        resource, reader = RESOURCES[name], self._reader(name)
        try:
            address = resource.address(*ids)
            reply = await reader.get(name, address, params, resource.permission, resource.accept)
        except VendorError as err:
            raise self._translate_error(resource, err) from None
        self._served.add(name)
        return reply

    async def _object(self, name: str, params: Params, *ids: str) -> object:
        return kept((await self._get(name, ids, params)).body)

    async def _get_machine(
        self, name: str, machine: str
    ) -> SensorZoneResponse[tuple[Machine, Status]]:
        reply = await self._get(name, (machine,), {})
        row = read_one(reply.body, "base_station", "machine")
        if row is None:
            raise UnexpectedResponseError("the reply holds no machine")
        value = (models.machine(machine, row), models.status(row))
        return SensorZoneResponse(value, Counter(), (reply.freshness,))

    async def _write(
        self, method: str, name: str, ids: Sequence[str], body: Mapping[str, object] | None
    ) -> Row | None:
        resource = RESOURCES[name]
        self._reader(name)
        try:
            reply = await self._transports[resource.api].send(
                method,
                resource.address(*ids),
                json=body,
                permission=resource.permission,
                accept=JSON,
            )
        except VendorError as err:
            raise self._translate_error(resource, err) from None
        self._served.add(name)
        try:
            return read_one(reply.body)
        except UnexpectedResponseError:
            return None  # the write succeeded; only its result is unknown

    def _translate_error(self, resource: Resource, err: VendorError) -> VendorError:
        """Translate an error: a rejected second sign-in is a missing permission, because the first one works."""
        if isinstance(err, SignInRejectedError) and (
            resource.api is not ApiVersion.V1 and ApiVersion.V1 in self._transports
        ):
            which = (
                RESOURCES["login"].permission
                if resource.api is ApiVersion.V2
                else "use the Tester API"
            )
            return PermissionDeniedError(which)
        if not isinstance(err, UnexpectedResponseError):
            return err
        if err.status in (400, 409, 422) and (problems := problems_in(err.body)):
            return InvalidFieldsError(problems)
        return err


def period(start: datetime | None, end: datetime | None) -> Params:
    """Return the query parameters of a period, in whole seconds (names INFERRED)."""
    found = {"from": start, "to": end}
    return {name: to_utc_text(at) for name, at in found.items() if at is not None}


def _parse_list[T](
    rows: Sequence[object],
    about: tuple[Freshness, ...],
    place: str,
    read: Callable[[str, Row], T | None],
) -> SensorZoneResponse[list[T]]:
    sieve = RecordDecoder()
    return SensorZoneResponse(models.identified(sieve, place, rows, read), sieve.rejected, about)


def _records(rows: Sequence[object]) -> list[Row]:
    return [row for item in rows if (row := flat(item)) is not None]


def _track_rows(reply: Response) -> Sequence[object]:
    held = kept(reply.body)
    row = flat(held)
    if row is not None and not isinstance(row.get("geometry"), dict) and "coordinates" not in row:
        held = next(
            (inside for inside in row.values() if isinstance(inside, list)), row.get("data", row)
        )
    return held if isinstance(held, list) else [held]
