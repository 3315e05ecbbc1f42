"""What a poll costs follows what changed."""

from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, callback

from .conftest import House, OpenCloud


async def test_a_poll_writes_the_states_of_what_changed_and_no_others(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=6)
    await house.sign_in(cloud)
    await house.pass_time(3000)
    lively, *others = cloud.gateways[0].sensors
    for sensor in others:
        sensor.silent = True
    await house.pass_time(1000)
    written: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    @callback
    def every(data: Any) -> bool:
        return True

    house.hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    house.hass.bus.async_listen(EVENT_STATE_REPORTED, note, event_filter=every)
    polls = len(cloud.log)

    await house.pass_time(1000)

    assert len(cloud.log) > polls
    mine = {
        house.state_of(f"sensorist:{cloud.user.id}:sensor-{lively.id}:{key}").entity_id
        for key in ("last_measurement", *(f"source-{source.id}" for source in lively.sources))
    }
    assert written
    assert set(written) <= mine
