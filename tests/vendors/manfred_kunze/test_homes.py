"""What sensors hang from, and what they measure in, while lists fail or say little."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
import pytest

from custom_components.watchpost.client.errors import (
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from custom_components.watchpost.models import ChannelId, FeedUpdate
from custom_components.watchpost.vendors.manfred_kunze import entities
from custom_components.watchpost.vendors.manfred_kunze.client.api import PlatformResponse
from custom_components.watchpost.vendors.manfred_kunze.client.topology import TopologyClient
from custom_components.watchpost.vendors.manfred_kunze.feature import Discovery
from custom_components.watchpost.vendors.manfred_kunze.inventory import OrganisationInventory
from custom_components.watchpost.vendors.manfred_kunze.models.topology import (
    Component,
    Device,
    Profile,
    ProfileField,
    Sensor,
)
from custom_components.watchpost.vendors.manfred_kunze.topology import TopologyFeature

from .test_api import OpenApi, open_api, page_of  # noqa: F401

HOME = "component-c1"


class Lists:
    """The lists of an organisation with one sensor; each may be another, or fail."""

    def __init__(self) -> None:
        self.listed: dict[str, Sequence[Any] | VendorError] = {
            "devices": [Device("d1", organisation="o1")],
            "components": [Component("c1", device="d1")],
            "sensors": [Sensor("s1", component="c1", device="d1")],
        }

    def __getattr__(self, name: str) -> Any:
        async def ask() -> PlatformResponse[list[Any]]:
            found = self.listed.get(name, [])
            if isinstance(found, VendorError):
                raise found
            return PlatformResponse(list(found))

        return ask


class Place:
    """A part of topology on such lists, with the entities that there were before the start."""

    def __init__(self, *before: str) -> None:
        self.lists = Lists()
        self.inventory_tree = OrganisationInventory()
        self.resurveys = 0
        known_channels = [ChannelId(device, "sensor-s1") for device in before]
        self.part = TopologyFeature(
            self.lists,
            self.inventory_tree,
            lambda: 0.0,
            self._resurvey,
            save_state=lambda: None,
            known_channels=lambda: known_channels,
        )

    async def _resurvey(self) -> FeedUpdate:
        self.resurveys += 1
        raise UnreachableError("x")

    async def survey(self) -> tuple[Discovery, list[str]]:
        """What was found, and what the sensors' channels hang from."""
        found = await self.part.discover()
        inventory_tree = self.inventory_tree
        none = dict.fromkeys(inventory_tree.sensors)
        offered = entities.sensor_channels(inventory_tree, none)
        return found, [one.device for one in offered if one.key == "sensor-s1"]


@pytest.mark.parametrize("failure", [UnreachableError("x"), UnexpectedResponseError("x", 404)])
async def test_an_entity_stays_where_it_was_when_components_cannot_be_had_after_a_restart(
    failure: VendorError,
) -> None:
    place = Place(HOME)
    place.lists.listed["components"] = failure
    found, homes = await place.survey()
    assert homes == [HOME]
    assert not found.is_complete  # what is absent is not missed
    place.lists.listed["components"] = [Component("c1", device="d1")]
    found, homes = await place.survey()
    assert homes == [HOME]
    assert found.is_complete
    # That none of all is left is not believed.
    place.lists.listed["components"] = []
    found, homes = await place.survey()
    assert homes == [HOME]
    assert not found.is_complete
    # What a full list lacks is gone for good.
    place.lists.listed["components"] = [Component("c2", device="d1")]
    found, homes = await place.survey()
    assert homes == ["device-d1"]
    assert found.is_complete


async def test_a_sensor_is_not_offered_before_it_is_known_what_it_hangs_from() -> None:
    place = Place()
    place.lists.listed["components"] = UnreachableError("x")
    assert (await place.survey())[1] == []
    place.lists.listed["components"] = [Component("c1", device="d1")]
    assert (await place.survey())[1] == [HOME]


async def test_sensors_are_not_missed_where_their_list_is_not_there_for_now() -> None:
    for before, is_complete in (((HOME,), False), ((), True)):
        place = Place(*before)
        place.lists.listed["sensors"] = UnexpectedResponseError("x", 404)
        assert (await place.survey())[0].is_complete is is_complete


async def test_a_new_device_is_looked_at_again_when_its_lists_fail_and_the_others_are_told() -> (
    None
):
    place = Place()
    await place.survey()
    place.lists.listed["devices"] = [Device("d1", organisation="o1"), Device("d2")]
    for count in (1, 2):
        place.part._requested_at = float("-inf")
        update = await place.part._statuses(frozenset())
        assert place.resurveys == count
        assert isinstance(update.failure, UnreachableError)
        assert ChannelId("device-d1", entities.STATUS) in update.readings


async def test_where_there_is_no_list_of_components_sensors_hang_from_devices() -> None:
    place = Place()
    place.lists.listed["components"] = UnexpectedResponseError("x", 404)
    found, homes = await place.survey()
    assert homes == ["device-d1"]
    assert found.is_complete


async def test_a_component_of_no_listed_device_hangs_from_the_account() -> None:
    place = Place()
    place.lists.listed["components"] = [Component("c1", name="Probe")]
    found, homes = await place.survey()
    assert homes == [HOME]
    assert [(one.id, one.name, one.via) for one in found.devices if one.id == HOME] == [
        (HOME, "Probe", "account")
    ]


async def test_an_organisation_may_be_called_otherwise_if_its_devices_are_the_same() -> None:
    place = Place()
    await place.survey()
    place.lists.listed["devices"] = [Device("d1", organisation="o2")]
    await place.survey()
    assert place.part.stored_state() == {"organisation": "o2"}
    place.lists.listed["devices"] = [Device("d9", organisation="o3")]
    with pytest.raises(SignInRejectedError):
        await place.survey()


@pytest.mark.parametrize(
    ("bound", "listed", "unit"),
    [
        ("1.1", {"1.0": "°F", "1.1": "°C"}, "°C"),
        ("1.2", {"2.0": "°F", "1.0": "°C"}, "°C"),
        ("1.0", {"2.0": "°F"}, None),
        (None, {"2.0": "°F"}, "°F"),
        (None, {"2.0": "°F", "1.0": "°C"}, None),
        ("1.0", {None: "°C"}, "°C"),
    ],
)
def test_no_unit_is_taken_from_a_version_that_breaks_with_the_one_that_is_meant(
    bound: str | None, listed: dict[str | None, str], unit: str | None
) -> None:
    inventory_tree = OrganisationInventory()
    inventory_tree.components = {"c1": Component("c1", profile="p1", profile_version=bound)}
    inventory_tree.sensor_profiles = [
        Profile("p1", version=version, fields=(ProfileField("t", unit=each),))
        for version, each in listed.items()
    ]
    field = inventory_tree.field_of(Sensor("s1", field="t", component="c1"))
    assert (field.unit if field else None) == unit


async def test_versions_of_a_profile_under_one_id_are_all_read_and_each_once(
    open_api: OpenApi,  # noqa: F811
) -> None:
    pages = [
        [{"id": "p1", "version": "1.0"}, {"id": "p1", "version": "2.0"}, {"id": None}],
        [{"id": "p1", "version": "3.0"}, {"id": "p2"}],
        [{"id": "p1", "version": "1.0"}],
    ]

    def answer(request: web.Request) -> web.Response:
        number = page_of(request)
        return web.json_response({"content": pages[number], "last": number == 2})

    answered = await TopologyClient(await open_api(answer)).sensor_profiles()
    found = [(profile.id, profile.version) for profile in answered.value]
    assert found == [("p1", "1.0"), ("p1", "2.0"), ("p1", "3.0"), ("p2", None)]
    assert answered.rejected == {"sensor profile: id": 1}


async def test_a_call_that_takes_no_keys_is_no_reason_to_ask_for_another_key(
    open_api: OpenApi,  # noqa: F811
) -> None:
    good = ["/api/v1/devices"]
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response([]) if request.path in good else web.Response(status=401)

    api = await open_api(answer)
    with pytest.raises(PermissionDeniedError):
        await api.rows("/admin/quarantine", permission="read quarantined payloads")
    with pytest.raises(PermissionDeniedError):
        await api.send("DELETE", "/exports/e1", permission="delete exports")
    assert asked == ["/api/v1/admin/quarantine", *good, "/api/v1/exports/e1", *good]
    good.clear()
    for path in ("/admin/quarantine", "/devices"):
        with pytest.raises(SignInRejectedError):
            await api.rows(path, permission="read things")
    assert len(asked) == 8  # a key that is refused there is refused
