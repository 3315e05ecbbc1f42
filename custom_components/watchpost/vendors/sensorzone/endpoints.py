"""Paths of SensorZone's API, each with its evidence in the vendor's text.

A STATED path is in the text word for word. An INFERRED path is a guess: the text names the resource, and the path
follows the pattern of the stated ones (plural nouns in snake_case, `:id`). A 404 there turns polling off.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ...client.decode import identifier
from ...client.errors import UnexpectedResponseError

JSON: Final = "application/json"


class ApiVersion(StrEnum):
    """The sign-in that a resource needs."""

    V1 = "v1"
    V2 = "v2"
    TESTER = "tester"


class Evidence(StrEnum):
    """The evidence for a path in the vendor's text."""

    STATED = "stated"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Resource:
    """A path with `{}` for ids; `permission` completes "the account lacks the permission to".

    `is_file`: the response is saved or played, and may be of any media type.
    """

    api: ApiVersion
    path: str
    mark: Evidence
    permission: str
    is_file: bool = False

    @property
    def accept(self) -> str | None:
        """Return the media type to request; without one, an ended session may redirect to an HTML page."""
        return None if self.is_file else JSON

    def address(self, *ids: str) -> str:
        """Return the path with its ids; raise UnexpectedResponseError for an invalid id."""
        if any(identifier(found) is None for found in ids):
            raise UnexpectedResponseError("an id from the vendor cannot stand in an address")
        return self.path.format(*ids)


_S, _I = Evidence.STATED, Evidence.INFERRED
_V1, _V2, _T = ApiVersion.V1, ApiVersion.V2, ApiVersion.TESTER

RESOURCES: Final = {
    "session": Resource(_V1, "/api/v1/session", _S, "sign in with a password"),
    "insights": Resource(_V1, "/api/v1/insights", _S, "read the insights"),
    "entities": Resource(_V1, "/api/v1/entities", _I, "list people and machines"),
    "incursions": Resource(_V1, "/api/v1/incursions", _I, "read the incursions"),
    "projects": Resource(_V1, "/api/v1/projects", _I, "manage projects"),
    "project": Resource(_V1, "/api/v1/projects/{}", _I, "manage projects"),
    "reports": Resource(_V1, "/api/v1/reports", _I, "create reports"),
    "report": Resource(_V1, "/api/v1/reports/{}", _I, "read reports"),
    "report_file": Resource(
        _V1, "/api/v1/reports/{}/download", _I, "download reports", is_file=True
    ),
    "alerts": Resource(_V1, "/api/v1/alerts", _I, "manage alerts"),
    "alert": Resource(_V1, "/api/v1/alerts/{}", _I, "manage alerts"),
    "worksites": Resource(_V1, "/api/v1/worksites", _I, "list worksites"),
    "worksite": Resource(_V1, "/api/v1/worksites/{}", _I, "read worksites"),
    "base_stations": Resource(_V1, "/api/v1/base_stations", _I, "list machines"),
    "base_station": Resource(_V1, "/api/v1/base_stations/{}", _I, "read machines"),
    "status": Resource(_V1, "/api/v1/base_stations/{}/status", _I, "read the status of machines"),
    "clips": Resource(_V1, "/api/v1/base_stations/{}/clips", _I, "list video clips"),
    "clip": Resource(_V1, "/api/v1/base_stations/{}/clips/{}", _I, "see video clips", is_file=True),
    "messages": Resource(_V1, "/api/v1/base_stations/{}/messages", _I, "read messages of machines"),
    "tags": Resource(_V1, "/api/v1/tags", _I, "list tags"),
    "tag": Resource(_V1, "/api/v1/tags/{}", _I, "read tags"),
    "tag_incursions": Resource(
        _V1, "/api/v1/tags/{}/incursions", _I, "read the incursions of tags"
    ),
    "tag_tests": Resource(_V1, "/api/v1/tags/{}/tests", _I, "read the tests of tags"),
    "notes": Resource(_V1, "/api/v1/notes", _I, "read and add notes"),
    "people_assets": Resource(_T, "/api/v1/tester/people_assets", _S, "manage people"),
    "tag_assignments": Resource(_T, "/api/v1/tester/tag_assignments", _S, "assign tags"),
    "tag_assignment": Resource(_T, "/api/v1/tester/tag_assignments/{}", _S, "release tags"),
    "visitor_sessions": Resource(_T, "/api/v1/tester/visitor_sessions", _I, "check visitors in"),
    "visitor_session": Resource(_T, "/api/v1/tester/visitor_sessions/{}", _I, "check visitors out"),
    "login": Resource(_V2, "/api/v2/login", _S, "use version 2 of the API"),
    "logout": Resource(_V2, "/api/v2/logout", _I, "sign out of version 2 of the API"),
    "validate": Resource(_V2, "/api/v2/validate", _I, "check the sign-in of version 2"),
    "machine_runtime": Resource(
        _V2, "/api/v2/insights/charts/machine_runtime", _S, "read the runtime of machines"
    ),
    "chart": Resource(_V2, "/api/v2/insights/charts/{}", _I, "read charts"),
    "pivot": Resource(_V2, "/api/v2/advanced_insights/pivot", _I, "read pivot tables"),
    "export": Resource(
        _V2, "/api/v2/advanced_insights/export", _I, "export insights", is_file=True
    ),
    "outliers": Resource(_V2, "/api/v2/advanced_insights/outliers", _I, "read outliers"),
    "site_report": Resource(_V2, "/api/v2/advanced_insights/site_report", _I, "read site reports"),
    "v2_reports": Resource(_V2, "/api/v2/reports", _I, "list reports"),
    "v2_projects": Resource(_V2, "/api/v2/projects", _I, "list projects"),
    "v2_worksites": Resource(_V2, "/api/v2/worksites", _I, "list worksites"),
    "preferences": Resource(_V2, "/api/v2/preferences", _I, "read preferences"),
    "tracks": Resource(_V2, "/api/v2/base_stations/{}/gps_tracks", _I, "read where machines are"),
    "events": Resource(_V2, "/api/v2/base_stations/{}/events", _I, "read events of machines"),
    "event": Resource(_V2, "/api/v2/base_stations/{}/events/{}", _I, "read events of machines"),
}
