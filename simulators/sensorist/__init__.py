"""The simulated Sensorist cloud, after the vendor's REST API documentation 1.15."""

from .admin import SensoristAdmin
from .callbacks import Callback, Delivery
from .cloud import SensoristCloud
from .config import ApiVariants, CloudConfig, DeliveryConfig
from .state import FREE, Gateway, Measurement, Sensor, Source, User

__all__ = [
    "FREE",
    "ApiVariants",
    "Callback",
    "CloudConfig",
    "Delivery",
    "DeliveryConfig",
    "Gateway",
    "Measurement",
    "Sensor",
    "SensoristCloud",
    "Source",
    "User",
]

SensoristCloud.admin_apis = (SensoristAdmin,)
