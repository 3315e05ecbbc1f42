"""Configure the simulated platform and its undocumented API variants."""

from dataclasses import dataclass, field
from typing import Literal

DEVICE_STATUS = ("PENDING", "ACTIVE", "INACTIVE", "MAINTENANCE", "OFFLINE")
VALUE_TYPES = ("DOUBLE", "BIGINT", "BOOLEAN", "TEXT")


@dataclass(slots=True)
class ApiVariants:
    """API variants that the vendor's text leaves open. The first of each is the default.

    Any of them may be changed while the cloud runs. None is a fact about the vendor.

    paging: {content, last, totalPages, ...} | a bare array | {data, page, size, total} | {items, hasMore}.
    first_page: the number of the first page.
    page_names: the parameters of a page and its size; no other names work.
    errors: application/problem+json | {timestamp, status, error, path} | plain text.
    foreign: the status for an id of another organisation.
    names: how undocumented fields are called: one way | another (see OTHER in serializers.py).
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
    listing: alerts, events, captures, commands and exports come newest first | oldest first.
    filters: parameters that narrow a list work | are passed over.
    put: what a PUT leaves out is refused with 400 if it is needed | stays as it is.
    rule_condition: a rule's comparison stands in the rule | in {"condition": {...}}.
    alert_state: the field that holds an alert's place in its life.
    firing: a rule fires at each reading that fulfils it, once its cooldown is over | only when that begins.
    auto_resolve: an alert is resolved when its rule is no longer fulfilled.
    acted: the reply to acknowledge, resolve, enable, disable and test: the record | nothing, with 204.
    ended: the status of acknowledging or resolving what is resolved.
    channel_config: a channel's address stands in {"config": {"url"}} | in the channel.
    channel_url: the address of a webhook is shown | masked.
    channel_in_use: a channel that rules use can be deleted | is refused with 409.
    webhook_body: an alert's fields | {"event", "data": {...}} | plain text.
    webhook_on: calls are made when a rule fires | also when an alert is acknowledged or resolved.
    link_host: links lead to another host and port | to the API's.
    signing: a link's signature covers path and time | every byte of it, and it has characters that clients rewrite.
    download: a capture's link comes in {"downloadUrl"} | as a redirect | as text.
    thumbnail: a capture shows the link of its picture | is it asked for at /captures/{id}/thumbnail | has none.
    live_url: where the stream is: in "hlsUrl" | in {"hls": {"url"}} | in "localUrl" and "remoteUrl".
    live_playlist: it names segments | playlists.
    live_credentials: the stream's stand in its address | as user name and password beside it.
    live_again: a second POST while a session is active: the same one, longer | a new one beside it.
    live_stop: a session is ended by DELETE /live/{id} | POST /live/{id}/stop | not at all.
    dvr_track: a request is seen in /dvr-clip-requests and /{id} | only in the list | nowhere.
    dvr_done: the status of a request that is fulfilled.
    command_name: the field that says what a device shall do.
    command_track: a command is seen in the list and at /{id} | only in the list | only at /{id}.
    revoked_by: a registration token is revoked by its own id | by that of its device.
    reported: what a device reported stands in the binding | in {"reported": {...}}.
    export_ready: an export that is READY shows everything | not its scope and period, as in the vendor's example.
    export_failed: the status of an export that failed. export_expired: of one whose time is over.
    export_progress: exports show how many per cent are done.
    signature: of a call to a webhook: none | HMAC-SHA256 of the body in X-Signature, if the channel has a secret.
    """

    paging: Literal["content", "array", "data", "items"] = "content"
    first_page: Literal[0, 1] = 0
    page_names: Literal["page size", "page limit", "pageNumber pageSize"] = "page size"
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
    listing: Literal["newest", "oldest"] = "newest"
    filters: Literal["work", "ignored"] = "work"
    put: Literal["replace", "merge"] = "replace"
    rule_condition: Literal["flat", "nested"] = "flat"
    alert_state: Literal["status", "lifecycle", "state"] = "status"
    firing: Literal["each", "edge"] = "each"
    auto_resolve: bool = False
    acted: Literal["record", "empty"] = "record"
    ended: Literal[409, 400, 200] = 409
    channel_config: Literal["config", "flat"] = "config"
    channel_url: Literal["shown", "masked"] = "shown"
    channel_in_use: Literal["delete", "refuse"] = "delete"
    webhook_body: Literal["flat", "wrapped", "text"] = "flat"
    webhook_on: Literal["fired", "all"] = "fired"
    signature: Literal["none", "hmac"] = "none"
    link_host: Literal["storage", "api"] = "storage"
    signing: Literal["path", "exact"] = "path"
    download: Literal["json", "redirect", "text"] = "json"
    thumbnail: Literal["link", "path", "absent"] = "link"
    live_url: Literal["hlsUrl", "nested", "pair"] = "hlsUrl"
    live_playlist: Literal["media", "master"] = "media"
    live_credentials: Literal["address", "beside"] = "address"
    live_again: Literal["same", "new"] = "same"
    live_stop: Literal["delete", "post", "absent"] = "delete"
    dvr_track: Literal["item", "list", "absent"] = "item"
    dvr_done: Literal["COMPLETED", "READY", "DONE"] = "COMPLETED"
    command_name: Literal["method", "type"] = "method"
    command_track: Literal["both", "list", "item"] = "both"
    revoked_by: Literal["id", "deviceId"] = "id"
    reported: Literal["flat", "nested"] = "flat"
    export_ready: Literal["full", "short"] = "full"
    export_failed: Literal["FAILED", "ERROR"] = "FAILED"
    export_expired: Literal["EXPIRED", "READY"] = "EXPIRED"
    export_progress: bool = False


@dataclass(slots=True)
class DeliveryConfig:
    """Settings for the delivery of webhooks.

    loss: the share that never leaves. delay: seconds on the clock until one does. copies: of each.
    retries: how often a call that was not answered with 2xx is made again, `retry_seconds` later.
    """

    loss: float = 0.0
    delay: float = 0.0
    copies: int = 1
    retries: int = 0
    retry_seconds: float = 30.0


@dataclass(slots=True, kw_only=True)
class CloudConfig:
    """Settings of the cloud. Those that a request reads (variants, page sizes, absent, ...) may change meanwhile.

    devices: of the main organisation. components: on each, with two or three sensors each.
    extra_sensors: so many more on the last component. sites: the devices stand on them in turn.
    interval: seconds between two readings of a sensor. delay: until a client can see one.
    history_days: how far back readings go.
    lively: one of the rules is about a door that opens at times.
    old_alerts: that are resolved already.
    cameras: of the main organisation, on its devices in turn. old_captures: clips of the last days, of all cameras.
    link_seconds: until a link to a clip or picture is dead; then it is answered with 403.
    links_dead: all links are, at once.
    live_wait: seconds from the call until a session is ACTIVE. live_seconds: until it is EXPIRED.
    live_local: whether "localUrl" of `ApiVariants.live_url == "pair"` can be reached.
    clip_seconds: from the end of what is filmed until its clip is there; also of a DVR request.
    dvr_fate: what becomes of the next DVR requests.
    command_fate: what becomes of the next commands; "hang" stays SENT for ever. A device that is not connected gets
        none. command_seconds: until it is done. command_timeout: until it is TIMEOUT instead.
    desired_fate: what devices do with the next configurations. desired_seconds: until it is done.
    token_seconds: how long a registration token is good for.
    export_fate: what becomes of the next exports: "hang" stays RUNNING for ever. export_seconds: until it is READY.
    export_life: from then until it is over. export_most: readings in it at most.
    export_size: the "sizeBytes" that it shows, right or not; None is right. export_padding: bytes that fill it up.
    quarantined: payloads in quarantine at the beginning.
    api_key: the main organisation's key. other_key: one of another organisation.
    page_size: records on a page. page_most: the most that a client's `size` gets.
    endless: paging that never ends: the first page again and again | with new ids each time.
    absent: resource groups that answer 404, by the first word of their path, e.g. "alerts", "exports".
    openapi: the description at /api/v3/api-docs: there is none | anybody reads it | with a key alone.
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
    lively: bool = False
    old_alerts: int = 2
    cameras: int = 2
    old_captures: int = 6
    link_seconds: int = 300
    links_dead: bool = False
    live_wait: int = 2
    live_seconds: int = 120
    live_local: bool = True
    clip_seconds: int = 10
    dvr_fate: Literal["done", "fail", "hang"] = "done"
    command_fate: Literal["success", "fail", "hang"] = "success"
    command_seconds: int = 6
    command_timeout: int = 60
    desired_fate: Literal["accept", "reject", "fail", "hang"] = "accept"
    desired_seconds: int = 6
    token_seconds: int = 86_400
    export_fate: Literal["ready", "fail", "hang"] = "ready"
    export_seconds: int = 12
    export_life: int = 86_400
    export_most: int = 5_000
    export_size: int | None = None
    export_padding: int = 0
    quarantined: int = 2
    api_key: str = "sk_live_w7Kq2mZr9xTnC4vB"
    other_key: str = "sk_live_p3Hs8dLy6fGjQ1aN"
    page_size: int = 20
    page_most: int = 500
    endless: Literal["", "same", "new"] = ""
    absent: set[str] = field(default_factory=set)
    openapi: Literal["absent", "open", "key"] = "absent"
    admin: bool = True
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    variants: ApiVariants = field(default_factory=ApiVariants)
