"""The records of each type of monitor, field by field as the vendor's clients read them."""

from collections.abc import Callable
from datetime import datetime
from math import cos, radians, sin
from typing import cast

from simulators.clock import from_micros
from simulators.random_source import between, mix
from simulators.response import JsonObject
from simulators.schedule import SECOND, Report

from .config import ApiVariants, MonitorType
from .monitors import Monitor
from .plume import CALM, Air, noise, smooth

CALM_DIRECTION = 375.0

_HOUR = 3600
_DATE_FORMS = {
    "z": "%Y-%m-%dT%H:%M:%S.000Z",
    "offset": "%Y-%m-%dT%H:%M:%S+00:00",
    "naive": "%Y-%m-%dT%H:%M:%S",
    "space": "%Y-%m-%d %H:%M:%S",
    "export": "%d-%b-%Y %H:%M:%S",
    "american": "%m/%d/%Y %I:%M:%S %p",
}


def record_json(
    monitor: Monitor, report: Report, variants: ApiVariants, shape: MonitorType | None = None
) -> JsonObject:
    """Return a record as the cloud serves it; `shape`: as if it came from another type."""
    record = _ids(monitor, report, variants)
    record["date"] = date_json(shown_date(monitor, report), variants.date)
    record |= values(monitor, report.date, variants, shape)
    return record if variants.nested else flattened(record)


def values(
    monitor: Monitor, date: int, variants: ApiVariants, shape: MonitorType | None = None
) -> JsonObject:
    """Return what a monitor measured at `date` (microseconds), ordered values in place."""
    measured = _MEASURE[shape or monitor.type](
        _Instrument(monitor, monitor.air(date), date, variants)
    )
    for override in monitor.overrides:
        span = override.span
        if span.start <= date and (span.end is None or date < span.end):
            for path, value in override.values.items():
                _put(measured, path.split("."), value)
    return measured


def shown_date(monitor: Monitor, report: Report) -> datetime:
    """Return the date that a record says it is of."""
    return from_micros(report.date + monitor.skew)


def date_json(moment: datetime, form: str) -> str | int:
    """Return a date (UTC) in one of the forms of Forms.date."""
    if form == "millis":
        return int(moment.timestamp()) * 1000
    if form == "seconds":
        return int(moment.timestamp())
    return moment.strftime(_DATE_FORMS[form])


def flattened(record: JsonObject, prefix: str = "") -> JsonObject:
    """Return a record whose nested objects became dotted keys; lists stay."""
    flat: JsonObject = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat |= flattened(cast("JsonObject", value), f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


class _Instrument:
    """A monitor's look at the air: its own errors on top of what is there."""

    __slots__ = ("air", "at", "date", "monitor", "seed", "variants")

    def __init__(self, monitor: Monitor, air: Air, date: int, variants: ApiVariants) -> None:
        self.monitor = monitor
        self.air = air
        self.date = date
        self.at = date / SECOND
        self.variants = variants
        self.seed = monitor.seed

    def own(self, salt: int, most: float) -> float:
        """Return an error that never changes."""
        return between(-most, most, self.seed, 0, salt)

    def rough(self, value: float, salt: int, most: float, digits: int) -> float:
        """Return a value with the sensor's noise, rounded as it reports."""
        return round(value + most * noise(self.seed, self.at, salt), digits)

    def drift(self, salt: int, most: float, hours: float = 9) -> float:
        """Return how far a baseline has gone astray."""
        return most * smooth(self.seed, self.at, hours * _HOUR, salt)

    def added(self, name: str) -> float:
        """Return what leaks add of a substance."""
        return self.air.added.get(name, 0.0)

    @property
    def temperature(self) -> float:
        return self.rough(self.air.temperature + self.own(51, 0.4), 52, 0.1, 2)

    @property
    def humidity(self) -> float:
        humidity = self.rough(self.air.humidity + self.own(53, 1.5), 54, 0.5, 2)
        return min(100.0, max(0.0, humidity))

    @property
    def pressure(self) -> float:
        return self.rough(self.air.pressure + self.own(55, 0.6), 56, 0.15, 2)

    @property
    def speed(self) -> float:
        return max(0.0, self.rough(self.air.speed, 57, 0.12, 2))

    def direction(self, speed: float) -> float:
        if speed < CALM and (self.variants.calm == "all" or self.monitor.type == "FMD"):
            return CALM_DIRECTION
        return round((self.air.direction + 6 * noise(self.seed, self.at, 58)) % 360, 1) % 360

    @property
    def volts(self) -> float:
        return self.rough(12.35 + 0.75 * self.air.sun + self.own(59, 0.1), 60, 0.02, 2)

    @property
    def charge(self) -> float:
        return max(0.0, self.rough(820 * self.air.sun, 61, 4 if self.air.sun else 0, 1))

    @property
    def run(self) -> float:
        return self.rough(96 + self.own(62, 6), 63, 3, 1)


def _spod(instrument: _Instrument) -> JsonObject:
    air = instrument.air
    voc = 55 + instrument.own(71, 8) + instrument.drift(72, 9) + 14 * air.stuffy - 6 * air.daily
    ppb = instrument.rough(voc + instrument.added("voc_ppb"), 73, 2.5, 3)
    speed = instrument.speed
    record: JsonObject = {
        "pid1_PPB_Calc": ppb,
        "pid1_mvRaw": instrument.rough(41 + 0.062 * ppb + 0.05 * air.temperature, 74, 0.02, 3),
        "temp": instrument.temperature,
        "rh_Humd": instrument.humidity,
        "pressure_mbar": instrument.pressure,
        "ws_speed": speed,
        "ws_direction": instrument.direction(speed),
        "tc_temp": instrument.rough(45.0, 75, 0.2, 2),
        "tc_heatOutput": instrument.rough(62 - 1.1 * air.temperature, 76, 0.8, 2),
        "tc_setPoint": 45.0,
        "batt_voltage": instrument.volts,
        "chrg_current": instrument.charge,
        "run_current": instrument.run,
    }
    record |= _trigger(instrument)
    latitude, longitude = instrument.monitor.position(instrument.date) or (0.0, 0.0)
    return record | {"lat": latitude, "long": longitude}


def _trigger(instrument: _Instrument) -> JsonObject:
    if port := instrument.monitor.port(instrument.date):
        return {"trig": {"trig_activeFlag": port}}
    idle: dict[str, JsonObject] = {
        "zero": {"trig": {"trig_activeFlag": 0}},
        "null": {"trig": {"trig_activeFlag": None}},
        "text": {"trig": {"trig_activeFlag": ""}},
        "missing": {"trig": {}},
        "no_trig": {},
    }
    return idle[instrument.variants.idle_trigger]


def _fmd(instrument: _Instrument) -> JsonObject:
    air = instrument.air
    methane = 2.02 + instrument.own(81, 0.05) + instrument.drift(82, 0.06) + 0.35 * air.stuffy
    ppm = instrument.rough(methane + instrument.added("ch4_ppm"), 83, 0.015, 4)
    speed = instrument.speed
    direction = instrument.direction(speed)
    record: JsonObject = {}
    if instrument.monitor.variant == 0:
        record["CH4"] = ppm
    record |= {
        "LaserCellConcentration": {"Conc_cor": round(ppm * 1.004, 4)},
        "WS": speed,
        "WD": direction,
    }
    if instrument.monitor.variant == 0:
        record["_3DMet"] = _sonic(instrument)
    record |= {
        "T": instrument.temperature,
        "RH": instrument.humidity,
        "P": instrument.pressure,
        "BATT": instrument.volts,
        "CHRG": instrument.charge,
        "RUN": instrument.run,
    }
    if position := instrument.monitor.position(instrument.date):
        record |= {"lat": position[0], "long": position[1]}
    return record


def _sonic(instrument: _Instrument) -> JsonObject:
    """Return the wind as a vector: U to the east, V to the north, W up."""
    toward = radians(instrument.air.direction + 180)
    return {
        "U": instrument.rough(instrument.air.speed * sin(toward), 84, 0.08, 3),
        "V": instrument.rough(instrument.air.speed * cos(toward), 85, 0.08, 3),
        "W": instrument.rough(0.05 * instrument.air.sun, 86, 0.05, 3),
    }


def _ramp(instrument: _Instrument) -> JsonObject:
    air = instrument.air
    traffic = 0.5 + 0.5 * instrument.drift(91, 1, 3)
    speed = instrument.speed
    gases = {
        "CO": 240 + 120 * traffic + 160 * air.stuffy + instrument.added("co_ppb"),
        "NO": 1.2 * traffic + 3 * air.stuffy + instrument.drift(92, 3),
        "NO2": 9 + 5 * traffic - 4 * air.sun + instrument.added("no2_ppb"),
        "O3": 24 + 20 * air.sun - 6 * air.stuffy + instrument.drift(93, 3),
        "SO2": 0.4 + instrument.drift(94, 1.5),
    }
    carbon = 428 + 35 * air.stuffy + instrument.added("co2_ppm")
    dust = max(
        0.6, 7 + 3 * traffic + 9 * air.stuffy + instrument.drift(95, 3) + instrument.added("pm25")
    )
    record: JsonObject = {"T": instrument.temperature, "RH": instrument.humidity}
    record |= {"WS": speed, "WD": instrument.direction(speed)}
    for salt, (name, ppb) in enumerate(gases.items(), 101):
        if name != "SO2" or instrument.monitor.variant == 0:
            record[name] = instrument.rough(ppb, salt, 0.8, 2)
    if instrument.monitor.variant == 0:
        record["CO2"] = instrument.rough(carbon, 96, 1.5, 1)
    record |= {
        "PM_1_1_0": instrument.rough(0.62 * dust, 97, 0.2, 2),
        "PM_1_2_5": instrument.rough(dust, 98, 0.3, 2),
        "PM_1_10_0": instrument.rough(1.5 * dust, 99, 0.5, 2),
    }
    if instrument.monitor.variant == 0:
        record["OPCData"] = {
            "OPC_1_0": instrument.rough(0.58 * dust, 111, 0.2, 3),
            "OPC_2_5": instrument.rough(0.95 * dust, 112, 0.3, 3),
            "OPC_10_0": instrument.rough(1.6 * dust, 113, 0.5, 3),
            "OPC_T": instrument.rough(air.temperature + 4.5, 114, 0.2, 2),
            "OPC_RH": instrument.rough(0.8 * air.humidity, 115, 0.5, 2),
        }
    record["raw"] = _electrodes(instrument, gases)
    record |= {"BATT": round(instrument.volts / 3.1, 3), "CHRG": instrument.charge}
    latitude, longitude = instrument.monitor.position(instrument.date) or (0.0, 0.0)
    return record | {"lat": latitude, "long": longitude}


def _electrodes(instrument: _Instrument, gases: dict[str, float]) -> list[JsonObject]:
    """Return both electrodes of each cell in mV; on one fleet 1=CO, 2=SO2, 3=NO2, 4=O3."""
    channels: list[JsonObject] = []
    for channel, name in enumerate(("CO", "SO2", "NO2", "O3"), 1):
        idle = instrument.rough(290 + 8 * channel, 120 + channel, 0.3, 3)
        channels.append(
            {"channel": channel, "aux_avg": idle, "act_avg": round(idle + 0.3 * gases[name], 3)}
        )
    return channels


_MEASURE: dict[MonitorType, Callable[[_Instrument], JsonObject]] = {
    "SPOD": _spod,
    "FMD": _fmd,
    "RAMP": _ramp,
}


def _ids(monitor: Monitor, report: Report, variants: ApiVariants) -> JsonObject:
    if variants.ids == "none":
        return {}
    ids: JsonObject = {}
    if variants.ids == "all" or monitor.type == "SPOD":
        seconds = report.stored // SECOND
        ids["_id"] = f"{seconds:08x}{mix(monitor.seed, report.beat, 45):016x}"
    if variants.ids == "all" or monitor.type != "FMD":
        ids["id"] = monitor.uuid
    return ids


def _put(record: JsonObject, path: list[str], value: object) -> None:
    first, *rest = path
    if not rest:
        record[first] = value
        return
    inner = record.get(first)
    if not isinstance(inner, dict):
        inner = record[first] = {}
    _put(cast("JsonObject", inner), rest, value)
