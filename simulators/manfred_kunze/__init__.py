"""The simulated Manfred Kunze IoT platform, after the vendor's REST API page and its guides.

How to start it, what it can be told and which of its forms are guesses: README.md.
"""

from .cloud import ManfredKunzeCloud
from .keys import Key
from .plan import Forms, Plan
from .world import Component, Device, Organisation, Reading, Sensor

__all__ = [
    "Component",
    "Device",
    "Forms",
    "Key",
    "ManfredKunzeCloud",
    "Organisation",
    "Plan",
    "Reading",
    "Sensor",
]
