"""Configure a simulated SensorZone cloud and its undocumented API variants."""

from dataclasses import dataclass, field
from typing import Literal

type Pages = Literal["none", "page", "link"]


@dataclass(slots=True)
class ApiVariants:
    """API variants that the vendor's text leaves open. All may change while the cloud runs.

    Sign-in
    login_body: JSON or form fields are taken | only the one.
    session_reply: 200 and the user | 201 and the user | 204 without a body.
    cookie: ends after its lifetime | every reply prolongs it | every reply brings a new one.
    jwt_headers: AccessToken | accesstoken | ACCESSTOKEN, and so for the other two.
    jwt_expiry: in seconds | milliseconds | missing | an hour ago.
    refresh_in: in a header | a cookie | the body | not given.
    jwt_renewal: only by a login | a call with a RefreshToken header, and an AccessToken that has
        run out, is served and brings a new one | so, and every reply in the second half of a
        token's life brings a new one.
    refused_login: 401 with a reason | 401 without a body | 403 that names the single sign-on.
    ended: a call of version 1 without a session that lasts: 401 | a redirect to a sign-in page | such a page with
        200 | such a redirect, but 401 if the call accepts JSON alone.
    no_v2: a user without the right is refused with 403 at the login | at every call after it.

    Lists of V1 and of what V2 does not state to be JSON:API
    lists: an array | {"data": [...]} | {"incursions": [...]} | JSON:API.
    entities: as other lists | machines and people as two lists side by side | so, under `data` | under `entities`.
    paging: all at once | `page` and `per_page` | a link to the next page.
    links: the next page in the Link header | in `links.next` | there, without a host.
    api_paging: the paging of what is stated to be JSON:API.
    filters: parameters for time, machine and so on are honoured | ignored.
    order: newest first | oldest first.

    Records
    keys: snake_case | camelCase.
    ids: numbers | text. JSON:API has text in any case.
    references: base_station_id | {"base_station": {"id", "name"}}.
    times: 2026-09-13T12:00:30Z | with the offset of the brand | without zone, in UTC | seconds |
        milliseconds since the epoch.
    acknowledgement: acknowledged and acknowledged_at | acknowledged_at alone | a word in `status`.
    positions: latitude, longitude | lat, lng in `position` | GeoJSON.
    durations: `duration` in seconds | `duration_ms` | left out.
    charts: {"labels", "datasets"}, pivots {"columns", "rows"} | objects in a list | JSON:API.
    runtime: in hours | in seconds, as the key says.
    errors: {"error"} | {"errors": [text]} | {"errors": {field: [text]}} | JSON:API | HTML.
    deleted: 204 without a body | 200 with the object.
    download: the file | {"url"} of the file | a redirect to it.
    report_states: pending, processing, completed, failed | queued, running, done, error.
    site_reports: made in a while, as other reports | in the response that asks for one.
    track: a list of points | a GeoJSON LineString.
    battery: tags have none | in percent.
    tests: the last test of a tag as a time and in days ago | as a time | in days ago.
    states: ignition true, activity_status "active", role "pedestrian" | ignition_state "on",
        active true, role "Pedestrian".
    summaries: an entity's counts beside its name, insights with `totals` | an entity with a
        `summary`, the totals of insights beside the rest.
    boundaries: a GeoJSON geometry | a feature around it | its JSON as text.
    site_projects: project_ids | project_id, the first one alone.
    media_links: with the host | without.
    signing: a signature covers what a link names | every byte of it, and it has characters that clients rewrite;
        links to next pages are signed so as well.
    """

    login_body: Literal["either", "json", "form"] = "either"
    session_reply: Literal["user", "created", "empty"] = "user"
    signing: Literal["name", "exact"] = "name"
    cookie: Literal["fixed", "sliding", "rotating"] = "fixed"
    jwt_headers: Literal["stated", "lower", "upper"] = "stated"
    jwt_expiry: Literal["s", "ms", "missing", "past"] = "s"
    refresh_in: Literal["header", "cookie", "body", "none"] = "header"
    jwt_renewal: Literal["login", "refresh", "any"] = "login"
    refused_login: Literal["reason", "empty", "sso"] = "reason"
    ended: Literal["status", "redirect", "page", "browser"] = "status"
    no_v2: Literal["login", "calls"] = "login"
    lists: Literal["bare", "data", "named", "jsonapi"] = "bare"
    entities: Literal["list", "groups", "data", "entities"] = "list"
    paging: Pages = "none"
    links: Literal["header", "body", "relative"] = "header"
    api_paging: Pages = "link"
    filters: Literal["honoured", "ignored"] = "honoured"
    order: Literal["newest", "oldest"] = "newest"
    keys: Literal["snake", "camel"] = "snake"
    ids: Literal["number", "text"] = "number"
    references: Literal["flat", "nested"] = "flat"
    times: Literal["utc", "offset", "naive", "s", "ms"] = "utc"
    acknowledgement: Literal["both", "time", "word"] = "both"
    positions: Literal["flat", "nested", "geojson"] = "flat"
    durations: Literal["s", "ms", "none"] = "s"
    charts: Literal["series", "rows", "jsonapi"] = "series"
    runtime: Literal["hours", "seconds"] = "hours"
    errors: Literal["error", "list", "fields", "jsonapi", "html"] = "error"
    deleted: Literal["empty", "object"] = "empty"
    download: Literal["file", "url", "redirect"] = "file"
    report_states: Literal["common", "other"] = "common"
    site_reports: Literal["later", "at_once"] = "later"
    track: Literal["points", "geojson"] = "points"
    battery: Literal["none", "percent"] = "none"
    tests: Literal["both", "time", "days"] = "both"
    states: Literal["first", "second"] = "first"
    summaries: Literal["first", "second"] = "first"
    boundaries: Literal["geometry", "feature", "text"] = "geometry"
    site_projects: Literal["many", "one"] = "many"
    media_links: Literal["absolute", "relative"] = "absolute"


JSON_API = {
    "lists": "jsonapi",
    "paging": "link",
    "links": "body",
    "ids": "text",
    "charts": "jsonapi",
    "errors": "jsonapi",
}
"""What to give to `ApiVariants` for a cloud that speaks JSON:API everywhere."""

OTHER = {
    "session_reply": "created",
    "cookie": "rotating",
    "jwt_headers": "lower",
    "jwt_expiry": "ms",
    "refresh_in": "body",
    "jwt_renewal": "any",
    "lists": "data",
    "paging": "page",
    "api_paging": "page",
    "order": "oldest",
    "keys": "camel",
    "ids": "text",
    "references": "nested",
    "times": "ms",
    "acknowledgement": "word",
    "positions": "nested",
    "durations": "ms",
    "charts": "rows",
    "runtime": "seconds",
    "errors": "fields",
    "deleted": "object",
    "download": "redirect",
    "report_states": "other",
    "site_reports": "at_once",
    "track": "geojson",
    "battery": "percent",
    "tests": "days",
    "states": "second",
    "summaries": "second",
    "boundaries": "text",
    "site_projects": "one",
    "media_links": "relative",
}
"""What to give to `ApiVariants` for a cloud that does everything another way."""


@dataclass(slots=True)
class Limits:
    """Rate limits; one more request in a window is answered with 429.

    requests: so many in `seconds`; 0: no limit.
    scope: counted per user (both versions together) and per tester token | per sign-in.
    retry_after: until the window ends, in seconds | as an HTTP date | missing.
    """

    requests: int = 300
    seconds: float = 60.0
    scope: Literal["user", "sign_in"] = "user"
    retry_after: Literal["seconds", "date", "none"] = "seconds"


@dataclass(slots=True)
class BehaviorConfig:
    """Settings for the behavior of machines, people and drivers. Shares are 0..1, times in seconds.

    shift_start, shift_hours: when work goes on, hours of the day at the brand's offset.
    pauses: how often a machine's ignition goes off in a shift, for 15 to 45 minutes each.
    zone: radius of the detection zones in metres.
    site: length and width of a site in metres; smaller means more incursions.
    drawn: the share of a person's steps that lead to where machines pass.
    acknowledged: the share of incursions that the driver acknowledges; of these `late` are
        acknowledged 2 to 40 minutes after the start, the others within a minute.
    delay_least, delay_most: from the start of an incursion until it is listed; its end and its
        acknowledgement are listed as late.
    tag_test_days: how often a tag is tested, on average.
    """

    shift_start: float = 5.0
    shift_hours: float = 16.0
    pauses: int = 3
    zone: float = 9.0
    site: tuple[float, float] = (300.0, 220.0)
    drawn: float = 0.4
    acknowledged: float = 0.8
    late: float = 0.3
    delay_least: float = 3.0
    delay_most: float = 20.0
    tag_test_days: float = 6.0


@dataclass(slots=True)
class Oddities:
    """Shares (0..1) of incursions that are odd, and what else goes wrong, until it is set back.

    endless: never gets an end.
    backwards: its end is before its start.
    revised: its end and length change five times.
    belated: it is listed an hour late, after newer ones.
    belated_seconds: how late that is.
    repeated: every page but the first starts with the last record of the page before.
    no_version: neither `updated_at` nor anything else tells that a record has changed.
    """

    endless: float = 0.0
    backwards: float = 0.0
    revised: float = 0.0
    belated: float = 0.0
    belated_seconds: float = 3600.0
    repeated: bool = False
    no_version: bool = False


@dataclass(slots=True, kw_only=True)
class CloudConfig:
    """Settings of the cloud. Those that a request reads (variants, limits, oddities, lifetimes) may change.

    machines, people: of the first brand, shared out among its sites. Every machine has a driver of
        its own besides, whose tag has the role of an operator.
    sites: worksites of the first brand, in two projects.
    cameras: the share of machines with cameras, which have clips.
    visitors: how many visitors come on an average day.
    username, password: the administrator of the first brand.
    standard_username: a standard user of it, with the same password.
    sso_username: a user of it who can only sign in through single sign-on.
    v2: whether users may use V2; `without_v2` names users who may not in any case.
    seed: the same seed gives the same movements.
    history_days: how long before the clock's start the machines were put to work.
    offset_hours: the brand's offset from UTC, for shifts, days and `times="offset"`.
    cookie_lifetime, token_lifetime, refresh_lifetime: in seconds.
    cookie_calls: a session is lost after so many calls; 0: never.
    page_size: records a page, where there are pages.
    max_page_size: what a client can ask for at most.
    default_days, chart_days: how far back a list and a chart go without a period.
    report_seconds: how long a report takes on the clock.
    reports_fail: all of them, at their end.
    absent: resources that answer 404, by the names in the table of the documentation.
    etag: validators on 200 replies of GET, and 304 to who sends them back.
    """

    machines: int = 3
    people: int = 6
    sites: int = 2
    cameras: float = 0.7
    visitors: float = 3.0
    username: str = "anna@example.com"
    password: str = "orange-Vest:42"  # noqa: S105  it opens nothing but a simulator
    standard_username: str = "ben@example.com"
    sso_username: str = "carla@example.com"
    tester_token: str = "tst_northbank_5f2c7a91"  # noqa: S105
    v2: bool = True
    without_v2: frozenset[str] = frozenset()
    seed: int = 1
    history_days: float = 60.0
    offset_hours: float = 0.0
    cookie_lifetime: float = 7200.0
    cookie_calls: int = 0
    token_lifetime: float = 900.0
    refresh_lifetime: float = 86_400.0
    page_size: int = 25
    max_page_size: int = 100
    default_days: float = 1.0
    chart_days: float = 30.0
    report_seconds: float = 45.0
    reports_fail: bool = False
    absent: frozenset[str] = frozenset()
    etag: bool = False
    behavior: BehaviorConfig = field(default_factory=BehaviorConfig)
    limits: Limits = field(default_factory=Limits)
    oddities: Oddities = field(default_factory=Oddities)
    variants: ApiVariants = field(default_factory=ApiVariants)
