"""The simulated SensorZone cloud, after the vendor's API reference.

``SensorZoneCloud(Plan(...), clock)`` is used like the other clouds: ``async with``, `url`,
`control_url`, `log`, `faults`. It has three sign-ins (`username` and `password` for versions 1 and
2, `tester_token`), and what it should be asked about is in `Plan`, `Forms`, `Limits`, `Habits` and
`Oddities`, see `plan`. Most may be changed while it runs: ``cloud.plan.forms.lists = "data"``;
``Forms(**JSON_API)`` speaks JSON:API everywhere, ``Forms(**OTHER)`` does all another way.

In tests::

    cloud.truth(since, until)           every incursion that begins then, as it really was
    incursion.listed_at                 when a client can see it; seconds since the epoch
    incursion.acknowledgement_listed_at when a client can see that it is acknowledged, or None
    cloud.incur(seconds=12, acknowledged_after=300, odd="endless")   one more, now
    cloud.incursion(number).marks       {"endless", "backwards", "revised", "belated"}
    cloud.machines[0].name = "…"        renamed; .gps = "none" | "zero"; .silent = True; .removed
    cloud.merge(one, into=other)
    cloud.world.sites[0].crossed        its boundary crosses itself
    cloud.sessions.lose_cookies()       and lose_tokens()
    cloud.counts                        requests and logins by sign-in, held, limited (429)
    cloud.held_requests()               those made during a wait

The same over HTTP is in `control.SensorZoneDoor`. Which paths it answers is in
docs/simulators/sensorzone.md.
"""

from .admin import SensorZoneAdmin
from .cloud import SensorZoneCloud
from .config import JSON_API, OTHER, ApiVariants, BehaviorConfig, CloudConfig, Limits, Oddities
from .incursions import Incursion
from .state import Machine, Tag

__all__ = [
    "JSON_API",
    "OTHER",
    "ApiVariants",
    "BehaviorConfig",
    "CloudConfig",
    "Incursion",
    "Limits",
    "Machine",
    "Oddities",
    "SensorZoneCloud",
    "Tag",
]

SensorZoneCloud.admin_apis = (SensorZoneAdmin,)
