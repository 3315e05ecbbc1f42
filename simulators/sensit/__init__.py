"""The simulated SENSIT Connect cloud, after the vendor's API instructions.

Start it with ``python -m simulators`` (address, control address, user name and password are in the
JSON line that it prints, under "sensit") or in a test::

    async with SensitCloud(Plan(spods=2, fmds=2, ramps=1), clock) as cloud:
        cloud.url, cloud.username, cloud.password       # what the sign-in form takes
        cloud.sign_ins, cloud.refused_sign_ins, cloud.log, cloud.faults.add(Fault(...))
        spod = cloud.find_monitor("SPOD")               # a live object, see monitors.py
        cloud.records(spod.uuid, since, until)          # the truth of a window
        cloud.leak_across(spod.uuid, other.uuid, clock.now(), 1800)
        cloud.plan.forms.logs = "bare"                  # any form, at any time

`Plan` says what there is and how punctual, `Forms` which of the undocumented forms are served (both
in config.py). What a single monitor does wrong is in malformed.py. All of it can be switched over HTTP
too: monitors, leaks and wind in monitor_admin.py, users, tokens, forms, truth and counts in control.py.

Besides the default account, which sees every monitor, three others can sign in with the same
password: bruno@example.org (ClientAdministrator, every second monitor), clara@example.org
(ClientUser, one) and dora@example.org (ClientUser, none).

What the instructions leave open and no form covers is chosen so: wind directions say from where the
wind comes; an unknown device or one of another type than the address names has no records; one of
somebody else's is refused with 403, as are a foreign Role and UserId; a missing field, a date that
is none and an unknown time zone are refused with 400; an error is {"message": text}.
"""

from .admin import SensitAdmin
from .cloud import SensitCloud
from .config import TYPES, ApiVariants, CloudConfig, MonitorType
from .malformed import QUIRKS
from .monitor_admin import MonitorAdmin
from .monitors import Monitor, Trigger
from .plume import Leak, WindPeriod
from .tokens import User

__all__ = [
    "QUIRKS",
    "TYPES",
    "ApiVariants",
    "CloudConfig",
    "Leak",
    "Monitor",
    "MonitorType",
    "SensitCloud",
    "Trigger",
    "User",
    "WindPeriod",
]

SensitCloud.admin_apis = (
    MonitorAdmin,
    SensitAdmin,
)
