"""The simulated Manfred Kunze IoT platform, after the vendor's REST API page and its guides.

How to start it, what it can be told and which of its forms are guesses: README.md.
"""

from .alerts import Alert, Channel, Rule
from .api_keys import Key
from .cameras import Camera, Capture, DvrRequest
from .cloud import ManfredKunzeCloud
from .commands import Command
from .config import Forms, Habits, Plan
from .exports import Export
from .live import Session
from .state import Component, Device, Organisation, Reading, Sensor
from .webhooks import Delivery

__all__ = [
    "Alert",
    "Camera",
    "Capture",
    "Channel",
    "Command",
    "Component",
    "Delivery",
    "Device",
    "DvrRequest",
    "Export",
    "Forms",
    "Habits",
    "Key",
    "ManfredKunzeCloud",
    "Organisation",
    "Plan",
    "Reading",
    "Rule",
    "Sensor",
    "Session",
]
