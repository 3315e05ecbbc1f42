"""The smoke test: every entity shows a value, and Home Assistant's log is clean."""

from collections.abc import Iterator
from pathlib import Path
import re

from .entities import Inventory, name_of

_LINE = re.compile(r"\S+ \S+ (?P<level>[A-Z]+) \(.*?\) \[(?P<logger>[^]]+)\]")

# The integration's own logger, or Home Assistant naming it in a deprecation warning.
_OURS = re.compile(r"\[custom_components\.watchpost|custom integration 'watchpost'")

# What a machine without video and JPEG libraries logs; nothing of it is the integration's.
_ELSEWHERE = (
    re.compile(r"\[homeassistant\.components\.camera\.img_util\] Error loading libturbojpeg"),
    re.compile(r"\[haffmpeg\."),
)


def report(inventory: Inventory) -> None:
    """Print a line per device and entity."""
    for device in inventory.devices:
        print(f"{name_of(device)} ({device['manufacturer']} {device['model']})")
        for entity in inventory.of_device(device["id"]):
            unit = entity.attributes.get("unit_of_measurement", "")
            print(f"  {entity.id}: {entity.state} {unit}".rstrip())


def faults(inventory: Inventory) -> list[str]:
    """Return the faults of the inventory, one line each."""
    if not inventory.accounts:
        return ["no account is signed in"]
    wrong = [
        f"the account {account['title']} is {account['state']}: {account['reason']}"
        for account in inventory.accounts
        if account["state"] != "loaded"
    ]
    if not inventory.entities:
        wrong.append("there are no entities")
    return wrong + [f"{entity.id} is {entity.state}" for entity in inventory.without_value]


def complaints(log: Path) -> list[str]:
    """Return the log's errors, and the integration's warnings, each with its traceback."""
    return [record for record in _records(log) if _is_complaint(record)]


def _is_complaint(record: str) -> bool:
    if (line := _LINE.match(record)) is None:
        return "Traceback" in record
    ours = _OURS.search(record) is not None
    severe = line["level"] in ("ERROR", "CRITICAL") or (ours and line["level"] == "WARNING")
    return severe and not any(known.search(record) for known in _ELSEWHERE)


def _records(log: Path) -> Iterator[str]:
    """Yield log records, continuation lines included."""
    record: list[str] = []
    for line in log.read_text(errors="replace").splitlines():
        if _LINE.match(line) and record:
            yield "\n".join(record)
            record = []
        record.append(line)
    if record:
        yield "\n".join(record)
