"""Schemas of the actions of a SensorZone account."""

from typing import Final

from homeassistant.const import ATTR_NAME, CONF_EMAIL
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import PERIOD, TEXT, Permission, ServiceAction, TargetKind, wrong_period

# Charts and analyses named in the vendor's text; their names in requests are inferred except for the first chart.
INSIGHTS: Final = (
    "summary",
    "machine_runtime",
    "acknowledged_incursions",
    "zone_time",
    "trends",
    "outliers",
    "preferences",
)
DIMENSIONS: Final = ("site", "project", "operator", "pedestrian", "machine", "date")
LOGS: Final = ("events", "messages")
KINDS: Final = ("staff", "visitor")

LONG_TEXT: Final = vol.All(cv.string, vol.Strip, vol.Length(min=1, max=4_000))
ID: Final = vol.All(cv.string, vol.Strip, vol.Match(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"))
_EMAIL: Final = vol.All(vol.Email(), vol.Length(max=255))
_EMAILS: Final = vol.All(cv.ensure_list, [_EMAIL], vol.Length(min=1, max=50))
_ALERT: Final = {
    vol.Optional("metric"): TEXT,
    vol.Optional("threshold"): vol.All(vol.Coerce(float), vol.Range(min=0, max=1e9)),
    vol.Optional("recipients"): _EMAILS,
    vol.Optional("worksite_id"): ID,
}

# Actions that return the vendor's own rows are for administrators: such rows may name people despite the options.
ACTIONS: Final = (
    ServiceAction(
        "get_incursions", TargetKind.ANY, Permission.READ, PERIOD, is_read=True, check=wrong_period
    ),
    ServiceAction(
        "get_insights",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Optional("insight", default="summary"): vol.In(INSIGHTS), **PERIOD},
        is_read=True,
        check=wrong_period,
    ),
    ServiceAction(
        "get_pivot",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required("rows"): vol.In(DIMENSIONS),
            vol.Optional("columns"): vol.In(DIMENSIONS),
            **PERIOD,
            vol.Optional("export", default=False): cv.boolean,
        },
        is_read=True,
        check=wrong_period,
    ),
    ServiceAction(
        "create_report",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required("title"): TEXT,
            vol.Optional("report_type"): TEXT,
            vol.Optional("worksite_id"): ID,
            **PERIOD,
            vol.Optional("save", default=False): cv.boolean,
        },
        check=wrong_period,
    ),
    ServiceAction(
        "get_site_report",
        TargetKind.DEVICE,
        Permission.ADMIN,
        PERIOD,
        is_read=True,
        check=wrong_period,
    ),
    ServiceAction(
        "add_note", TargetKind.DEVICE, Permission.CONTROL, {vol.Required("text"): LONG_TEXT}
    ),
    ServiceAction("get_notes", TargetKind.DEVICE, Permission.ADMIN, {}, is_read=True),
    ServiceAction(
        "get_machine_log",
        TargetKind.DEVICE,
        Permission.ADMIN,
        {vol.Required("log"): vol.In(LOGS), **PERIOD},
        is_read=True,
        check=wrong_period,
    ),
    ServiceAction(
        "create_person",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(ATTR_NAME): TEXT,
            vol.Required("kind"): vol.In(KINDS),
            vol.Optional("employee_id"): TEXT,
            vol.Optional("company"): TEXT,
            vol.Optional(CONF_EMAIL): _EMAIL,
        },
    ),
    ServiceAction(
        "list_people",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Optional("kind"): vol.In(KINDS)},
        is_read=True,
    ),
    ServiceAction(
        "assign_tag",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required("tag"): TEXT, vol.Required("person_id"): ID},
    ),
    ServiceAction(
        "release_tag", TargetKind.ACCOUNT, Permission.ADMIN, {vol.Required("assignment_id"): ID}
    ),
    ServiceAction(
        "check_in_visitor",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(ATTR_NAME): TEXT,
            vol.Required("tag"): TEXT,
            vol.Optional("company"): TEXT,
            vol.Optional("notes"): LONG_TEXT,
        },
    ),
    ServiceAction(
        "check_out_visitor", TargetKind.ACCOUNT, Permission.ADMIN, {vol.Required("visit_id"): ID}
    ),
    ServiceAction("list_alerts", TargetKind.ACCOUNT, Permission.ADMIN, {}, is_read=True),
    ServiceAction(
        "create_alert",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required(ATTR_NAME): TEXT, **_ALERT},
    ),
    ServiceAction(
        "update_alert",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required("alert_id"): ID, vol.Optional(ATTR_NAME): TEXT, **_ALERT},
    ),
    ServiceAction(
        "delete_alert", TargetKind.ACCOUNT, Permission.ADMIN, {vol.Required("alert_id"): ID}
    ),
    ServiceAction(
        "create_project", TargetKind.ACCOUNT, Permission.ADMIN, {vol.Required(ATTR_NAME): TEXT}
    ),
    ServiceAction(
        "update_project", TargetKind.DEVICE, Permission.CONTROL, {vol.Required(ATTR_NAME): TEXT}
    ),
    ServiceAction("list_worksites", TargetKind.ACCOUNT, Permission.READ, {}, is_read=True),
)
