"""Signing in, signing in again, changing how, and choosing what is shown."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, credentials, watchpost_lines


async def test_the_menu_offers_the_vendors_in_the_order_of_their_keys(house: House) -> None:
    menu = await house.hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})

    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == sorted(menu["menu_options"])
    assert "sensorist" in menu["menu_options"]


async def test_signing_in_creates_an_entry_named_after_the_account_and_no_person(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)

    assert entry.unique_id == f"sensorist:{cloud.user.id}"
    assert entry.title == f"Sensorist {cloud.user.id}"
    assert cloud.username not in entry.title
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data == {
        "vendor": "sensorist",
        "url": cloud.url,
        "username": cloud.username,
        "password": cloud.password,
    }


async def test_blanks_around_the_name_are_a_slip_but_belong_to_a_password(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(password=" two blanks ")
    flow_id = await house.start_flow()

    result = await house.submit(flow_id, credentials(cloud, username=f"  {cloud.username} "))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["username"] == cloud.username
    assert result["data"]["password"] == " two blanks "


async def test_a_password_with_a_colon_and_letters_beyond_ascii_signs_in(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(password="grøn:lampe:ß日本")

    entry = await house.sign_in(cloud)

    assert entry.state is ConfigEntryState.LOADED


FAULTS = [
    (Fault(kind="status", status=401), "sign_in_rejected"),
    (Fault(kind="status", status=403), "not_allowed"),
    (Fault(kind="status", status=404), "unexpected_reply"),
    (Fault(kind="status", status=429, headers={"Retry-After": "60"}), "rate_limited"),
    (Fault(kind="status", status=429), "rate_limited"),
    (Fault(kind="status", status=500), "cannot_connect"),
    (Fault(kind="status", status=503, headers={"Retry-After": "60"}), "rate_limited"),
    (Fault(kind="drop"), "cannot_connect"),
    (Fault(kind="cut"), "cannot_connect"),
    (Fault(kind="cut_json"), "unexpected_reply"),
    (Fault(kind="not_json"), "unexpected_reply"),
    (Fault(kind="root", value=[]), "unexpected_reply"),
    (Fault(kind="root", value=7), "unexpected_reply"),
    (Fault(kind="root", value="hello"), "unexpected_reply"),
    (Fault(kind="root", value=None), "unexpected_reply"),
    (Fault(kind="envelope_code", code=401), "sign_in_rejected"),
    (Fault(kind="envelope_code", code=403), "not_allowed"),
    (Fault(kind="envelope_code", code=500), "cannot_connect"),
    (Fault(kind="huge", size=17 * 2**20), "unexpected_reply"),
    (Fault(kind="gzip_bomb", size=64 * 2**20), "unexpected_reply"),
    (Fault(kind="redirect", location="http://127.0.0.2:1/elsewhere"), "unexpected_reply"),
]


@pytest.mark.parametrize(
    ("fault", "error"), FAULTS, ids=[f"{fault.kind}-{n}" for n, (fault, _) in enumerate(FAULTS)]
)
async def test_each_fault_at_sign_in_has_its_text_and_can_be_recovered_from(
    house: House,
    cloud: SensoristCloud,
    fault: Fault,
    error: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cloud.faults.add(fault)
    flow_id = await house.start_flow()

    result = await house.submit(flow_id, credentials(cloud))

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": error}
    assert watchpost_lines(caplog) == []

    cloud.faults.clear()
    house.freezer.tick(1000)
    result = await house.submit(flow_id, credentials(cloud))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].state is ConfigEntryState.LOADED


async def test_a_wrong_password_is_said_and_keeps_what_was_typed_but_the_password(
    house: House, cloud: SensoristCloud
) -> None:
    flow_id = await house.start_flow()

    result = await house.submit(flow_id, credentials(cloud, password="wrong"))

    assert result["errors"] == {"base": "sign_in_rejected"}
    suggested = {
        str(key): key.description and key.description.get("suggested_value")
        for key in result["data_schema"].schema
    }
    assert suggested["username"] == cloud.username
    assert suggested["password"] is None


async def test_a_refused_connection_says_that_the_cloud_cannot_be_reached(
    house: House, cloud: SensoristCloud
) -> None:
    await cloud.stop()

    result = await house.submit(await house.start_flow(), credentials(cloud))

    assert result["errors"] == {"base": "cannot_connect"}


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.5/v1",
        "http://api.example.com/v1",
        "ftp://api.example.com",
        "api",
        "",
        "https://",
        "https://u:p@api.example.com",
    ],
)
async def test_an_address_that_is_not_secure_is_refused_without_asking_it(
    house: House, cloud: SensoristCloud, url: str
) -> None:
    result = await house.submit(await house.start_flow(), credentials(cloud, url=url))

    assert result["errors"] == {"base": "not_secure"}


async def test_the_same_account_cannot_be_set_up_twice(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)

    result = await house.submit(await house.start_flow(), credentials(cloud))

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_a_form_without_a_password_is_refused_and_stays_open(
    house: House, cloud: SensoristCloud
) -> None:
    flow_id = await house.start_flow()
    fields = credentials(cloud)
    del fields["password"]

    with pytest.raises(InvalidData):
        await house.submit(flow_id, fields)

    result = await house.submit(flow_id, credentials(cloud))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def _reauth(house: House) -> dict[str, Any]:
    flows = house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert len(flows) == 1
    return dict(flows[0])


async def test_a_changed_password_asks_for_the_password_alone_and_takes_it(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cloud.user.password = "changed"
    await house.pass_time(1000)

    flow = await _reauth(house)
    assert flow["step_id"] == "reauth_confirm"
    form = await house.hass.config_entries.flow.async_configure(flow["flow_id"])
    assert [str(key) for key in form["data_schema"].schema] == ["password"]

    result = await house.submit(flow["flow_id"], {"password": "still wrong"})
    assert result["errors"] == {"base": "sign_in_rejected"}

    result = await house.submit(flow["flow_id"], {"password": "changed"})
    assert result["reason"] == "reauth_successful"
    assert entry.data["password"] == "changed"
    assert entry.state is ConfigEntryState.LOADED


async def test_another_accounts_credentials_are_refused_when_signing_in_again(
    house: House, cloud: SensoristCloud, open_cloud: OpenCloud
) -> None:
    entry = await house.sign_in(cloud)
    before = dict(entry.data)
    entry.async_start_reauth(house.hass)
    await house.settle()
    flow = await _reauth(house)
    cloud.faults.add(Fault(match="/users", kind="mutate", mutate=_another_user))
    house.freezer.tick(1000)

    result = await house.submit(flow["flow_id"], {"password": cloud.password})

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "other_account"
    assert entry.data == before


def _another_user(payload: Any) -> Any:
    payload["user"]["id"] = 999_999
    return payload


async def test_reconfiguring_changes_address_name_and_password(
    house: House, cloud: SensoristCloud, open_cloud: OpenCloud
) -> None:
    entry = await house.sign_in(cloud)
    twin = await open_cloud(gateways=2, sensors=2, password="another")
    flow = house.hass.config_entries.flow

    form = await flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "sensorist"
    result = await house.submit(form["flow_id"], credentials(twin, password="wrong"))
    assert result["errors"] == {"base": "sign_in_rejected"}
    result = await house.submit(form["flow_id"], credentials(twin))

    assert result["reason"] == "reconfigure_successful"
    assert entry.data["url"] == twin.url
    assert entry.state is ConfigEntryState.LOADED


async def test_the_options_offer_only_what_the_account_may(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=2, sub_users=2)
    entry = await house.sign_in(cloud)

    form = await house.hass.config_entries.options.async_init(entry.entry_id)

    fields = {str(key): value for key, value in form["data_schema"].schema.items()}
    assert list(fields) == ["impersonate", "with_slaves", "gateways"]
    offered = [choice["value"] for choice in fields["impersonate"].config["options"]]
    assert offered == [str(user.id) for user in cloud.users[1:]]


async def test_an_account_without_users_below_it_is_not_asked_whom_to_act_as(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)

    form = await house.hass.config_entries.options.async_init(entry.entry_id)

    assert [str(key) for key in form["data_schema"].schema] == ["with_slaves", "gateways"]


async def test_an_account_without_the_right_to_list_users_still_has_options(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/users", kind="status", status=403))
    house.freezer.tick(1000)

    form = await house.hass.config_entries.options.async_init(entry.entry_id)

    assert [str(key) for key in form["data_schema"].schema] == ["with_slaves", "gateways"]


async def test_options_say_why_they_cannot_be_shown(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)
    house.freezer.tick(1000)
    cloud.faults.add(Fault(kind="status", status=500))

    result = await house.set_options(entry)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "cannot_connect"


async def test_acting_as_another_user_shows_what_belongs_to_that_user(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, sub_users=1)
    other = cloud.users[1]
    entry = await house.sign_in(cloud)

    result = await house.set_options(
        entry, impersonate=str(other.id), with_slaves=True, gateways=[]
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    names = {device.name for device in house.devices(entry)}
    assert {gateway.title for gateway in cloud.gateways_of(other)} <= names


async def test_gateways_not_chosen_are_removed_and_come_back_when_chosen(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    first, second = cloud.gateways

    await house.set_options(entry, with_slaves=True, gateways=[str(first.id)])
    names = {device.name for device in house.devices(entry)}
    assert first.title in names
    assert second.title not in names

    await house.set_options(entry, with_slaves=True, gateways=[])
    assert second.title in {device.name for device in house.devices(entry)}


async def test_slave_gateways_are_left_out_where_the_option_says_so(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, slaves=1, sensors=1)
    entry = await house.sign_in(cloud)
    assert len(house.devices(entry)) == 5  # account, master, slave, a sensor each

    await house.set_options(entry, with_slaves=False, gateways=[])
    await house.pass_time(3 * 1000)

    assert len(house.devices(entry)) == 3


async def test_a_hole_in_a_parser_leaves_the_form_standing(
    house: House, cloud: SensoristCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.watchpost.vendors.sensorist.client.SensoristClient.get_user", _boom
    )

    result = await house.submit(await house.start_flow(), credentials(cloud))

    assert result["errors"] == {"base": "unknown"}


async def _boom(_: Any) -> None:
    raise ZeroDivisionError
