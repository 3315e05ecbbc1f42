"""Long-term statistics of our entities: which hours the recorder has, and writing those it lacks."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeassistant.components.recorder.entity_options import is_entity_recorded
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    UNIT_CLASS_TO_UNIT_CONVERTER,
    async_add_external_statistics,
    async_import_statistics,
    get_last_statistics,
    get_metadata,
    list_statistic_ids,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.components.sensor import SensorStateClass
from homeassistant.components.sensor.const import UNIT_CONVERTERS
from homeassistant.const import ATTR_DEVICE_CLASS, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.recorder import DATA_INSTANCE, get_instance
from homeassistant.util import dt as dt_util
from homeassistant.util import slugify

from ...const import DOMAIN
from ...models import Channel, DailySeries, Hour

SECONDS_PER_HOUR: Final = 3600

# How the recorder averages each class of state; the others have no mean.
MEAN_TYPES: Final[Mapping[str, StatisticMeanType]] = {
    SensorStateClass.MEASUREMENT: StatisticMeanType.ARITHMETIC,
    SensorStateClass.MEASUREMENT_ANGLE: StatisticMeanType.CIRCULAR,
}


@dataclass(frozen=True, slots=True)
class Series:
    """An entity's statistics as the recorder has or would have them; `convert` is from the channel's unit."""

    metadata: StatisticMetaData
    convert: Callable[[float], float] | None = None


@callback
def is_recording(hass: HomeAssistant) -> bool:
    """Return whether there is a recorder."""
    return DATA_INSTANCE in hass.data


def has_mean(channel: Channel) -> bool:
    """Return whether the recorder would keep hourly means of this channel."""
    return getattr(channel.description, "state_class", None) in MEAN_TYPES


async def async_settle(hass: HomeAssistant) -> None:
    """Wait until the recorder has started, made up for what it missed, and done all it has to do."""
    instance = get_instance(hass)
    await instance.async_recorder_ready.wait()
    # Its own way to wait returns at once while the last task is under way and the queue empty.
    done: asyncio.Future[None] = hass.loop.create_future()
    instance.queue_task(SynchronizeTask(done))
    await done


async def async_series(hass: HomeAssistant, channels: Mapping[str, Channel]) -> dict[str, Series]:
    """Return the statistics of these channels by entity id, without those that must not be written."""
    entity_ids = {entity_id for entity_id in channels if is_entity_recorded(hass, entity_id)}
    known = await get_instance(hass).async_add_executor_job(
        lambda: get_metadata(hass, statistic_ids=entity_ids) if entity_ids else {}
    )
    found = {}
    for entity_id in entity_ids:
        _, metadata = known.get(entity_id, (0, None))
        if series := _series(hass, entity_id, channels[entity_id], metadata):
            found[entity_id] = series
    return found


def _series(
    hass: HomeAssistant, entity_id: str, channel: Channel, known: StatisticMetaData | None
) -> Series | None:
    """Return how to write an entity's hours; None if its statistics are of another kind or unit."""
    state = hass.states.get(entity_id)
    mean_type = MEAN_TYPES.get(getattr(channel.description, "state_class", None) or "")
    if state is None or mean_type is None:
        return None
    native = getattr(channel.description, "native_unit_of_measurement", None)
    if known is None:
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        unit_class = _unit_class(state.attributes.get(ATTR_DEVICE_CLASS), unit)
    elif known["mean_type"] is mean_type and not known["has_sum"]:
        unit, unit_class = known["unit_of_measurement"], known["unit_class"]
    else:
        return None
    metadata = StatisticMetaData(
        mean_type=mean_type,
        has_sum=False,
        name=None,
        source="recorder",
        statistic_id=entity_id,
        unit_class=unit_class,
        unit_of_measurement=unit,
    )
    if unit == native:
        return Series(metadata)
    converter = UNIT_CLASS_TO_UNIT_CONVERTER.get(unit_class)
    if converter is None or not {unit, native} <= converter.VALID_UNITS:
        return None
    return Series(metadata, converter.converter_factory(native, unit))


def _unit_class(device_class: str | None, unit: str | None) -> str | None:
    """Choose as the recorder does: by the device class, else by the unit."""
    converter = UNIT_CONVERTERS.get(device_class or "")
    if converter is None or unit not in converter.VALID_UNITS:
        converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(unit)
    return converter.UNIT_CLASS if converter else None


async def async_hours(
    hass: HomeAssistant, entity_ids: Iterable[str], start: datetime, end: datetime
) -> dict[str, set[int]]:
    """Return the hours in [start, end), counted from the epoch, of which there are statistics."""
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, start, end, set(entity_ids), "hour", None, {"mean"}
    )
    return {
        entity_id: {int(row["start"]) // SECONDS_PER_HOUR for row in found}
        for entity_id, found in rows.items()
    }


@callback
def async_write(hass: HomeAssistant, series: Series, hours: Sequence[Hour]) -> None:
    """Pass full hours to the recorder, in the unit of the entity's statistics."""
    metadata, convert = series.metadata, series.convert
    if metadata["mean_type"] is StatisticMeanType.CIRCULAR:
        rows = [_angle(hour) for hour in hours]
    elif convert is None:
        rows = [
            StatisticData(start=hour.start, mean=hour.mean, min=hour.min, max=hour.max)
            for hour in hours
        ]
    else:
        rows = [
            StatisticData(
                start=hour.start,
                mean=convert(hour.mean),
                min=convert(hour.min),
                max=convert(hour.max),
            )
            for hour in hours
        ]
    async_import_statistics(hass, metadata, rows)


def _angle(hour: Hour) -> StatisticData:
    """Return an hour of a direction: extremes mean nothing, and it weighs what a steady hour would."""
    return StatisticData(start=hour.start, mean=hour.mean % 360, mean_weight=SECONDS_PER_HOUR)


# -- daily totals, which belong to no entity --

# Days that may be asked for anew, and the one whose sum they go on from.
_DAYS_TO_LOOK_BACK: Final = 5


def daily_id(account: str, key: str) -> str:
    """Return the statistic id of an account's daily totals, by its unique id; without a key, the common prefix."""
    return f"{DOMAIN}:{slugify(account)}_{slugify(key) if key else ''}"


async def async_last_day(hass: HomeAssistant, prefix: str) -> datetime | None:
    """Return the day up to which all of an account's daily totals exist; None where there are none."""
    recorder = get_instance(hass)
    known = await recorder.async_add_executor_job(list_statistic_ids, hass, None, "sum")
    lasts: list[datetime] = []
    for statistic_id in [item["statistic_id"] for item in known]:
        if statistic_id.startswith(prefix):
            rows = await _last_days(hass, statistic_id)
            lasts.extend(start for start, _ in rows[-1:])
    return max(lasts, default=None)


async def async_write_days(
    hass: HomeAssistant, prefix: str, series: DailySeries, since: datetime
) -> int:
    """Write a series' days from `since` on, with sums that go on from the day before; return how many."""
    statistic_id = prefix + slugify(series.key)
    before = [total for start, total in await _last_days(hass, statistic_id) if start < since]
    total = before[-1] if before else 0.0
    rows = []
    for start, value in series.days:
        total += value
        rows.append(StatisticData(start=start, state=value, sum=total))
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=series.name,
        source=DOMAIN,
        statistic_id=statistic_id,
        unit_class=series.unit_class,
        unit_of_measurement=series.unit,
    )
    async_add_external_statistics(hass, metadata, rows)
    return len(rows)


async def _last_days(hass: HomeAssistant, statistic_id: str) -> list[tuple[datetime, float]]:
    """Return the last days of a series with their sums, oldest first."""
    found = await get_instance(hass).async_add_executor_job(
        get_last_statistics, hass, _DAYS_TO_LOOK_BACK, statistic_id, False, {"sum"}
    )
    return sorted(
        (dt_util.utc_from_timestamp(row["start"]), row.get("sum") or 0.0)
        for row in found.get(statistic_id, ())
    )
