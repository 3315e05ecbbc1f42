"""The simulated Manfred Kunze IoT platform, after the vendor's REST API page and its guides.

How to start it, what it can be told and which of its forms are guesses: README.md.
"""

from .alarms import Alert, Channel, Rule
from .cameras import Camera, Capture, DvrRequest
from .cloud import ManfredKunzeCloud
from .commanding import Command
from .exporting import Export
from .keys import Key
from .live import Session
from .plan import Forms, Habits, Plan
from .posting import Delivery
from .world import Component, Device, Organisation, Reading, Sensor

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
