"""The client asks as the vendor's document says, signs in no more than it must, and tells nobody its secrets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import (
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from custom_components.watchpost.client.transport import Transport
from custom_components.watchpost.vendors.sensit.client import WINDOW, SensitClient
from custom_components.watchpost.vendors.sensit.history import LogReader
from custom_components.watchpost.vendors.sensit.models import Kind
from custom_components.watchpost.vendors.sensit.sign_in import (
    MARGIN,
    STORED_SESSION,
    SensitSignIn,
    token_lifetime,
)
from simulators.clock import Clock
from simulators.faults import Fault
from simulators.sensit import ApiVariants, CloudConfig, SensitCloud

from .samples import token

START = datetime(2026, 9, 13, 12, 0, 30, tzinfo=UTC)
LIST = "/clients/getDevicesFromDeviceTypeAndRole"


class Desk:
    """A client at a simulated cloud, and what it was told to keep."""

    def __init__(self, cloud: SensitCloud, session: aiohttp.ClientSession) -> None:
        self.cloud = cloud
        self.session = session
        self.kept: dict[str, Any] = {}
        clock = cloud.clock
        self.budget = RequestBudget(
            clock=lambda: clock.now().timestamp(),
            now_utc=clock.now,
            per_minute=10_000,
            concurrent=20,
        )
        self.client = self.anew()

    def anew(self, password: str | None = None) -> SensitClient:
        """A client with what was kept, as after a restart."""
        sign_in = SensitSignIn(
            self.session,
            self.cloud.url,
            self.budget,
            (self.cloud.username, password or self.cloud.password),
            stored=self.kept.get(STORED_SESSION),
            persist=self.kept.update,
        )
        return SensitClient(Transport(self.session, self.cloud.url, sign_in, self.budget), sign_in)

    def pass_time(self, time: timedelta) -> None:
        self.cloud.clock.advance(time.total_seconds())


type OpenDesk = Callable[..., Any]


@pytest.fixture
async def open_desk(socket_enabled: None) -> AsyncIterator[OpenDesk]:
    async with AsyncExitStack() as stack:

        async def open_desk(variants: Mapping[str, Any] | None = None, **plan: Any) -> Desk:
            made = CloudConfig(variants=ApiVariants(**variants or {}), **plan)
            cloud = await stack.enter_async_context(SensitCloud(made, Clock.by_hand(START)))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Desk(cloud, session)

        yield open_desk


@pytest.fixture
async def desk(open_desk: OpenDesk) -> Desk:
    made: Desk = await open_desk(spods=1, fmds=1, ramps=1)
    return made


def paths(cloud: SensitCloud) -> list[str]:
    return [record.path.rpartition("/")[2] for record in cloud.log]


async def test_the_list_is_asked_for_with_role_and_user_of_the_sign_in(desk: Desk) -> None:
    listed = await desk.client.list_monitors()

    assert {(found.uuid, found.type) for found in listed.monitors} == {
        (monitor.uuid, monitor.type) for monitor in desk.cloud.monitors
    }
    assert not listed.rejected
    (record,) = [record for record in desk.cloud.log if record.path == LIST]
    assert record.query == {
        "DeviceType": "ALL",
        "Role": desk.cloud.user.role,
        "UserId": desk.cloud.user.id,
    }
    one = await desk.client.list_monitors(Kind.FMD)
    assert [found.type for found in one.monitors] == ["FMD"]


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_log_brings_what_the_cloud_has_of_two_hours(desk: Desk, kind: Kind) -> None:
    uuid = desk.cloud.find_monitor(kind.value).uuid
    end = START.replace(minute=0, second=0)

    found = (await LogReader(desk.client).read(kind, uuid, end - WINDOW, end)).value

    truth = desk.cloud.records(uuid, end - WINDOW, end)
    assert [record.date.isoformat() for record in found] == [row["date"] for row in truth]
    assert len(found) > 100
    (asked,) = [record for record in desk.cloud.log if "DeviceLog" in record.path]
    assert asked.path == f"/sensors-data/get{kind.value}DeviceLogForGivenHour"
    assert asked.form == {
        "DeviceId": uuid,
        "DeviceType": kind.value,
        "StartDate": "2026-09-13 10:00:00",
        "EndDate": "2026-09-13 12:00:00",
    }
    with pytest.raises(ValueError, match="two hours"):
        await desk.client.log(kind, uuid, end - WINDOW, end + timedelta(seconds=1))


@pytest.mark.parametrize(
    "variants",
    [
        {},
        {"logs": "bare", "order": "oldest", "dates": "data", "devices": "data"},
        {"order": "mixed", "window_end": "exclusive", "ids": "all", "post_status": 201},
        {"ids": "none", "nested": False, "date": "naive"},
        {"date": "export", "user": "least"},
        {"date": "american"},
        {"date": "millis"},
        {"date": "seconds", "long_window": "refused"},
    ],
)
async def test_every_form_of_a_log_reads_the_same(
    open_desk: OpenDesk, variants: dict[str, Any]
) -> None:
    desk = await open_desk(variants, spods=1, fmds=0, ramps=0)
    uuid = desk.cloud.find_monitor("SPOD").uuid
    start = START - timedelta(hours=5)

    found = (await LogReader(desk.client).read(Kind.SPOD, uuid, start, START)).value

    truth = desk.cloud.records(uuid, start, START)
    assert [record.date.isoformat() for record in found] == [row["date"] for row in truth]
    assert [record.values["temp"] for record in found] == [row["values"]["temp"] for row in truth]
    days = (await desk.client.available_days(Kind.SPOD, uuid, "America/Denver")).value
    assert sum(day.count or 0 for day in days) > 1440
    (monitor,) = (await desk.client.list_monitors()).monitors
    assert monitor.record is not None


async def test_a_ramp_without_the_call_for_two_hours_is_asked_for_a_period(desk: Desk) -> None:
    uuid = desk.cloud.find_monitor("RAMP").uuid
    gone = Fault(match="getRAMPDeviceLogForGivenHour", status=404)
    desk.cloud.faults.add(gone)
    logs = LogReader(desk.client)

    found = (await logs.read(Kind.RAMP, uuid, START - timedelta(hours=4), START)).value

    assert len(found) == len(desk.cloud.records(uuid, START - timedelta(hours=4), START))
    assert gone.used == 1
    desk.cloud.faults.add(Fault(match="getFMDDeviceLogForGivenHour", status=404))
    with pytest.raises(UnexpectedResponseError):
        await logs.read(Kind.FMD, desk.cloud.find_monitor("FMD").uuid, START - WINDOW, START)


async def test_old_days_without_data_are_not_asked_for(open_desk: OpenDesk) -> None:
    desk = await open_desk(spods=1, fmds=0, ramps=0, history_days=6)
    uuid = desk.cloud.find_monitor("SPOD").uuid
    silence = desk.cloud.find_monitor("SPOD").off
    silence.begin(int((START - timedelta(days=5)).timestamp() * 1e6))
    silence.finish(int((START - timedelta(days=3, hours=5)).timestamp() * 1e6))
    end = START - timedelta(days=2)
    logs = LogReader(desk.client)

    found = (
        await logs.read_days_with_data(Kind.SPOD, uuid, end - timedelta(days=20), end, START)
    ).value

    truth = desk.cloud.records(uuid, end - timedelta(days=20), end)
    assert [record.date.isoformat() for record in found] == [row["date"] for row in truth]
    assert paths(desk.cloud).count("getSPODDeviceLogForGivenHour") < 6 * 12
    assert paths(desk.cloud).count("getSPODDataAvailableDates") == 1
    await logs.read_days_with_data(
        Kind.SPOD, uuid, end - timedelta(days=20), end - timedelta(days=19), START
    )
    assert paths(desk.cloud).count("getSPODDataAvailableDates") == 1


async def test_old_days_are_asked_for_where_the_vendor_does_not_tell(desk: Desk) -> None:
    uuid = desk.cloud.find_monitor("SPOD").uuid
    desk.cloud.faults.add(Fault(match="AvailableDates", status=404))
    end = START - timedelta(days=2)

    found = await LogReader(desk.client).read_days_with_data(
        Kind.SPOD, uuid, end - timedelta(hours=6), end, START
    )

    assert len(found.value) > 300


async def test_the_days_that_were_told_long_ago_are_forgotten(desk: Desk) -> None:
    first, second = (desk.cloud.find_monitor(kind).uuid for kind in ("SPOD", "FMD"))
    logs = LogReader(desk.client)
    end = START - timedelta(days=3)
    await logs.read_days_with_data(Kind.SPOD, first, end - WINDOW, end, START)
    await logs.read_days_with_data(Kind.FMD, second, end - WINDOW, end, START + timedelta(hours=7))
    assert set(logs._days) == {second}


# -- signing in --


async def test_a_token_is_used_until_shortly_before_it_expires_and_outlives_a_restart(
    desk: Desk,
) -> None:
    await desk.client.list_monitors()
    again = desk.anew()
    desk.pass_time(timedelta(hours=8) - MARGIN - timedelta(seconds=1))
    await again.list_monitors()
    assert desk.cloud.sign_ins == 1

    desk.pass_time(timedelta(seconds=2))
    await again.list_monitors()
    assert desk.cloud.sign_ins == 2
    assert all(record.status == 200 for record in desk.cloud.log)


async def test_a_token_that_was_kept_for_other_credentials_is_not_used(desk: Desk) -> None:
    await desk.client.list_monitors()
    with pytest.raises(SignInRejectedError):
        await desk.anew(password="another").list_monitors()
    assert desk.cloud.refused_sign_ins == 1


async def test_signing_in_presents_the_credentials_though_a_token_is_held(desk: Desk) -> None:
    assert (await desk.client.sign_in()).user == desk.cloud.user.id
    assert (await desk.client.sign_in()).user == desk.cloud.user.id
    assert desk.cloud.sign_ins == 2


@pytest.mark.parametrize("jwt", ["no_exp", "text_exp", "past_exp", "float_exp", "opaque"])
async def test_a_token_without_a_readable_end_is_used_until_it_is_refused(
    open_desk: OpenDesk, jwt: str
) -> None:
    desk = await open_desk({"jwt": jwt}, spods=1, fmds=0, ramps=0)
    for _ in range(5):
        await desk.client.list_monitors()
    assert desk.cloud.sign_ins == 1

    desk.pass_time(timedelta(hours=9))
    await desk.client.list_monitors()
    assert desk.cloud.sign_ins == 2


async def test_ten_requests_whose_token_is_refused_lead_to_one_sign_in(desk: Desk) -> None:
    await desk.client.list_monitors()
    desk.cloud.tokens.revoke()
    uuid = desk.cloud.find_monitor("FMD").uuid

    found = await asyncio.gather(
        *(
            desk.client.log(Kind.FMD, uuid, START - timedelta(minutes=n + 1), START)
            for n in range(10)
        )
    )

    assert all(response.value for response in found[2:])
    assert desk.cloud.sign_ins == 2


async def test_a_token_that_was_renewed_meanwhile_is_not_renewed_again(desk: Desk) -> None:
    sign_in = desk.client._sign_in
    refused = await sign_in.headers()
    desk.pass_time(timedelta(seconds=1))
    await sign_in.renew(refused)
    assert await sign_in.headers() != refused
    await sign_in.renew(refused)
    assert desk.cloud.sign_ins == 2


async def test_a_refused_sign_in_is_shared_by_all_who_wait_for_it(desk: Desk) -> None:
    wrong = desk.anew(password="wrong")
    uuid = desk.cloud.find_monitor("FMD").uuid

    found = await asyncio.gather(
        *(wrong.log(Kind.FMD, uuid, START - timedelta(minutes=n + 1), START) for n in range(10)),
        return_exceptions=True,
    )

    assert [type(each) for each in found] == [SignInRejectedError] * 10
    assert desk.cloud.refused_sign_ins == 1
    assert "wrong" not in str(found)


@pytest.mark.parametrize(
    ("form", "error_body"),
    [
        *((form, body) for form in ("401", "400") for body in ("message", "html")),
        ("200", "message"),
    ],
)
async def test_a_wrong_password_is_one_however_the_vendor_says_so(
    open_desk: OpenDesk, form: str, error_body: str
) -> None:
    desk = await open_desk({"refused_sign_in": form, "error_body": error_body}, spods=1)
    with pytest.raises(SignInRejectedError):
        await desk.anew(password="wrong").list_monitors()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(match="/users/signin", status=500), UnreachableError),
        (Fault(match="/users/signin", status=403), SignInRejectedError),
        (Fault(match="/users/signin", status=409), UnexpectedResponseError),
        (Fault(match="/users/signin", status=404), UnexpectedResponseError),
        (Fault(match="/users/signin", kind="not_json"), UnexpectedResponseError),
        (Fault(match="/users/signin", kind="drop"), UnreachableError),
        (Fault(match=LIST, status=401), PermissionDeniedError),
        (Fault(match=LIST, kind="not_json"), UnexpectedResponseError),
        (Fault(match=LIST, kind="root", value={"message": "later"}), UnexpectedResponseError),
    ],
)
async def test_what_goes_wrong_is_what_it_is(
    desk: Desk, fault: Fault, error: type[VendorError]
) -> None:
    desk.cloud.faults.add(fault)
    with pytest.raises(error):
        await desk.client.list_monitors()


NOW = START.timestamp()


@pytest.mark.parametrize(
    ("made", "hours"),
    [
        (token(iat=NOW, exp=NOW + 28_800), 8),
        (token(iat=NOW - 90_000, exp=NOW - 90_000 + 28_800), 8),  # the vendor's clock is behind
        (token(exp=NOW + 7_200), 2),
        (token(exp=str(NOW + 7_200)), 2),
        (token(exp=NOW + 7_200.5), 2),
        (token(exp=1e308), 7 * 24),
        (token(exp=NOW - 10), None),
        (token(iat=NOW, exp=NOW - 10), None),
        (token(exp=None), None),
        (token(exp="soon"), None),
        (token(), None),
        ("opaque", None),
        ("a.b.c", None),
        ("..", None),
        ("a.W10.c", None),
        ("a.\u00e9.c", None),
    ],
)
def test_the_life_of_a_token_is_read_or_unknown(made: str, hours: float | None) -> None:
    found = token_lifetime(made, START)
    expected = None if hours is None else timedelta(hours=hours)
    assert (found and round(found.total_seconds())) == (
        expected and round(expected.total_seconds())
    )
