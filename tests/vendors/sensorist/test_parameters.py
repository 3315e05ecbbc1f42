"""What the Sensorist client never sends, and how it divides what is too long to send."""

from datetime import datetime
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.sensorist.client import Command, SensoristClient
from custom_components.watchpost.vendors.sensorist.models import CallbackTypes, Direction

NO_IDS = [
    "",
    " ",
    "/",
    ".",
    "..",
    "../users",
    "1/../",
    "%2F",
    "1,2",
    "1 2",
    "1?x",
    "1#x",
    "ø",
    None,
    0,
]
NOT_ONE_THING = [
    *NO_IDS,
    "0",
    "00",
    "-1",
    "all",
    "null",
    "None",
    "*",
    "1a",
    "1\n",
    " 1",
    "٣",
    7,
    True,
]


class Requests:
    """A transport on which every request is one too many."""

    async def get(self, *args, **kwargs):
        pytest.fail("a request was sent")

    send = get


@pytest.fixture
def client():
    return SensoristClient(Requests())


@pytest.mark.parametrize("bad", NOT_ONE_THING)
async def test_nothing_that_may_mean_all_is_ever_deleted(client, bad):
    for delete in (client.delete_alarm, client.delete_callback):
        with pytest.raises(ValueError, match="one thing"):
            await delete(bad)


def test_deletions_take_exactly_one_id_and_there_are_no_others():
    deletions = [name for name in dir(SensoristClient) if "delete" in name.lower()]
    assert [name for name in deletions if not name.startswith("_")] == [
        "delete_alarm",
        "delete_callback",
    ]
    with pytest.raises(TypeError):
        SensoristClient.delete_alarm(None)


async def test_callback_for_no_events_is_refused_unsent(client):
    with pytest.raises(ValueError, match="events"):
        await client.create_callback("https://example.org/", CallbackTypes(0))


@pytest.mark.parametrize("bad", NO_IDS)
async def test_id_that_is_none_is_refused_unsent(client, bad):
    for call in (
        client.get_workflow(bad),
        client.rename_gateway(bad, "x"),
        client.command_gateway(bad, Command.REBOOT),
        client.update_sensor(bad, name="x"),
        client.create_alarm(bad, 1, Direction.ABOVE),
        client.latest([bad]),
        client.min_max(["1", bad]),
        client.alarm_history([bad]),
        client.list_gateways(serials=[bad]),
        client.add_gateway(bad),
    ):
        with pytest.raises(ValueError, match="id"):
            await call
    with pytest.raises(ValueError, match="id"):
        SensoristClient(None, impersonate=bad or "")


async def test_arguments_without_a_meaning_are_refused_unsent(client):
    naive = datetime(2026, 9, 13)  # noqa: DTZ001
    for call in (
        client.latest([]),
        client.latest([str(number) for number in range(100_000, 100_400)]),
        client.min_max(["1"], start=naive),
        client.list_gateways(added_after=naive),
        client.range(["1"], ticks=5, interval=5),
        client.range(["1"], interval=0),
        client.raw_page(["1"], seq_from=-1),
        client.update_sensor("1"),
        client.update_sensor("1", interval=0),
        client.create_alarm("1", float("nan"), Direction.ABOVE),
        client.create_alarm("1", 1, Direction.ABOVE, delay=-1),
    ):
        with pytest.raises(ValueError, match=r"."):
            await call


def test_batches_fit_an_address_and_hold_every_source_once():
    sources = [str(number) for number in range(200_000, 200_900)]
    batches = SensoristClient.batches(sources)
    assert sorted(chain(*batches)) == sources
    assert len(batches) > 1
    for batch in batches:
        assert len(",".join(batch)) <= 1_600


@given(st.lists(st.integers(1, 10**9).map(str), max_size=400), st.randoms())
def test_same_sources_make_the_same_batches(sources, random):
    shuffled = sources * 2
    random.shuffle(shuffled)
    assert SensoristClient.batches(shuffled) == SensoristClient.batches(sources)
    assert set(chain(*SensoristClient.batches(sources))) == set(sources)
