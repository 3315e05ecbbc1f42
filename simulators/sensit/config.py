"""Configure a simulated SENSIT account and its undocumented API variants."""

from dataclasses import dataclass, field
from typing import Literal

type MonitorType = Literal["SPOD", "FMD", "RAMP"]

TYPES: tuple[MonitorType, ...] = ("SPOD", "FMD", "RAMP")

type Wrapper = Literal["bare", "data"]


@dataclass(slots=True)
class ApiVariants:
    """API variants that the vendor's instructions leave open. The first of each is the default.

    devices: the device list bare | under "data".
    logs: the records under "data", as the vendor's JavaScript reads them | bare.
    dates: the available dates bare | under "data".
    order: of records and dates: newest first | oldest first | neither.
    date: 2026-01-31T13:05:09.000Z | with +00:00 | without a zone | with a space, without a zone |
        31-Jan-2026 13:05:09 | 01/31/2026 01:05:09 PM | milliseconds | seconds since the epoch.
    last_record: the newest record by its date | the one that arrived last | no such key | null |
        {} | a string | a number | a list | a record of another type.
    nested: {"trig": {"trig_activeFlag": 1}} | {"trig.trig_activeFlag": 1}.
    ids: SPOD has _id and id, RAMP has id, FMD neither | all have both | none has any.
    idle_trigger: while no canister is being filled trig_activeFlag is 0 | null | "" | not in trig |
        there is no trig.
    calm: WD is 375 in calm air on FMD alone | ws_direction and WD of the others too.
    battery: of the device in percent | always 0, as in the vendor's sample | in volts.
    empty: the list of an account or window without anything is [] | null.
    window_end: a record dated exactly at EndDate is in the window | is not.
    long_window: a "given hour" window of more than two hours is cut to its first two | refused.
    user: the user of the sign-in reply has e-mail, displayName and status too | only id and role.
    refused_sign_in: 401 | 400 | 404 | 200 with a message and without a token.
    jwt: the token has all claims | no exp | an exp that is a text | an exp far in the past though it
        works | an exp with a fraction | is no JWT at all.
    one_session: whether a sign-in ends the session before it.
    post_status: what a POST that worked is answered with.
    error_body: {"message": text} | {"error": text} | an HTML page | nothing.
    """

    devices: Wrapper = "bare"
    logs: Wrapper = "data"
    dates: Wrapper = "bare"
    order: Literal["newest", "oldest", "mixed"] = "newest"
    date: Literal["z", "offset", "naive", "space", "export", "american", "millis", "seconds"] = "z"
    last_record: Literal[
        "newest",
        "received",
        "absent",
        "null",
        "empty",
        "text",
        "number",
        "list",
        "other_type",
    ] = "newest"
    nested: bool = True
    ids: Literal["documented", "all", "none"] = "documented"
    idle_trigger: Literal["zero", "null", "text", "missing", "no_trig"] = "zero"
    calm: Literal["fmd", "all"] = "fmd"
    battery: Literal["percent", "zero", "volts"] = "percent"
    empty: Literal["list", "null"] = "list"
    window_end: Literal["inclusive", "exclusive"] = "inclusive"
    long_window: Literal["cut", "refused"] = "cut"
    user: Literal["full", "least"] = "full"
    refused_sign_in: Literal["401", "400", "404", "200"] = "401"
    jwt: Literal["full", "no_exp", "text_exp", "past_exp", "float_exp", "opaque"] = "full"
    one_session: bool = False
    post_status: Literal[200, 201] = 200
    error_body: Literal["message", "error", "html", "none"] = "message"


@dataclass(slots=True, kw_only=True)
class CloudConfig:
    """Settings of the cloud. Those that a request reads (variants, max_age, token_seconds) may change meanwhile.

    spods, fmds, ramps: monitors of each type; all 0 is an empty account.
    username, password, role: of the default account, which sees every monitor.
    cycle: seconds between two records of a monitor.
    phase: records come at a second of each monitor's own | all at the full cycle.
    loss: the share of records that never arrive.
    delay_least, delay_most: seconds from a record's date until the cloud has it.
    late: the share of records that take late_least to late_most seconds instead.
    silent: the share of three-hour stretches in which a monitor makes no record.
    fixless: the share of records without a GPS fix.
    history_days: how long before the clock's start the monitors began.
    token_seconds: how long a token works.
    max_age: of the device list, in seconds; None sends no Cache-Control.
    etag: a weak ETag on 200 replies to GET, and 304 to who sends it back.
    latitude, longitude: of the middle of the site, in degrees.
    canister_ppb: a rise of VOC by so much lets a SPOD fill its next canister, of four.
    """

    spods: int = 2
    fmds: int = 2
    ramps: int = 1
    seed: int = 1
    username: str = "anna@example.com"
    password: str = "green-Lamp:42"  # noqa: S105  it opens nothing but a simulator
    role: str = "SystemAdministrator"
    cycle: int = 60
    phase: Literal["own", "full"] = "own"
    loss: float = 1 / 200
    delay_least: float = 2.0
    delay_most: float = 20.0
    late: float = 1 / 100
    late_least: float = 600.0
    late_most: float = 2400.0
    silent: float = 0.0
    fixless: float = 1 / 20
    history_days: float = 3.0
    token_seconds: int = 28_800
    max_age: int | None = None
    etag: bool = False
    latitude: float = 47.5123
    longitude: float = -108.4321
    canister_ppb: float = 100.0
    variants: ApiVariants = field(default_factory=ApiVariants)
