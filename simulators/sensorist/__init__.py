"""The simulated Sensorist cloud, after the vendor's REST API documentation 1.15."""

from .callbacks import Callback, Delivery
from .cloud import SensoristCloud
from .config import CallbackHabits, Forms, Plan
from .state import FREE, Gateway, Measurement, Sensor, Source, User

__all__ = [
    "FREE",
    "Callback",
    "CallbackHabits",
    "Delivery",
    "Forms",
    "Gateway",
    "Measurement",
    "Plan",
    "Sensor",
    "SensoristCloud",
    "Source",
    "User",
]
