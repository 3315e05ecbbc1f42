"""What one inventory after another does to the books."""

from typing import Any

from homeassistant.helpers.entity import EntityDescription

from custom_components.watchpost.engine.inventory_diff import InventoryTracker
from custom_components.watchpost.models import Channel, ChannelId, Device, Inventory

DESCRIPTION = EntityDescription(key="value")


def inventory(*devices: str, left_out: set[str] | None = None, **more: Any) -> Inventory:
    return Inventory(
        devices=[Device(id=device) for device in devices],
        channels=[Channel(device, "value", DESCRIPTION, feed="feed") for device in devices],
        left_out=frozenset(left_out or ()),
        **more,
    )


def test_new_devices_and_channels_are_reported_once_in_their_order() -> None:
    tracker = InventoryTracker(patience=3)

    first = tracker.apply(inventory("b", "a"))
    second = tracker.apply(inventory("b", "a"))

    assert [device.id for device in first.devices] == ["b", "a"]
    assert [channel.device for channel in first.channels] == ["b", "a"]
    assert not second.devices
    assert not second.channels


def test_a_device_goes_after_three_full_lists_in_a_row_without_it() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.apply(inventory("a", "b"))

    assert not tracker.apply(inventory("a")).gone_devices
    assert not tracker.apply(inventory("a")).gone_devices
    assert not tracker.is_listed("b")
    assert "b" in tracker.devices
    assert tracker.apply(inventory("a")).gone_devices == ["b"]
    assert "b" not in tracker.devices
    assert ChannelId("b", "value") not in tracker.channels


def test_one_list_that_names_it_starts_the_count_anew() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.apply(inventory("a", "b"))
    for _ in range(5):
        assert not tracker.apply(inventory("a")).gone_devices
        assert not tracker.apply(inventory("a")).gone_devices
        assert not tracker.apply(inventory("a", "b")).gone_devices


def test_a_list_with_a_malformed_record_counts_nothing() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.apply(inventory("a", "b"))
    for _ in range(10):
        assert not tracker.apply(inventory("a", is_complete=False)).gone_devices
    assert "b" in tracker.devices


def test_a_channel_goes_by_itself_when_its_device_stays() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.apply(inventory("a"))
    bare = Inventory(devices=[Device(id="a")], channels=[])

    assert not tracker.apply(bare).gone_channels
    assert not tracker.apply(bare).gone_channels
    assert tracker.apply(bare).gone_channels == [ChannelId("a", "value")]
    assert "a" in tracker.devices


def test_what_the_options_leave_out_goes_at_once() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.remember(["b"])

    assert tracker.apply(inventory("a", left_out={"b", "c"})).gone_devices == ["b"]
    assert tracker.is_listed("b")


def test_devices_from_before_a_restart_that_no_list_names_go_too() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.remember(["a", "gone"])

    tracker.apply(inventory("a"))
    tracker.apply(inventory("a"))
    assert tracker.apply(inventory("a")).gone_devices == ["gone"]
    assert not tracker.apply(inventory("a")).gone_devices


def test_a_device_that_went_is_new_when_it_comes_back() -> None:
    tracker = InventoryTracker(patience=1)
    tracker.apply(inventory("a", "b"))
    tracker.apply(inventory("a"))

    changes = tracker.apply(inventory("a", "b"))

    assert [device.id for device in changes.devices] == ["b"]
    assert [channel.device for channel in changes.channels] == ["b"]


def test_a_channel_that_another_feed_carries_is_reported_as_moved() -> None:
    tracker = InventoryTracker(patience=3)
    tracker.apply(inventory("a"))
    moved = Channel("a", "value", DESCRIPTION, feed="other")

    changes = tracker.apply(Inventory(devices=[Device(id="a")], channels=[moved]))

    assert changes.moved == [moved]
    assert not changes.channels


def scope_of(key: str | ChannelId) -> str:
    device = key.device if isinstance(key, ChannelId) else key
    return device.partition("-")[0]


def lists(**times: float | None) -> dict[str, float | None]:
    return dict(times)


def test_something_is_missed_by_its_own_list_alone() -> None:
    tracker = InventoryTracker(3, scope_of)
    tracker.remember(["camera-1", "sensor-1", "sensor-2"])

    for at in range(1, 9):
        named = inventory("sensor-1", lists=lists(sensor=float(at)))
        gone = tracker.apply(named).gone_devices
        assert gone == (["sensor-2"] if at == 3 else [])
    assert not tracker.is_absent("camera-1")

    for at in range(10, 13):
        named = inventory("sensor-1", "camera-2", lists=lists(sensor=1.0, camera=float(at)))
        gone = tracker.apply(named).gone_devices
    assert gone == ["camera-1"]


def test_a_list_of_another_kind_claims_nothing_from_before_a_start() -> None:
    tracker = InventoryTracker(3, scope_of)
    tracker.remember(["camera-1"])
    tracker.remember_channels([ChannelId("camera-1", "value")])

    for at in range(9):
        rules = Inventory(devices=(), channels=(), scope="rules", received=float(at))
        changes = tracker.apply(rules)
        assert not changes.gone_devices
        assert not changes.gone_channels


def test_the_same_response_used_again_is_no_further_list() -> None:
    tracker = InventoryTracker(3, scope_of)
    tracker.apply(inventory("a-1", "a-2", lists=lists(a=1.0)))

    for at in (2.0, 2.0, 2.0, 3.0, 3.0, 2.0):
        assert not tracker.apply(inventory("a-1", lists=lists(a=at))).gone_devices
    assert tracker.apply(inventory("a-1", lists=lists(a=4.0))).gone_devices == ["a-2"]


def test_a_list_that_was_not_read_in_full_removes_nothing_and_says_what_it_lacks() -> None:
    tracker = InventoryTracker(3, scope_of)
    tracker.apply(inventory("a-1", "a-2", lists=lists(a=1.0)))

    for _ in range(9):
        assert not tracker.apply(inventory("a-1", lists=lists(a=None))).gone_devices
    assert tracker.is_absent("a-2")  # by hand it may go
    assert tracker.is_listed("a-1")


def test_a_list_that_was_not_read_says_what_it_did_before() -> None:
    tracker = InventoryTracker(3, scope_of)
    tracker.apply(inventory("a-1", "b-1", lists=lists(a=1.0, b=1.0)))

    tracker.apply(inventory("a-1", lists=lists(a=2.0)))

    assert tracker.is_listed("b-1")
    assert not tracker.is_absent("b-1")


def test_a_list_that_has_become_empty_removes_nothing() -> None:
    tracker = InventoryTracker(3, scope_of)
    tracker.apply(inventory("a-1", "b-1", lists=lists(a=1.0, b=1.0)))

    for at in range(2, 9):
        changes = tracker.apply(inventory("b-1", lists=lists(a=float(at), b=float(at))))
        assert not changes.gone_devices
        assert not changes.gone_channels
    assert tracker.is_absent("a-1")  # by hand it may go


def test_a_device_that_is_held_is_not_missed_and_neither_are_its_channels() -> None:
    tracker = InventoryTracker(1, scope_of)
    tracker.apply(inventory("a-1", "a-2", lists=lists(a=1.0)))
    tracker.held = {"a-2"}

    changes = tracker.apply(inventory("a-1", lists=lists(a=2.0)))
    assert not changes.gone_devices
    assert not changes.gone_channels

    tracker.held = frozenset()
    assert tracker.apply(inventory("a-1", lists=lists(a=3.0))).gone_devices == ["a-2"]
