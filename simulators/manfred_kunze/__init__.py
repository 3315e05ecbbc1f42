"""The simulated Manfred Kunze IoT platform, after the vendor's REST API page and its guides.

README.md says how to start and control it, and which of its variants are guesses.
"""

from .admin import ManfredKunzeAdmin
from .alert_admin import AlertAdmin
from .alerts import Alert, Channel, Rule
from .api_keys import ApiKey
from .cameras import Camera, Capture, DvrRequest
from .cloud import ManfredKunzeCloud
from .command_admin import CommandAdmin
from .commands import Command
from .config import ApiVariants, CloudConfig, DeliveryConfig
from .exports import Export
from .live import LiveSession
from .media_admin import MediaAdmin
from .state import Component, Device, Organisation, Reading, Sensor
from .webhooks import Delivery

__all__ = [
    "Alert",
    "ApiKey",
    "ApiVariants",
    "Camera",
    "Capture",
    "Channel",
    "CloudConfig",
    "Command",
    "Component",
    "Delivery",
    "DeliveryConfig",
    "Device",
    "DvrRequest",
    "Export",
    "LiveSession",
    "ManfredKunzeCloud",
    "Organisation",
    "Reading",
    "Rule",
    "Sensor",
]

ManfredKunzeCloud.admin_apis = (
    ManfredKunzeAdmin,
    AlertAdmin,
    MediaAdmin,
    CommandAdmin,
)
