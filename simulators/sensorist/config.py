"""Configure a simulated Sensorist account and its undocumented API variants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from simulators.schedule import ReportingConfig

CYCLES = {"temp": 900, "humi": 900, "batt": 10_800, "wireless": 1_800}


@dataclass(slots=True)
class ApiVariants:
    """API variants that the vendor's document leaves open. The first of each is the default.

    list_key: the key of GET /users?list.
    list_own_user: whether that list starts with the user who asks.
    error_body: {"code", "max_age", "time", "error"} | {"error"} | an HTML page | nothing.
    no_data: a source without data in `latest` is left out | a row of type 20 without value | null.
    empty_measurements: {} | [], as a PHP array without keys.
    min_max: {"min": {"value", "date"}, "max"} | [row, row] | {"min", "min_date", ...}.
    next_place: in the envelope | in each source's {"rows", "next"}.
    sensor_update: {"sensor", "workflow"} | the sensor alone | the workflow alone.
    alarm_source: "data_source": id | {"id": id}.
    alarm_state: "normal"/"triggered" | false/true | 0/1.
    delete_body: the envelope alone | 204 without a body.
    mixed_gateways: 400 | sources of other gateways than the first one's are left out.
    refused_impersonation: 403 | the parameter is ignored.
    fahrenheit: with temp_unit °F the sources say and measure °F | only the user object says so.
    callback_body: JSON | form fields | nothing.
    keys: other names for payload keys, e.g. {"logs": "alarm_logs"}.
    """

    list_key: Literal["users", "user"] = "users"
    list_own_user: bool = True
    error_body: Literal["envelope", "bare", "html", "empty"] = "envelope"
    no_data: Literal["absent", "blank", "null"] = "absent"
    empty_measurements: Literal["object", "list"] = "object"
    min_max: Literal["nested", "rows", "flat"] = "nested"
    next_place: Literal["envelope", "source"] = "envelope"
    sensor_update: Literal["both", "sensor", "workflow"] = "both"
    alarm_source: Literal["id", "object"] = "id"
    alarm_state: Literal["word", "bool", "number"] = "word"
    delete_body: Literal["envelope", "none"] = "envelope"
    mixed_gateways: Literal["refused", "first"] = "refused"
    refused_impersonation: Literal["403", "ignored"] = "403"
    fahrenheit: Literal["everywhere", "user_only"] = "everywhere"
    callback_body: Literal["json", "form", "empty"] = "json"
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class DeliveryConfig:
    """Settings for the delivery of notifications.

    loss: the share that never leaves. delay: seconds on the clock until it does. copies: of each.
    disorder: up to so many seconds more for each copy, so that they overtake each other.
    """

    loss: float = 0.0
    delay: float = 0.0
    copies: int = 1
    disorder: float = 0.0


@dataclass(slots=True, kw_only=True)
class CloudConfig:
    """Settings of the cloud. Those that a request reads (privileges, variants, max_age) may change meanwhile.

    gateways: masters of the default account.
    slaves: further gateways, shared out among the masters.
    sensors: per gateway.
    kinds: the data sources of each sensor; a name that is not in source_types.py makes a kind of its own.
    username, password: of the default account.
    sub_users: users below the default one, with `sub_user_gateways` each.
    spare_gateways: unclaimed ones, for POST /gateways.
    may_impersonate, may_set_interval: the default account's privileges.
    max_age: of every GET, in seconds.
    max_ages: of paths, e.g. "/alarms", by the longest prefix.
    cycles: seconds between reports per kind, 900 for a kind that is not in it.
    interval_scale: a factor on all cycles, jitter and delays.
    history_days: how long before the clock's start the gateways were added.
    etag, last_modified: validators on 200 replies, and 304 to who sends them back.
    command_seconds: how long a workflow takes on the clock.
    commands_fail: all of them, at their end.
    pairing_finds: how many new sensors a gateway pairs on `pairing_start`.
    """

    gateways: int = 2
    sensors: int = 2
    kinds: tuple[str, ...] = ("temp", "humi", "batt", "wireless")
    slaves: int = 0
    seed: int = 1
    username: str = "anna@example.com"
    password: str = "green-Lamp:42"  # noqa: S105  it opens nothing but a simulator
    sub_users: int = 0
    sub_user_gateways: int = 1
    spare_gateways: int = 2
    may_impersonate: bool = True
    may_set_interval: bool = False
    max_age: int = 900
    max_ages: Mapping[str, int] = field(default_factory=dict)
    cycles: Mapping[str, int] = field(default_factory=lambda: dict(CYCLES))
    interval_scale: float = 1.0
    reporting: ReportingConfig = field(default_factory=ReportingConfig)
    history_days: float = 400.0
    temp_unit: Literal["°C", "°F"] = "°C"
    etag: bool = False
    last_modified: bool = False
    command_seconds: float = 90.0
    pairing_finds: int = 0
    commands_fail: bool = False
    callbacks: DeliveryConfig = field(default_factory=DeliveryConfig)
    variants: ApiVariants = field(default_factory=ApiVariants)

    def cycle(self, kind: str) -> int:
        """Return a kind's cycle in whole seconds, at least one."""
        return max(1, round(self.cycles.get(kind, 900) * self.interval_scale))

    def max_age_of(self, path: str) -> int:
        """Return the max-age of replies to GET `path`.

        The document gives none for alarms and workflows, which change faster: a third and a
        hundredth, unless set.
        """
        given = [prefix for prefix in self.max_ages if path.startswith(prefix)]
        if given:
            return self.max_ages[max(given, key=len)]
        return self.max_age // _SHORTER.get(path.split("/")[1], 1)


_SHORTER = {"alarms": 3, "workflows": 100}
