"""The Manfred Kunze platform's devices and components in Home Assistant."""

from __future__ import annotations

from simulators.manfred_kunze import ManfredKunzeCloud

from .mk_house import (
    MkHouse,
    mk_fixture,  # noqa: F401
    mk_house_fixture,  # noqa: F401
    open_mk_fixture,  # noqa: F401
)


async def test_devices_stand_on_their_sites_and_components_hang_from_them(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    assert entry.unique_id == f"manfred_kunze:{mk.main.id}"
    gateway = mk_house.device(f"device-{mk.devices[0].id}")
    component = mk_house.device(f"component-{mk.components[0].id}")
    assert gateway is not None
    assert component is not None
    assert gateway.name == mk.devices[0].name
    assert component.via_device_id == gateway.id
    assert mk_house.shown(f"device-{mk.devices[0].id}", "device_status").state == "active"
