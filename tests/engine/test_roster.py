"""What one inventory after another does to the books."""

from __future__ import annotations

from typing import Any

from homeassistant.helpers.entity import EntityDescription

from custom_components.watchpost.engine.model import Channel, ChannelId, Device, Inventory
from custom_components.watchpost.engine.roster import Roster

DESCRIPTION = EntityDescription(key="value")


def inventory(*devices: str, left_out: set[str] | None = None, **more: Any) -> Inventory:
    return Inventory(
        devices=[Device(id=device) for device in devices],
        channels=[Channel(device, "value", DESCRIPTION, feed="feed") for device in devices],
        left_out=frozenset(left_out or ()),
        **more,
    )


def test_new_devices_and_channels_are_reported_once_in_their_order() -> None:
    roster = Roster(patience=3)

    first = roster.apply(inventory("b", "a"))
    second = roster.apply(inventory("b", "a"))

    assert [device.id for device in first.devices] == ["b", "a"]
    assert [channel.device for channel in first.channels] == ["b", "a"]
    assert not second.devices
    assert not second.channels


def test_a_device_goes_after_three_full_lists_in_a_row_without_it() -> None:
    roster = Roster(patience=3)
    roster.apply(inventory("a", "b"))

    assert not roster.apply(inventory("a")).gone_devices
    assert not roster.apply(inventory("a")).gone_devices
    assert not roster.is_listed("b")
    assert "b" in roster.devices
    assert roster.apply(inventory("a")).gone_devices == ["b"]
    assert "b" not in roster.devices
    assert ChannelId("b", "value") not in roster.channels


def test_one_list_that_names_it_starts_the_count_anew() -> None:
    roster = Roster(patience=3)
    roster.apply(inventory("a", "b"))
    for _ in range(5):
        assert not roster.apply(inventory("a")).gone_devices
        assert not roster.apply(inventory("a")).gone_devices
        assert not roster.apply(inventory("a", "b")).gone_devices


def test_a_list_with_a_malformed_record_counts_nothing() -> None:
    roster = Roster(patience=3)
    roster.apply(inventory("a", "b"))
    for _ in range(10):
        assert not roster.apply(inventory("a", is_complete=False)).gone_devices
    assert "b" in roster.devices


def test_a_channel_goes_by_itself_when_its_device_stays() -> None:
    roster = Roster(patience=3)
    roster.apply(inventory("a"))
    bare = Inventory(devices=[Device(id="a")], channels=[])

    assert not roster.apply(bare).gone_channels
    assert not roster.apply(bare).gone_channels
    assert roster.apply(bare).gone_channels == [ChannelId("a", "value")]
    assert "a" in roster.devices


def test_what_the_options_leave_out_goes_at_once() -> None:
    roster = Roster(patience=3)
    roster.remember(["b"])

    assert roster.apply(inventory("a", left_out={"b", "c"})).gone_devices == ["b"]
    assert roster.is_listed("b")


def test_devices_from_before_a_restart_that_no_list_names_go_too() -> None:
    roster = Roster(patience=3)
    roster.remember(["a", "gone"])

    roster.apply(inventory("a"))
    roster.apply(inventory("a"))
    assert roster.apply(inventory("a")).gone_devices == ["gone"]
    assert not roster.apply(inventory("a")).gone_devices


def test_a_device_that_went_is_new_when_it_comes_back() -> None:
    roster = Roster(patience=1)
    roster.apply(inventory("a", "b"))
    roster.apply(inventory("a"))

    changes = roster.apply(inventory("a", "b"))

    assert [device.id for device in changes.devices] == ["b"]
    assert [channel.device for channel in changes.channels] == ["b"]


def test_a_channel_that_another_feed_carries_is_reported_as_moved() -> None:
    roster = Roster(patience=3)
    roster.apply(inventory("a"))
    moved = Channel("a", "value", DESCRIPTION, feed="other")

    changes = roster.apply(Inventory(devices=[Device(id="a")], channels=[moved]))

    assert changes.moved == [moved]
    assert not changes.channels
