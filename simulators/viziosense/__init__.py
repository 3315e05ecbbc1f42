"""The simulated VizioSense cloud, after the vendor's Integrator HTTP(S) API 1.0.0.

README.md says how to start and control it, and which of its variants are guesses.
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
