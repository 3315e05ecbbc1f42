"""The actions that a SensorZone account takes, with their fields."""

from __future__ import annotations

from typing import Final

from homeassistant.const import ATTR_NAME, CONF_EMAIL
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import PERIOD, TEXT, Action, For, Permission, wrong_period

# What the vendor's text names among charts and analyses; the words on the wire are inferred but for the first chart.
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

# What hands the vendor's own rows on may name people, whatever the options allow: that is for administrators.
ACTIONS: Final = (
    Action("get_incursions", For.ANY, Permission.READ, PERIOD, is_read=True, check=wrong_period),
    Action(
        "get_insights",
        For.ACCOUNT,
        Permission.ADMIN,
        {vol.Optional("insight", default="summary"): vol.In(INSIGHTS), **PERIOD},
        is_read=True,
        check=wrong_period,
    ),
    Action(
        "get_pivot",
        For.ACCOUNT,
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
    Action(
        "create_report",
        For.ACCOUNT,
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
    Action(
        "get_site_report", For.DEVICE, Permission.ADMIN, PERIOD, is_read=True, check=wrong_period
    ),
    Action("add_note", For.DEVICE, Permission.CONTROL, {vol.Required("text"): LONG_TEXT}),
    Action("get_notes", For.DEVICE, Permission.ADMIN, {}, is_read=True),
    Action(
        "get_machine_log",
        For.DEVICE,
        Permission.ADMIN,
        {vol.Required("log"): vol.In(LOGS), **PERIOD},
        is_read=True,
        check=wrong_period,
    ),
    Action(
        "create_person",
        For.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(ATTR_NAME): TEXT,
            vol.Required("kind"): vol.In(KINDS),
            vol.Optional("employee_id"): TEXT,
            vol.Optional("company"): TEXT,
            vol.Optional(CONF_EMAIL): _EMAIL,
        },
    ),
    Action(
        "list_people",
        For.ACCOUNT,
        Permission.ADMIN,
        {vol.Optional("kind"): vol.In(KINDS)},
        is_read=True,
    ),
    Action(
        "assign_tag",
        For.ACCOUNT,
        Permission.ADMIN,
        {vol.Required("tag"): TEXT, vol.Required("person_id"): ID},
    ),
    Action("release_tag", For.ACCOUNT, Permission.ADMIN, {vol.Required("assignment_id"): ID}),
    Action(
        "check_in_visitor",
        For.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(ATTR_NAME): TEXT,
            vol.Required("tag"): TEXT,
            vol.Optional("company"): TEXT,
            vol.Optional("notes"): LONG_TEXT,
        },
    ),
    Action("check_out_visitor", For.ACCOUNT, Permission.ADMIN, {vol.Required("visit_id"): ID}),
    Action("list_alerts", For.ACCOUNT, Permission.ADMIN, {}, is_read=True),
    Action(
        "create_alert",
        For.ACCOUNT,
        Permission.ADMIN,
        {vol.Required(ATTR_NAME): TEXT, **_ALERT},
    ),
    Action(
        "update_alert",
        For.ACCOUNT,
        Permission.ADMIN,
        {vol.Required("alert_id"): ID, vol.Optional(ATTR_NAME): TEXT, **_ALERT},
    ),
    Action("delete_alert", For.ACCOUNT, Permission.ADMIN, {vol.Required("alert_id"): ID}),
    Action("create_project", For.ACCOUNT, Permission.ADMIN, {vol.Required(ATTR_NAME): TEXT}),
    Action("update_project", For.DEVICE, Permission.CONTROL, {vol.Required(ATTR_NAME): TEXT}),
    Action("list_worksites", For.ACCOUNT, Permission.READ, {}, is_read=True),
)
