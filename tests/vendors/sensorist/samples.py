"""Invented replies of Sensorist's, in the forms that are known."""

from datetime import UTC, datetime
import json

from hypothesis import strategies as st

NOON = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)
NOON_TEXT = "2026-09-13T12:00:00+0000"
ENVELOPE = {"code": 200, "max_age": 900, "time": 0.05}


def body(**payload: object) -> bytes:
    return json.dumps(ENVELOPE | payload).encode()


def source_json(number: object = 31, **changes: object) -> dict[str, object]:
    kind = {
        "id": 5,
        "name": "temp",
        "precision": 1,
        "capability": 72,
        "unit": {"id": 1, "name": "°C"},
    }
    return {
        "id": number,
        "title": "Temperature",
        "serial": "t5p0xxxx",
        "interval": 900,
        "subtype": "digital",
        "disconnected_date": None,
        "devices": [],
        "type": kind,
    } | changes


def sensor_json(number: object = 21, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "serial": "cc00dd01",
        "title": "Kølerum",
        "firmware": "1.99",
        "type": {"id": 4, "name": "S2.0"},
        "disconnected_date": None,
        "current_gateway_id": 11,
        "devices": [source_json()],
    } | changes


def gateway_json(number: object = 11, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "serial": "20000001",
        "title": "Cellar",
        "firmware": "2.43",
        "type": {"id": 10, "name": "B16"},
        "disconnected_date": None,
        "master_id": None,
        "ipv4": "192.0.2.1",
        "local_ipv4": "192.0.2.2",
        "devices": [sensor_json()],
    } | changes


def row_json(**changes: object) -> dict[str, object]:
    whole = {"date": NOON_TEXT, "value": 4.5, "type": 1, "seq": 99, "min": None, "max": None}
    return whole | changes


def log_json(number: int = 1, **changes: object) -> dict[str, object]:
    return {"id": number, "alarm": 5, "date": NOON_TEXT, "value": 9, "state": "triggered"} | changes


def alarm_json(**changes: object) -> dict[str, object]:
    whole = {"id": 5, "data_source": 31, "value": -18, "direction": "above", "delay": 30}
    return whole | {"state": "normal", "logs": []} | changes


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["12", "id", NOON_TEXT, "1e999"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "devices", "type", "date", "value", "logs", "next", "31", "rows"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
