"""What the simulated platform has, and which of its undocumented forms it serves."""

from dataclasses import dataclass, field
from typing import Literal

DEVICE_STATUS = ("PENDING", "ACTIVE", "INACTIVE", "MAINTENANCE", "OFFLINE")
VALUE_TYPES = ("DOUBLE", "BIGINT", "BOOLEAN", "TEXT")


@dataclass(slots=True)
class Forms:
    """Forms that the vendor's text leaves open. The first of each is the default.

    Any of them may be changed while the cloud runs. None is a fact about the vendor.

    paging: {content, last, totalPages, ...} | a bare array | {data, page, size, total} | {items, hasMore}.
    first_page: the number of the first page.
    errors: application/problem+json | {timestamp, status, error, path} | plain text.
    foreign: the status for an id of another organisation.
    names: how undocumented fields are called: one way | another (see OTHER in shapes.py).
    references: "deviceId": id | "device": {"id": id}.
    organization: the field that shows the organisation's id in records | nowhere.
    nulls: fields without a value are null | missing.
    literals: documented values of enums | none of them, everywhere | in small letters.
    times: "…T10:30:00Z" | with milliseconds | with +00:00.
    created: the status of a POST that makes something; exports are always 201.
    reading: a reading's value in "value" | in "doubleValue", "bigintValue", ... | in no field at all.
    booleans: false/true | 0/1.
    order: readings come newest first | oldest first.
    sensor_unit: a sensor's unit stands in its profile alone | with the sensor too.
    readings_paths: /readings/sensor/{id}/aggregated and /stats | /readings/aggregated?sensorId= and /readings/stats.
    batch: /readings/batch as GET and POST | one of them | not there.
    batch_answer: {sensorId: [readings]} | [{sensorId, readings}] | one list of readings.
    aggregated, stats, window: whether these calls are there.
    health: the newest state | a list of states.
    """

    paging: Literal["content", "array", "data", "items"] = "content"
    first_page: Literal[0, 1] = 0
    errors: Literal["problem", "spring", "text"] = "problem"
    foreign: Literal[404, 403] = 404
    names: Literal["plain", "other"] = "plain"
    references: Literal["flat", "nested"] = "flat"
    organization: Literal["organizationId", "orgId", "absent"] = "organizationId"
    nulls: Literal["shown", "omitted"] = "shown"
    literals: Literal["known", "new", "lower"] = "known"
    times: Literal["seconds", "milliseconds", "offset"] = "seconds"
    created: Literal[201, 200] = 201
    reading: Literal["value", "typed", "none"] = "value"
    booleans: Literal["bool", "number"] = "bool"
    order: Literal["newest", "oldest"] = "newest"
    sensor_unit: Literal["profile", "sensor"] = "profile"
    readings_paths: Literal["suffix", "query"] = "suffix"
    batch: Literal["both", "get", "post", "absent"] = "both"
    batch_answer: Literal["map", "groups", "flat"] = "map"
    aggregated: bool = True
    stats: bool = True
    window: bool = True
    health: Literal["latest", "list"] = "latest"


@dataclass(slots=True, kw_only=True)
class Plan:
    """What to simulate. What a request reads (forms, page sizes, absent, ...) may change meanwhile.

    devices: of the main organisation. components: on each, with two or three sensors each.
    extra_sensors: so many more on the last component. sites: the devices stand on them in turn.
    interval: seconds between two readings of a sensor. delay: until a client can see one.
    history_days: how far back readings go.
    api_key: the main organisation's key. other_key: one of another organisation.
    page_size: records on a page. page_most: the most that a client's `size` gets.
    endless: paging that never ends: the first page again and again | with new ids each time.
    absent: resource groups that answer 404, by the first word of their path, e.g. "alerts", "exports".
    admin: whether a key may call /admin.
    """

    devices: int = 3
    components: int = 2
    extra_sensors: int = 0
    sites: int = 2
    interval: int = 60
    delay: int = 2
    history_days: float = 30
    seed: int = 1
    api_key: str = "sk_live_w7Kq2mZr9xTnC4vB"
    other_key: str = "sk_live_p3Hs8dLy6fGjQ1aN"
    page_size: int = 20
    page_most: int = 500
    endless: Literal["", "same", "new"] = ""
    absent: set[str] = field(default_factory=set)
    admin: bool = True
    forms: Forms = field(default_factory=Forms)
