"""VizioSense's replies: the forms that are known or likely, and everything else."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import msgspec
import pytest

from custom_components.watchpost.client.errors import UnexpectedResponseError
from custom_components.watchpost.vendors.viziosense import models
from custom_components.watchpost.vendors.viziosense.models import Device, Images, Pair

UUID = "2f1c0f5e-9d1a-4a59-8a49-0c5e6d7f8a9b"
NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)

ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "meta", "uuid", "url", "error", "httpError", "status", "user", "headers"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def body(value: Any) -> bytes:
    return msgspec.json.encode(value)


@given(ANY.map(body) | st.binary(max_size=40))
def test_no_reply_raises_anything_but_unexpected(reply: bytes) -> None:
    for parse in (
        models.parse_login,
        models.parse_page,
        models.parse_device,
        models.parse_images,
        models.parse_webhooks,
        models.parse_webhook,
    ):
        try:
            parse(reply)
        except UnexpectedResponseError:
            continue
    models.body_error_status(reply)
    assert 100 <= models.error_status(400, reply) < 600


@pytest.mark.parametrize(
    ("status", "reply", "meant"),
    [
        (400, {"httpError": 400, "message": "Access token error", "code": 4000}, 401),
        (400, {"httpError": 4000, "message": "Access token error"}, 401),
        (400, {"httpError": 400, "message": "4000: Access token error"}, 401),
        (400, {"httpError": 400, "message": "Access token error"}, 401),
        (400, {"httpError": 400, "message": "Invalid token"}, 401),
        (400, None, 400),
        (400, {"httpError": 400, "code": 4001, "message": "device is offline"}, 400),
        (400, {"httpError": 4001, "message": "device 4000 is offline"}, 400),
        (400, {"httpError": 400, "message": "device 4000 is offline"}, 400),
        (400, {"httpError": 400, "message": "4001: no access token for the device"}, 400),
        (400, {"message": "bad request"}, 400),
        (400, {"device": 4000}, 400),
        (400, {"error": ["url is missing"]}, 400),
        (400, {"error": {"code": 4000}}, 401),
        (403, {"httpError": 403, "code": 4003}, 403),
        (405, {"httpError": 405, "code": 4005}, 405),
        (500, {"httpError": 500, "code": 5000}, 500),
        (400, {"code": "5000"}, 500),
        (404, {"httpError": 404, "message": "no 14000 such"}, 404),
        (401, {}, 401),
    ],
    ids=str,
)
def test_errors_mean_what_the_documentation_says(status: int, reply: Any, meant: int) -> None:
    assert models.error_status(status, body(reply) if reply is not None else b"<html>") == meant


@pytest.mark.parametrize(
    ("reply", "meant"),
    [
        ({"error": []}, 422),
        ({"httpError": 400, "message": "no"}, 400),
        ({"httpError": 400, "message": "Access token error"}, 401),
        ({"httpError": 4001, "message": "no"}, 400),
        ({"httpError": "no"}, 500),
        ({"httpError": 500}, 500),
        ({"data": []}, None),
        ({"data": [], "error": None}, None),
        ([], None),
    ],
    ids=str,
)
def test_a_refusal_inside_a_success_is_seen(reply: Any, meant: int | None) -> None:
    assert models.body_error_status(body(reply)) == meant


def device(**more: Any) -> dict[str, Any]:
    return {"uuid": UUID, "name": "North", "refreshed": "2026-09-13T12:00:00Z", **more}


ONLINE = [
    *((value, True) for value in (1, True, "Online", "1")),
    *((value, False) for value in (0, False, "offline")),
    *((value, None) for value in (None, [], "perhaps")),
]


@pytest.mark.parametrize(("value", "online"), ONLINE, ids=str)
def test_online_is_read_in_every_form(value: Any, online: bool | None) -> None:
    assert models.parse_device(body(device(is_online=value))).value.is_online is online


@pytest.mark.parametrize(
    "value",
    ["2026-09-13T12:00:00Z", "2026-09-13 12:00:00", 1789300800, "1789300800", 1789300800000],
)
def test_times_are_read_in_every_form(value: Any) -> None:
    assert models.parse_device(body(device(refreshed=value))).value.refreshed == NOON


@pytest.mark.parametrize("value", [None, "soon", -1, 1e300, [], True, "9999999999999999999"])
def test_what_is_no_time_is_unknown(value: Any) -> None:
    assert models.to_datetime(value) is None


def test_bad_devices_are_set_aside_and_the_rest_is_used() -> None:
    rows = [device(), device(), {"name": "nameless"}, 7, device(uuid="../x"), device(uuid="b")]
    parsed = models.parse_page(body({"data": rows, "meta": {"last_page": "3", "total": 9}}))

    assert [found.uuid for found in parsed.value.devices] == [UUID, "b"]
    assert (parsed.value.last, parsed.value.total) == (3, 9)
    assert parsed.rejected == {
        "device: duplicate uuid": 1,
        "device: uuid": 2,
        "device: not an object": 1,
    }


def test_a_device_is_read_wrapped_or_not() -> None:
    for reply in (device(geo_city="Bern"), {"data": device(geo_city="Bern")}):
        found = models.parse_device(body(reply)).value
        assert found == Device(UUID, "North", None, NOON, None, "Bern", None)


RAW, ANNOTATED = "https://x.example/1_raw_image.jpg?s=1", "https://x.example/1_annotated_image.jpg"


@pytest.mark.parametrize(
    "reply",
    [
        {"data": [RAW, ANNOTATED]},
        {"data": [ANNOTATED, RAW]},
        {"data": {"raw_image": RAW, "annotated_image": ANNOTATED}},
        {"data": {"annotated_image": ANNOTATED, "raw_image": RAW}},
        {"data": [{"url": RAW}, {"link": ANNOTATED}]},
        {"data": {"annotated": ANNOTATED, "raw": RAW}},
        [RAW, ANNOTATED],
    ],
    ids=str,
)
def test_links_are_found_in_every_form(reply: Any) -> None:
    assert models.parse_images(body(reply)) == Images(RAW, ANNOTATED)


ONE, TWO = "https://x.example/annotated/1.jpg?raw=1", "https://x.example/2.jpg"


@pytest.mark.parametrize(
    ("data", "images"),
    [
        ([RAW], Images(RAW)),
        ([ANNOTATED], Images(None, ANNOTATED)),
        ([TWO], Images(TWO)),
        ([None, TWO], Images(None, TWO)),
        ([RAW, 7], Images(RAW)),
        ({"annotated_image": TWO}, Images(None, TWO)),
        ({"url": TWO}, Images(TWO)),
        (TWO, Images(TWO)),
        ([ONE, TWO], Images(TWO, ONE)),
        ([TWO, ONE], Images(TWO, ONE)),
        ([TWO, TWO + "?2"], Images(TWO, TWO + "?2")),
        ([{"type": "annotated", "url": TWO}, {"type": "raw", "url": RAW}], Images(RAW, TWO)),
    ],
    ids=str,
)
def test_the_two_pictures_are_told_apart_and_one_is_enough(data: Any, images: Images) -> None:
    assert models.parse_images(body({"data": data})) == images


@pytest.mark.parametrize("data", [None, [], [None], [7, "x" * 5000], [RAW, TWO, ONE], "x", {}])
def test_a_reply_without_a_link_is_unexpected(data: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        models.parse_images(body({"data": data}))


def test_the_token_of_a_login_can_stand_in_a_header() -> None:
    good = {"data": {"access_token": " abc ", "expires_in": "60", "user": {"email": "a@b.example"}}}
    login = models.parse_login(body(good))
    assert (login.access_token, login.lifetime, login.token_type) == ("abc", 60, "Bearer")
    for token in (None, "", 7, "a\nb", "ü"):
        with pytest.raises(UnexpectedResponseError):
            models.parse_login(body({"data": {"access_token": token}}))


def test_values_that_are_not_shown_are_known_to_be_hidden() -> None:
    headers = [{"name": "a", "value": None}, {"name": "b", "value": "ab***"}, {"name": "c"}, 7]
    reply = {"data": [{"id": 3, "url": "https://x", "status": 0, "data": {"headers": headers}}]}
    (webhook,) = models.parse_webhooks(body(reply)).value

    assert webhook.headers == (Pair("a", ""), Pair("b", "ab***"), Pair("c", ""))
    assert all(pair.is_hidden for pair in webhook.headers)
    assert not Pair("d", "open").is_hidden
    assert not webhook.is_active
