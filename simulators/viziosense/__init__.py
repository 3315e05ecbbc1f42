"""The simulated VizioSense cloud, after the vendor's Integrator HTTP(S) API 1.0.0.

How to start it, what it can be told and which of its forms are guesses: README.md.
"""

from .admin import VizioSenseAdmin
from .cloud import VizioSenseCloud
from .config import ApiVariants, CloudConfig, DeliveryConfig
from .faulty_images import ImageFault
from .snapshots import Snapshot
from .state import FREE, Device
from .webhooks import Webhook

__all__ = [
    "FREE",
    "ApiVariants",
    "CloudConfig",
    "DeliveryConfig",
    "Device",
    "ImageFault",
    "Snapshot",
    "VizioSenseCloud",
    "Webhook",
]

VizioSenseCloud.admin_apis = (VizioSenseAdmin,)
