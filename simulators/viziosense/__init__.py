"""The simulated VizioSense cloud, after the vendor's Integrator HTTP(S) API 1.0.0.

How to start it, what it can be told and which of its forms are guesses: README.md.
"""

from .cloud import VizioSenseCloud
from .plan import Forms, Habits, Plan
from .shots import Shot
from .spoiled import Trouble
from .webhooks import Webhook
from .world import FREE, Device

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
