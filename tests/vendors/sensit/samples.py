"""Invented responses of SENSIT Connect in the forms that are known."""

import base64
import json
from typing import Any

NOON = "2026-09-13T12:00:00.000Z"


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def spod_json(**changes: Any) -> dict[str, Any]:
    return {
        "_id": "65a1c0ffee0000000000a001",
        "id": "1041",
        "date": NOON,
        "pid1_PPB_Calc": 61.5,
        "temp": 21.4,
        "ws_direction": 250,
        "trig": {"trig_activeFlag": 0},
        "lat": 41.5,
        "long": -87.1,
        **changes,
    }


def ramp_json(**changes: Any) -> dict[str, Any]:
    return {
        "id": "3014",
        "date": NOON,
        "CO": 210.5,
        "OPCData": {"OPC_2_5": 8.1},
        "raw": [
            {"channel": 1, "aux_avg": 290.1, "act_avg": 310.2},
            {"channel": 4, "aux_avg": 300.5, "act_avg": 299.9},
        ],
        **changes,
    }


def monitor_json(**changes: Any) -> dict[str, Any]:
    return {
        "_id": "65a1c0ffee0000000000b001",
        "uuid": "1041",
        "key": "",
        "name": "Fence",
        "location": "North field",
        "picture": "",
        "status": "Active",
        "type": "SPOD",
        "isUTCTimeZone": False,
        "isFirmwareUpdateRequire": False,
        "isCharging": True,
        "lastReceivedRecord": spod_json(),
        "battery": 81,
        **changes,
    }


def token(**claims: Any) -> str:
    """A JWT with these claims and a signature that nobody looks at."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"
