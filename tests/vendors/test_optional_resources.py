"""Which optional resources are off, which only have an outage, and when they are asked for again."""

from datetime import UTC, datetime

import pytest

from custom_components.watchpost.client.errors import (
    PermissionDeniedError,
    RateLimitedError,
    TimedOutError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from custom_components.watchpost.client.optional_resources import OptionalResources

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resources(clock: Clock) -> OptionalResources:
    return OptionalResources(carrying_alarms={"incursions"}, now=clock)


REFUSALS = [
    PermissionDeniedError("read incursions"),
    UnexpectedResponseError("no page", status=404),
    UnexpectedResponseError("no method", status=405),
    UnexpectedResponseError("not built", status=501),
    UnexpectedResponseError("the reply is not JSON"),
]
OUTAGES = [
    TimedOutError("too slow"),
    UnreachableError("status 503"),
    RateLimitedError(30.0, datetime(2026, 11, 30, tzinfo=UTC)),
    UnexpectedResponseError("not now", status=422),
]


@pytest.mark.parametrize("err", REFUSALS, ids=repr)
def test_a_resource_is_off_after_three_refusals_in_a_row(
    resources: OptionalResources, err: VendorError
) -> None:
    for expected in (False, False, True):
        assert resources.may_ask("charts")
        resources.record_failure("charts", err)
        assert resources.is_off("charts") is expected

    assert not resources.may_ask("charts")


@pytest.mark.parametrize("err", OUTAGES, ids=repr)
def test_an_outage_never_turns_a_resource_off_and_it_is_asked_for_within_minutes(
    resources: OptionalResources, clock: Clock, err: VendorError
) -> None:
    for _ in range(50):
        resources.record_failure("charts", err)
        resources.record_failure("incursions", err)
        assert resources.may_ask("incursions")
        clock.at += 900
        assert resources.may_ask("charts")

    assert not resources.is_off("charts")


def test_an_outage_between_refusals_starts_their_count_anew(resources: OptionalResources) -> None:
    for err in (REFUSALS[0], REFUSALS[1], OUTAGES[0], REFUSALS[0], REFUSALS[1]):
        resources.record_failure("charts", err)

    assert not resources.is_off("charts")


def test_alarms_that_are_off_are_asked_for_hourly_and_with_each_list_others_daily(
    resources: OptionalResources, clock: Clock
) -> None:
    for _ in range(3):
        resources.record_failure("charts", REFUSALS[0])
        resources.record_failure("incursions", REFUSALS[0])
    assert not resources.may_ask("incursions")

    resources.retry_alarms()
    assert resources.may_ask("incursions")
    assert not resources.may_ask("charts")
    resources.record_failure("incursions", REFUSALS[0])

    clock.at += HOUR
    assert resources.may_ask("incursions")
    assert not resources.may_ask("charts")
    clock.at += 23 * HOUR
    assert resources.may_ask("charts")


async def test_a_failing_resource_gives_nothing_and_works_again_when_it_is_served(
    resources: OptionalResources, clock: Clock
) -> None:
    async def refuse() -> str:
        raise REFUSALS[1]

    async def serve() -> str:
        return "a chart"

    for _ in range(3):
        assert await resources.fetch("charts", refuse) is None
    assert resources.failures == {"charts": REFUSALS[1]}
    assert resources.diagnostics()["charts"]["is_off"] is True
    assert await resources.fetch("charts", serve) is None

    clock.at += 24 * HOUR
    assert await resources.fetch("charts", serve) == "a chart"
    assert resources.failures == {}
    assert resources.diagnostics() == {}
