"""The simulated VizioSense cloud, after the vendor's Integrator HTTP(S) API 1.0.0.

How to start it, what it can be told and which of its forms are guesses: README.md.
"""

from .cloud import VizioSenseCloud
from .config import Forms, Habits, Plan
from .faulty_images import Trouble
from .snapshots import Shot
from .state import FREE, Device
from .webhooks import Webhook

__all__ = [
    "FREE",
    "Device",
    "Forms",
    "Habits",
    "Plan",
    "Shot",
    "Trouble",
    "VizioSenseCloud",
    "Webhook",
]
