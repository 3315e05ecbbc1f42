"""What a misbehaving cloud or network costs: never more than news."""

import asyncio
from collections.abc import Callable
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, watchpost_lines
from .outside import assert_shows_the_truth, mishaps, shown, unavailable

ELSEWHERE = "http://127.0.0.2:1/elsewhere"

# What fails a poll without touching the credentials.
FAILURES: dict[str, dict[str, Any]] = {
    "drop": {"kind": "drop"},
    "403": {"kind": "status", "status": 403},
    "404": {"kind": "status", "status": 404},
    "429": {"kind": "status", "status": 429},
    "429-retry-after": {"kind": "status", "status": 429, "headers": {"Retry-After": "60"}},
    "429-garbage": {"kind": "status", "status": 429, "headers": {"Retry-After": "soon"}},
    "500": {"kind": "status", "status": 500},
    "502-html": {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"},
    "503": {"kind": "status", "status": 503},
    "503-date": {
        "kind": "status",
        "status": 503,
        "headers": {"Retry-After": "Sun, 13 Sep 2026 12:40:00 GMT"},
    },
    "204": {"kind": "status", "status": 204, "body": ""},
    "cut": {"kind": "cut"},
    "cut-at-once": {"kind": "cut", "size": 1},
    "cut-json": {"kind": "cut_json"},
    "not-json": {"kind": "not_json"},
    "root-null": {"kind": "root", "value": None},
    "root-number": {"kind": "root", "value": 7},
    "root-text": {"kind": "root", "value": "hello"},
    "root-error": {"kind": "root", "value": {"error": "Something went wrong"}},
    "payload-null-text": {"kind": "root", "value": {"gateways": "x", "measurements": "x"}},
    "envelope-403": {"kind": "envelope_code", "code": 403},
    "envelope-429": {"kind": "envelope_code", "code": 429},
    "envelope-500": {"kind": "envelope_code", "code": 500},
    "huge": {"kind": "huge", "size": 17 * 2**20},
    "gzip-bomb": {"kind": "gzip_bomb", "size": 64 * 2**20},
    "not-gzip": {"kind": "headers", "headers": {"Content-Encoding": "deflate"}},
    "redirect-elsewhere": {"kind": "redirect", "location": ELSEWHERE},
    "redirect-nowhere": {"kind": "redirect", "location": ""},
    "redirect-loop": {"kind": "redirect", "location": "?again=1"},
}
# What is odd and still an answer.
ODDITIES: dict[str, dict[str, Any]] = {
    "date-3-days-behind": {"kind": "clock_skew", "seconds": -3 * 86400},
    "date-3-days-ahead": {"kind": "clock_skew", "seconds": 3 * 86400},
    "date-garbage": {"kind": "headers", "headers": {"Date": "yesterday"}},
    "no-cache-headers": {"kind": "headers", "headers": {"Cache-Control": None, "Date": None}},
    "max-age-garbage": {"kind": "headers", "headers": {"Cache-Control": "max-age=often"}},
    "no-content-type": {"kind": "headers", "headers": {"Content-Type": "text/plain"}},
    "drip": {"kind": "drip", "size": 16},
}
# One of each way in which a poll ends.
AT_SET_UP = {
    name: FAILURES[name]
    for name in ("drop", "403", "404", "429", "503", "cut", "not-json", "root-text", "envelope-500")
}
PATHS = ["/gateways", "/measurements"]


async def _until_met(house: House, fault: Fault) -> None:
    """Let time go by until a request has met a fault and a while more; readings stand longer."""
    for _ in range(50):
        await house.pass_time(25)
        if fault.used:
            await house.pass_time(400)
            return
    pytest.fail("It was never met")


def cases(table: dict[str, dict[str, Any]]) -> Callable[[Any], Any]:
    return pytest.mark.parametrize("fault", list(table.values()), ids=list(table))


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=1, sensors=1)


@pytest.mark.parametrize("path", PATHS)
@cases(FAILURES)
async def test_a_fault_while_running_costs_two_lines_and_no_state(
    house: House,
    cloud: SensoristCloud,
    caplog: pytest.LogCaptureFixture,
    path: str,
    fault: dict[str, Any],
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(2000)
    before = shown(house, cloud)
    trouble = cloud.faults.add(Fault(match=path, **fault))

    await _until_met(house, trouble)

    assert entry.state is ConfigEntryState.LOADED
    assert unavailable(house) == []
    assert path == "/gateways" or shown(house, cloud) == before
    assert len(watchpost_lines(caplog)) == 1

    cloud.faults.clear()
    await house.pass_time(3600)

    assert_shows_the_truth(house, cloud)
    assert len(watchpost_lines(caplog)) == 2
    assert mishaps(caplog) == []


@pytest.mark.parametrize("path", PATHS)
@cases(ODDITIES)
async def test_an_odd_reply_is_still_used_and_said_nowhere(
    house: House,
    cloud: SensoristCloud,
    caplog: pytest.LogCaptureFixture,
    path: str,
    fault: dict[str, Any],
) -> None:
    await house.sign_in(cloud)
    trouble = cloud.faults.add(Fault(match=path, **fault))

    await house.pass_time(2000)

    assert trouble.used
    assert unavailable(house) == []
    assert_shows_the_truth(house, cloud)
    assert watchpost_lines(caplog) == []
    assert mishaps(caplog) == []
    # A reply that says nothing, or nonsense, about its lifetime is no leave to ask without pause.
    assert trouble.used <= 2 * 3 + 2

    cloud.faults.clear()
    await house.pass_time(4000)
    assert_shows_the_truth(house, cloud)


@pytest.mark.parametrize(
    "headers",
    [{"Cache-Control": "no-cache"}, {"Cache-Control": None, "Expires": "0"}],
    ids=["no-cache", "expired"],
)
async def test_a_list_that_must_not_be_reused_is_no_leave_to_ask_without_pause(
    house: House, cloud: SensoristCloud, headers: dict[str, str | None]
) -> None:
    await house.sign_in(cloud)
    odd = cloud.faults.add(Fault(match="/gateways", kind="headers", headers=headers))

    await house.pass_time(2000)

    assert 0 < odd.used <= 8


async def test_an_empty_object_is_no_answer_to_what_was_measured(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    empty = cloud.faults.add(Fault(match="/measurements", kind="root", value={}))

    await _until_met(house, empty)

    assert len(watchpost_lines(caplog)) == 1


@pytest.mark.parametrize("kind", ["status", "envelope_code"])
@pytest.mark.parametrize("path", PATHS)
async def test_refused_credentials_while_running_are_tried_again_and_no_state_is_lost_before(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, path: str, kind: Any
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    refusal = cloud.faults.add(Fault(match=path, kind=kind, status=401, code=401))

    await _until_met(house, refusal)
    await house.pass_time(200)

    # The credentials are good elsewhere, so nobody is asked for others.
    assert unavailable(house) == []
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []

    cloud.faults.clear()
    await house.pass_time(2 * 3600)

    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    assert_shows_the_truth(house, cloud)
    assert len(watchpost_lines(caplog)) == len(set(watchpost_lines(caplog))) <= 12
    assert mishaps(caplog) == []


@cases(AT_SET_UP)
async def test_a_fault_in_the_first_list_delays_set_up_until_it_is_over(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    cloud.faults.add(Fault(match="/gateways", **fault))
    entry = await house.sign_in(cloud)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason
    assert house.states() == []
    assert len(watchpost_lines(caplog)) <= 1
    assert mishaps(caplog) == []

    cloud.faults.clear()
    await house.pass_time(3600)

    assert entry.state is ConfigEntryState.LOADED
    assert_shows_the_truth(house, cloud)


@cases(AT_SET_UP)
async def test_a_fault_in_the_first_measurements_delays_the_values_alone(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    cloud.faults.add(Fault(match="/measurements", **fault))
    entry = await house.sign_in(cloud)

    assert entry.state is ConfigEntryState.LOADED
    assert set(shown(house, cloud).values()) <= {STATE_UNAVAILABLE, STATE_UNKNOWN}
    assert {state.state for state in house.states("binary_sensor")} == {"on"}
    assert len(watchpost_lines(caplog)) == 1

    cloud.faults.clear()
    await house.pass_time(3600)

    assert_shows_the_truth(house, cloud)
    assert len(watchpost_lines(caplog)) == 2
    assert mishaps(caplog) == []


@pytest.mark.parametrize("kind", ["status", "envelope_code"])
async def test_refused_credentials_at_set_up_ask_for_the_password(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture, kind: Any
) -> None:
    entry = await house.sign_in(cloud)
    entry.runtime_data.budget.forget()
    cloud.faults.add(Fault(kind=kind, status=401, code=401))
    await house.reload(entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await house.pass_time(300)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    (flow,) = house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    cloud.faults.clear()
    house.freezer.tick(1000)
    await house.submit(flow["flow_id"], {"password": cloud.password})

    assert entry.state is ConfigEntryState.LOADED
    assert_shows_the_truth(house, cloud)
    assert watchpost_lines(caplog, logging.WARNING) == []


async def _until(condition: Callable[[], Any]) -> None:
    """Let sockets and tasks go on, and no time, until something is so."""
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("It never became so")


@pytest.mark.parametrize("kind", ["hold", "drip", "latency"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_reply_that_takes_too_long_is_given_up_and_asked_for_again(
    house: House,
    cloud: SensoristCloud,
    caplog: pytest.LogCaptureFixture,
    path: str,
    kind: Any,
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(850)
    slow = cloud.faults.add(Fault(match=path, kind=kind, seconds=3600))
    for _ in range(200):  # until the poll's time has come
        if slow.used:
            break
        house.freezer.tick(5)
        for _ in range(20):
            await asyncio.sleep(0)
    await _until(lambda: slow.used)
    assert watchpost_lines(caplog) == []

    for _ in range(8):
        house.freezer.tick(5)
        for _ in range(50):
            await asyncio.sleep(0)
    await _until(lambda: watchpost_lines(caplog))
    cloud.faults.clear()
    await house.pass_time(3600)

    assert_shows_the_truth(house, cloud)
    assert len(watchpost_lines(caplog)) == 2
    assert mishaps(caplog) == []


async def test_a_cloud_that_is_away_for_a_day_and_comes_back_is_shown_again(
    house: House, open_cloud: OpenCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1)
    entry = await house.sign_in(cloud)
    port = int(cloud.url.rsplit(":", 1)[1].split("/")[0])
    await cloud.stop()

    await house.pass_time(86400)

    assert entry.state is ConfigEntryState.LOADED
    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}
    feeds = len(entry.runtime_data.coordinators)
    assert len(watchpost_lines(caplog)) == feeds

    await cloud.start(port)
    await house.pass_time(2000)

    assert_shows_the_truth(house, cloud)
    assert len(watchpost_lines(caplog)) == 2 * feeds
    assert mishaps(caplog) == []


async def test_faults_that_take_turns_are_each_said_once(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    feeds = len(entry.runtime_data.coordinators)
    for status in (500, 403, 404, 500):
        cloud.faults.clear()
        cloud.faults.add(Fault(kind="status", status=status))
        await house.pass_time(4000)
    cloud.faults.clear()
    await house.pass_time(4000)

    said = [line for line in watchpost_lines(caplog) if "cannot update" in line]
    for reason in ("status 500", "status 404", "lacks the right"):
        assert len({line for line in said if reason in line}) == feeds
    assert len(said) == len(set(said)) == 3 * feeds
    assert len(watchpost_lines(caplog)) == 4 * feeds
    assert_shows_the_truth(house, cloud)
