"""Handlers of SensorZone's actions; their ValueErrors hold the name of the invalid field."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ...client.decode import Row, identifier, to_text
from ...client.errors import InvalidFieldsError
from ...contract.vendor import ActionCall, ActionHandler
from . import entities
from .client import SensorZoneClient, period
from .decode import words
from .geometry import is_simple
from .inventory import SiteInventory
from .models import Incursion
from .reports import file_of, followed, named_file

MAX_ROWS: Final = 5_000
_DEFAULT_PERIOD: Final = timedelta(days=1)


class SensorZoneActions:
    """Run the actions of one account."""

    def __init__(self, client: SensorZoneClient, site_inventory: SiteInventory) -> None:
        self._client = client
        self._site_inventory = site_inventory
        self.handlers: Mapping[str, ActionHandler] = {
            "get_incursions": self._get_incursions,
            "get_insights": self._get_insights,
            "get_pivot": self._get_pivot,
            "create_report": self._create_report,
            "get_site_report": self._get_site_report,
            "add_note": self._add_note,
            "get_notes": self._get_notes,
            "get_machine_log": self._get_machine_log,
            "create_person": self._create_person,
            "list_people": self._list_people,
            "assign_tag": self._assign_tag,
            "release_tag": self._release_tag,
            "check_in_visitor": self._check_in,
            "check_out_visitor": self._check_out,
            "list_alerts": self._list_alerts,
            "create_alert": self._create_alert,
            "update_alert": self._update_alert,
            "delete_alert": self._delete_alert,
            "create_project": self._create_project,
            "update_project": self._update_project,
            "list_worksites": self._list_worksites,
        }

    # -- incursions, insights and reports --

    async def _get_incursions(self, call: ActionCall) -> Mapping[str, Any]:
        start, end = _period(call)
        devices = {call.device} if call.device else None
        if (meant := call.fields.get("channels")) is not None:
            devices = {channel.device for channel in meant}
        tags = [found for found in devices or () if found.startswith(entities.tag_id(""))]
        found: dict[str, Incursion] = {}
        for tag in tags:
            listed = await self._client.tag_incursions(entities.vendor_id(tag, "tag"), start)
            found |= {incursion.id: incursion for incursion in listed.value}
        if devices is None or len(tags) < len(devices):
            listed = await self._client.incursions(start, end)
            if listed.failure is not None:
                raise listed.failure
            found |= {
                incursion.id: incursion
                for incursion in listed.value
                if self._is_meant(incursion, devices)
            }
        rows = sorted(
            (incursion for incursion in found.values() if start <= incursion.started_at < end),
            key=lambda incursion: incursion.started_at,
        )
        return {
            "incursions": [self._incursion(row) for row in rows[:MAX_ROWS]],
            "truncated": len(rows) > MAX_ROWS,
        }

    def _is_meant(self, incursion: Incursion, devices: set[str] | None) -> bool:
        if devices is None:
            return True
        return not devices.isdisjoint(self._site_inventory.devices_of(incursion))

    def _incursion(self, found: Incursion) -> dict[str, Any]:
        acknowledged_at = found.acknowledged_at
        return {
            "time": found.started_at.isoformat(),
            "acknowledged_at": acknowledged_at.isoformat() if acknowledged_at else None,
            **self._site_inventory.event_data(found),
        }

    async def _get_insights(self, call: ActionCall) -> Mapping[str, Any]:
        name = call.fields["insight"]
        asked = period(*_period(call))
        match name:
            case "summary":
                found = await self._client.insights(asked)
            case "outliers":
                found = await self._client.advanced("outliers", asked)
            case "preferences":
                found = await self._client.preferences()
            case _:
                found = await self._client.chart(name, asked)
        return {"insight": name, "result": found}

    async def _get_pivot(self, call: ActionCall) -> Mapping[str, Any]:
        asked = {"rows": call.fields["rows"], **period(*_period(call))}
        if "columns" in call.fields:
            asked["columns"] = call.fields["columns"]
        if call.fields["export"]:
            stem = f"sensorzone_export_{dt_util.utcnow():%Y%m%d_%H%M%S}"
            return {"file": named_file(stem, await self._client.export(asked))}
        return {"result": await self._client.advanced("pivot", asked)}

    async def _create_report(self, call: ActionCall) -> Mapping[str, Any]:
        body = {**_given(call, "title", "report_type", "worksite_id"), **period(*_period(call))}
        row = await self._client.create_report(body)
        if row is None:
            return {"report": {"id": None, "state": "unknown"}}
        report, state = await followed(row, self._client.report)
        outcome: dict[str, Any] = {"report": {"id": report, "state": state}}
        if call.fields["save"] and report is not None and state == "done":
            outcome["file"] = await file_of(self._client, report)
        return outcome

    async def _get_site_report(self, call: ActionCall) -> Mapping[str, Any]:
        site = entities.vendor_id(call.device, "site")
        asked = {"worksite_id": site, **period(*_period(call))}
        return {"result": await self._client.advanced("site_report", asked)}

    # -- notes and logs --

    async def _add_note(self, call: ActionCall) -> Mapping[str, Any]:
        note = await self._client.add_note({**_subject(call), "text": call.fields["text"]})
        return {"note": {"id": _id(note)}}

    async def _get_notes(self, call: ActionCall) -> Mapping[str, Any]:
        rows = await self._client.notes(_subject(call))
        return {
            "notes": [
                {
                    "id": identifier(row.get("id")),
                    "text": words(row, "text", "body", "content", "note", "message"),
                    "time": words(row, "created_at", "added_at", "time", "timestamp"),
                }
                for row in rows[:MAX_ROWS]
            ]
        }

    async def _get_machine_log(self, call: ActionCall) -> Mapping[str, Any]:
        machine = entities.vendor_id(call.device, "machine")
        if call.fields["log"] == "messages":
            rows = await self._client.messages(machine)
        else:
            rows = await self._client.events(machine, period(*_period(call)))
        return {"rows": [dict(row) for row in rows[:MAX_ROWS]]}

    # -- people, tags and visitors (Tester API) --

    async def _create_person(self, call: ActionCall) -> Mapping[str, Any]:
        if call.fields["kind"] == "staff" and "employee_id" not in call.fields:
            raise InvalidFieldsError({"employee_id": "is missing, which staff must have"})
        body = _given(call, "name", "kind", "employee_id", "company", "email")
        person = await self._client.create_person(body)
        return {"person": {"id": _id(person)}}

    async def _list_people(self, call: ActionCall) -> Mapping[str, Any]:
        rows = (await self._client.people(call.fields.get("kind"))).value
        return {
            "people": [
                {
                    "id": row["id"],
                    **{
                        key: to_text(row.get(key))
                        for key in ("name", "kind", "employee_id", "company", "email")
                    },
                }
                for row in rows[:MAX_ROWS]
            ]
        }

    async def _assign_tag(self, call: ActionCall) -> Mapping[str, Any]:
        body = {"tag_serial": call.fields["tag"], "people_asset_id": call.fields["person_id"]}
        assignment = await self._client.assign_tag(body)
        return {"assignment": {"id": _id(assignment)}}

    async def _release_tag(self, call: ActionCall) -> Mapping[str, Any]:
        await self._client.release_tag(call.fields["assignment_id"])
        return {"assignment": {"id": call.fields["assignment_id"]}}

    async def _check_in(self, call: ActionCall) -> Mapping[str, Any]:
        body = {"tag_serial": call.fields["tag"], **_given(call, "name", "company", "notes")}
        return {"visit": {"id": _id(await self._client.check_in(body))}}

    async def _check_out(self, call: ActionCall) -> Mapping[str, Any]:
        at = dt_util.utcnow().replace(microsecond=0).isoformat()
        await self._client.check_out(call.fields["visit_id"], {"checked_out_at": at})
        return {"visit": {"id": call.fields["visit_id"]}}

    # -- alerts, projects and worksites --

    async def _list_alerts(self, call: ActionCall) -> Mapping[str, Any]:
        return {"alerts": [dict(row) for row in (await self._client.alerts())[:MAX_ROWS]]}

    async def _create_alert(self, call: ActionCall) -> Mapping[str, Any]:
        alert = await self._client.create_alert(_given(call, "name", *_ALERT))
        return {"alert": {"id": _id(alert)}}

    async def _update_alert(self, call: ActionCall) -> Mapping[str, Any]:
        if not (body := _given(call, "name", *_ALERT)):
            raise ValueError("name")
        await self._client.update_alert(call.fields["alert_id"], body)
        return {"alert": {"id": call.fields["alert_id"]}}

    async def _delete_alert(self, call: ActionCall) -> Mapping[str, Any]:
        await self._client.delete_alert(call.fields["alert_id"])
        return {"alert": {"id": call.fields["alert_id"]}}

    async def _create_project(self, call: ActionCall) -> Mapping[str, Any]:
        project = await self._client.create_project(_given(call, "name"))
        return {"project": {"id": _id(project)}}

    async def _update_project(self, call: ActionCall) -> Mapping[str, Any]:
        project = entities.vendor_id(call.device, "project")
        row = await self._client.update_project(project, _given(call, "name"))
        name = words(row or {}, "name", "title") or call.fields["name"]
        return {"project": {"id": project, "name": name}, "renamed": name}

    async def _list_worksites(self, call: ActionCall) -> Mapping[str, Any]:
        sites = (await self._client.worksites()).value
        return {
            "worksites": [
                {
                    "id": site.id,
                    "name": site.name,
                    "project_ids": list(site.projects),
                    "geojson": site.boundary,
                    "is_simple": is_simple(site.boundary),
                }
                for site in sites
            ]
        }


_ALERT: Final = ("metric", "threshold", "recipients", "worksite_id")


def _given(call: ActionCall, *names: str) -> dict[str, Any]:
    return {name: call.fields[name] for name in names if name in call.fields}


def _period(call: ActionCall) -> tuple[datetime, datetime]:
    """Return start and end of a call's period, which is the last day by default."""
    end: datetime = call.fields.get("end") or dt_util.utcnow()
    start: datetime = call.fields.get("start") or end - _DEFAULT_PERIOD
    return start, end


def _subject(call: ActionCall) -> dict[str, str]:
    """Return the request parameter that names the person or machine of a note."""
    found = entities.vendor_id(call.device, "machine", "tag")
    is_machine = (call.device or "").startswith(entities.machine_id(""))
    return {"base_station_id" if is_machine else "tag_id": found}


def _id(row: Row | None) -> str | None:
    return identifier(row.get("id")) if row else None
