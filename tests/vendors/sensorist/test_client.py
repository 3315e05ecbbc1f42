"""The Sensorist client against the simulated cloud, over real HTTP."""

from datetime import UTC, datetime, timedelta, timezone

import aiohttp
import pytest

from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import (
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
)
from custom_components.watchpost.client.transport import BasicSignIn, Transport
from custom_components.watchpost.vendors.sensorist.client import Command, SensoristClient
from custom_components.watchpost.vendors.sensorist.models import CallbackTypes, Direction
from simulators.clock import Clock
from simulators.faults import Fault
from simulators.sensorist import ApiVariants, CloudConfig, SensoristCloud

START = datetime(2026, 9, 13, 12, tzinfo=UTC)


@pytest.fixture
def plan() -> CloudConfig:
    return CloudConfig(gateways=3, sensors=2, slaves=1, sub_users=2, etag=False)


@pytest.fixture
def clock() -> Clock:
    return Clock.by_hand(START)


@pytest.fixture
async def cloud(socket_enabled, plan, clock):
    async with SensoristCloud(plan, clock) as cloud:
        yield cloud


@pytest.fixture
async def session(socket_enabled):
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def connect(session, cloud):
    def connect(password: str | None = None, impersonate: str | None = None) -> SensoristClient:
        sign_in = BasicSignIn(cloud.username, password or cloud.password)
        transport = Transport(session, cloud.url, sign_in, RequestBudget())
        return SensoristClient(transport, impersonate=impersonate)

    return connect


@pytest.fixture
def client(connect):
    return connect()


def asked(cloud):
    """The last request: method, path below the base, query."""
    record = cloud.log[-1]
    return record.method, record.path.removeprefix("/v1"), record.query


# -- reads --


async def test_user_is_who_signed_in(client, cloud):
    user = (await client.get_user()).value
    assert (user.id, user.email) == (str(cloud.user.id), cloud.username)


async def test_users_of_the_hierarchy_are_listed(client, cloud):
    users = (await client.list_users()).value
    assert {user.id for user in users} == {str(user.id) for user in cloud.users}
    assert asked(cloud) == ("GET", "/users", {"list": "1"})


async def test_gateways_come_with_sensors_and_sources(client, cloud):
    answer = await client.list_gateways(with_slaves=True)
    assert [gateway.id for gateway in answer.value] == [str(item.id) for item in cloud.gateways]
    listed = [
        source.id
        for gateway in answer.value
        for sensor in gateway.sensors
        for source in sensor.sources
    ]
    assert listed == [str(source.id) for source in cloud.sources()]
    assert answer.rejected == {}


async def test_gateways_are_masters_alone_unless_slaves_are_wanted(client, cloud):
    masters = (await client.list_gateways()).value
    assert {gateway.master_id for gateway in masters} == {None}
    assert len(masters) == 3
    assert asked(cloud)[2] == {}


async def test_gateways_are_chosen_by_serial_and_by_date(client, cloud):
    serials = [gateway.serial for gateway in cloud.gateways[:2]]
    tomorrow = (START + timedelta(days=1)).astimezone(timezone(timedelta(hours=2)))
    await client.list_gateways(serials=serials, added_after=tomorrow)
    assert asked(cloud)[2] == {"serials": ",".join(serials), "from": "2026-09-14T12:00:00Z"}


async def test_reply_tells_until_when_it_is_current(client):
    answer = await client.list_gateways()
    assert answer.freshness.lifetime == 900
    assert answer.date == START


async def test_latest_measurements_are_the_clouds_own(client, cloud):
    sources = [str(source.id) for source in cloud.gateways[0].sources]
    measurements = (await client.latest(sources)).value
    assert list(measurements) == sources
    for source, measurement in measurements.items():
        truth = cloud.truth(int(source))
        assert (measurement.date, measurement.value) == (truth.date, truth.value)


async def test_min_max_spans_the_history(client, cloud):
    source = cloud.find_source()
    since = START - timedelta(days=2)
    history = [row.value for row in cloud.history(source.id, since, START)]
    found = (await client.min_max([str(source.id)], start=since, end=START)).value
    extremes = found[str(source.id)]
    assert (extremes.minimum, extremes.maximum) == (min(history), max(history))
    assert asked(cloud)[2] == {
        "data_sources": str(source.id),
        "type": "min_max",
        "from": "2026-09-11T12:00:00Z",
        "to": "2026-09-13T12:00:00Z",
    }


async def test_range_groups_by_minutes_or_by_ticks(client, cloud):
    source = str(cloud.find_source().id)
    hours = (await client.range([source], start=START - timedelta(days=1), interval=60)).value
    rows = hours.by_source[source]
    assert {(row.date.minute, row.type) for row in rows} == {(0, 10)}
    assert all(row.min <= row.value <= row.max for row in rows)
    await client.range([source], ticks=100)
    assert asked(cloud)[2] == {"data_sources": source, "type": "range", "ticks": "100"}


async def raw_rows(client, source, **span):
    pages = [page.value.by_source async for page in client.raw([source], **span)]
    return [row for page in pages for row in page[source]], len(pages)


@pytest.mark.parametrize("place", ["envelope", "source"])
async def test_raw_measurements_are_read_to_the_last_page(client, cloud, plan, place):
    plan.variants.next_place = place
    source = cloud.find_source()
    since = START - timedelta(days=120)
    rows, pages = await raw_rows(client, str(source.id), start=since, end=START)
    assert pages == 3
    assert [(row.date, row.value) for row in rows] == [
        (row.date, row.value) for row in cloud.history(source.id, since, START)
    ]


async def test_raw_measurements_are_read_by_sequence_number(client, cloud):
    source = str(cloud.find_source().id)
    (all_rows, _) = await raw_rows(client, source)
    rows, _ = await raw_rows(client, source, seq_from=all_rows[3].seq, seq_to=all_rows[5].seq)
    assert rows == all_rows[3:6]


def endless(payload):
    return payload | {"next": 7}


async def test_raw_pages_that_lead_back_end_in_an_error(client, cloud):
    cloud.faults.add(Fault(kind="mutate", mutate=endless))
    with pytest.raises(UnexpectedResponseError):
        await raw_rows(client, str(cloud.find_source().id))
    assert len(cloud.log) == 2


async def test_raw_reads_no_more_pages_than_it_may(client, cloud):
    with pytest.raises(UnexpectedResponseError):
        await raw_rows(
            client, str(cloud.find_source().id), start=START - timedelta(days=120), max_pages=2
        )
    assert len(cloud.log) == 2


async def test_empty_raw_page_is_the_last_whatever_next_says(client, cloud):
    cloud.faults.add(Fault(kind="mutate", mutate=lambda _: {"measurements": {}, "next": 7}))
    pages = [page async for page in client.raw([str(cloud.find_source().id)])]
    assert len(pages) == 1


# -- alarms, callbacks, workflows --


async def test_alarm_is_created_listed_told_and_deleted(client, cloud, clock):
    source = cloud.find_source()
    created = await client.create_alarm(str(source.id), 60, Direction.ABOVE, delay=0)
    assert (created.source, created.value, created.direction) == (str(source.id), 60.0, "above")
    assert cloud.log[-1].form == {
        "data_source": str(source.id),
        "value": "60",
        "direction": "above",
        "delay": "0",
    }
    cloud.report(source.id, 70)
    (alarm,) = (await client.list_alarms()).value
    assert (alarm.id, alarm.is_triggered, len(alarm.logs)) == (created.id, True, 1)
    assert (await client.alarm_history([alarm.id])).value == alarm.logs
    await client.delete_alarm(alarm.id)
    assert cloud.alarms.of(cloud.user.id) == []


@pytest.mark.parametrize(
    ("value", "sent"), [(-5, "-5"), (-5.0, "-5"), (0.25, "0.25"), (1e-7, "0"), (100, "100")]
)
async def test_threshold_is_sent_without_an_exponent(client, cloud, value, sent):
    await client.create_alarm(str(cloud.find_source().id), value, Direction.BELOW)
    assert cloud.log[-1].form["value"] == sent
    assert "delay" not in cloud.log[-1].form


async def test_deleting_one_alarm_leaves_the_others(client, cloud):
    source = str(cloud.find_source().id)
    first, second = [await client.create_alarm(source, value, Direction.ABOVE) for value in (1, 2)]
    await client.delete_alarm(first.id)
    assert [str(alarm.id) for alarm in cloud.alarms.of(cloud.user.id)] == [second.id]


@pytest.mark.parametrize("body", ["envelope", "none"])
async def test_callback_is_registered_listed_and_deleted(client, cloud, plan, body):
    plan.variants.delete_body = body
    url = "https://example.org/api/webhook/abc"
    created = await client.create_callback(url, CallbackTypes.BUTTON | CallbackTypes.SYSTEM)
    assert (created.url, int(created.types)) == (url, 5)
    assert (await client.list_callbacks()).value == (created,)
    await client.delete_callback(created.id)
    assert cloud.callbacks.of(cloud.user.id) == []


@pytest.mark.parametrize("command", list(Command))
async def test_command_is_followed_by_its_workflow(client, cloud, clock, command):
    started = await client.command_gateway(str(cloud.gateways[0].id), command)
    assert not started.has_completed
    assert cloud.log[-1].form == {"command": command.value}
    clock.advance(600)
    assert (await client.get_workflow(started.id)).value.has_completed


async def test_gateway_is_added_and_renamed(client, cloud):
    serial = cloud.spare_gateways[0].serial
    added = await client.add_gateway(serial, "Barn")
    assert (added.serial, added.title) == (serial, "Barn")
    assert (await client.add_gateway(cloud.spare_gateways[0].serial)).title
    renamed = await client.rename_gateway(added.id, "Lade øst")
    assert renamed.title == "Lade øst"


async def test_user_is_created(client, cloud):
    user = await client.create_user(
        email="new@example.com", password="Pw-1:2", first_name="Bo", last_name="Ny"
    )
    assert (user.first_name, user.email) == ("Bo", "new@example.com")


async def test_sensor_is_renamed(client, cloud):
    sensor, workflow = await client.update_sensor(str(cloud.gateways[0].sensors[0].id), name="Top")
    assert (sensor.title, workflow) == ("Top", None)


@pytest.mark.parametrize(
    ("form", "has_sensor", "has_workflow"),
    [("both", True, True), ("sensor", True, False), ("workflow", False, True)],
)
async def test_interval_is_set_and_may_bring_a_workflow(
    client, cloud, plan, form, has_sensor, has_workflow
):
    plan.may_set_interval = True
    plan.variants.sensor_update = form
    sensor_id = str(cloud.gateways[0].sensors[0].id)
    sensor, workflow = await client.update_sensor(sensor_id, interval=300)
    assert (sensor is not None, workflow is not None) == (has_sensor, has_workflow)
    assert cloud.log[-1].form == {"interval": "300"}


async def test_interval_without_the_privilege_says_which_right_is_missing(client, cloud):
    with pytest.raises(PermissionDeniedError) as refused:
        await client.update_sensor(str(cloud.gateways[0].sensors[0].id), interval=300)
    assert refused.value.permission == "set the sampling interval"


# -- on behalf of another user --


async def test_impersonation_goes_on_every_call(connect, cloud):
    other = next(user for user in cloud.users if user.id != cloud.user.id)
    client = connect(impersonate=str(other.id))
    assert (await client.get_user()).value.id == str(other.id)
    (gateway,) = (await client.list_gateways()).value
    source = gateway.sensors[0].sources[0].id
    await client.latest([source])
    await client.rename_gateway(gateway.id, "Theirs")
    alarm = await client.create_alarm(source, 1, Direction.ABOVE)
    await client.delete_alarm(alarm.id)
    for record in cloud.log:
        assert (record.query | record.form)["impersonate"] == str(other.id)


async def test_impersonation_without_the_privilege_is_not_allowed(connect, plan, cloud):
    plan.may_impersonate = False
    with pytest.raises(PermissionDeniedError):
        await connect(impersonate=str(cloud.users[-1].id)).get_user()


# -- errors --


async def test_wrong_password_is_rejected(connect):
    with pytest.raises(SignInRejectedError):
        await connect(password="wrong").get_user()


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, SignInRejectedError), (403, PermissionDeniedError), (500, UnreachableError)],
)
async def test_code_in_the_envelope_counts_as_the_status(client, cloud, code, error):
    cloud.faults.add(Fault(kind="envelope_code", code=code))
    with pytest.raises(error) as refused:
        await client.list_gateways()
    if error is PermissionDeniedError:
        assert refused.value.permission == "read the gateways"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="not_json"),
        Fault(kind="cut_json"),
        Fault(kind="root", value=7),
        Fault(kind="mutate", mutation="missing_field:gateways"),
    ],
)
async def test_reply_of_another_shape_is_unexpected(client, cloud, fault):
    cloud.faults.add(fault)
    with pytest.raises(UnexpectedResponseError):
        await client.list_gateways()


@pytest.mark.parametrize("payload", [{}, {"user": {}}, {"workflow": {"id": None}}])
async def test_read_of_one_thing_without_it_is_unexpected(client, cloud, payload):
    cloud.faults.add(Fault(kind="mutate", mutate=lambda _: {"code": 200} | payload))
    with pytest.raises(UnexpectedResponseError):
        await client.get_user()
    with pytest.raises(UnexpectedResponseError):
        await client.get_workflow("1")


@pytest.mark.parametrize("mutation", ["ids_as_strings", "numbers_as_strings", "extra_fields"])
async def test_other_spellings_are_the_same_answers(connect, cloud, mutation):
    sources = [str(source.id) for source in cloud.gateways[0].sources]
    plain = connect()
    truth = await plain.list_gateways(), await plain.latest(sources), await plain.min_max(sources)
    cloud.faults.add(Fault(kind="mutate", mutation=mutation))
    spoiled = connect()
    answers = (
        await spoiled.list_gateways(),
        await spoiled.latest(sources),
        await spoiled.min_max(sources),
    )
    assert [answer.value for answer in answers] == [answer.value for answer in truth]
    assert all(answer.rejected == {} for answer in answers)


async def test_what_repeats_is_counted_in_the_answer(client, cloud):
    cloud.faults.add(Fault(kind="mutate", mutation="duplicate_ids"))
    answer = await client.list_gateways()
    assert len(answer.value) == 3
    assert answer.rejected["gateway: duplicate id"] == 1


@pytest.mark.parametrize("mutation", ["nan", "infinity"])
async def test_value_that_is_no_number_is_unknown_with_its_date(client, cloud, mutation):
    source = cloud.find_source()
    cloud.faults.add(Fault(kind="mutate", mutation=mutation))
    measurement = (await client.latest([str(source.id)])).value[str(source.id)]
    assert (measurement.value, measurement.date) == (None, cloud.truth(source.id).date)


@pytest.mark.parametrize(
    "variants",
    [
        ApiVariants(list_key="user"),
        ApiVariants(empty_measurements="list"),
        ApiVariants(min_max="rows", alarm_source="object", alarm_state="bool"),
        ApiVariants(min_max="flat", alarm_state="number"),
    ],
)
async def test_undocumented_forms_read_the_same(client, cloud, plan, variants):
    plan.variants = variants
    source = str(cloud.find_source().id)
    await client.create_alarm(source, -60, Direction.ABOVE)
    (alarm,) = (await client.list_alarms()).value
    assert (alarm.source, alarm.is_triggered, alarm.logs[0].is_triggered) == (source, True, True)
    extremes = (await client.min_max([source])).value[source]
    assert extremes.minimum < extremes.maximum
    assert extremes.minimum_at.year == extremes.maximum_at.year == 2026
    assert len((await client.list_users()).value) == 3
    assert (await client.latest(["999999"])).value == {}


async def test_largest_batch_makes_an_address_of_at_most_2000_characters(client, cloud, session):
    addresses = []

    async def on_start(_session, _context, params):
        addresses.append(str(params.url))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_start)
    trace.freeze()
    session.trace_configs.append(trace)
    (batch, *_) = SensoristClient.batches(f"{number:064}" for number in range(1, 900))
    await client.latest(batch)
    await client.range(batch, start=START, end=START, interval=1_000_000)
    assert addresses
    assert max(map(len, addresses)) <= 2_000
