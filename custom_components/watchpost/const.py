"""Constants of the integration as a whole."""

from datetime import timedelta
from typing import Final

DOMAIN: Final = "watchpost"

CONF_VENDOR: Final = "vendor"
# Which of the vendor's forms an account was signed in by, where there are several.
CONF_FORM: Final = "form"

EVENT_WATCHPOST: Final = "watchpost_event"

# Events from longer ago than this, or from before this start of the account, are dispatched as late.
LATE_AFTER: Final = timedelta(hours=1)

# A reading is stale after this many of its own cycles, or of the feed's polls, whichever is longer.
CYCLES_UNTIL_STALE: Final = 3

# A device or channel is removed after this many full lists in a row without it.
ABSENCES_UNTIL_REMOVED: Final = 3

# How long set-up waits for the first readings; slower feeds go on in the background.
FIRST_READINGS_TIMEOUT: Final = 10.0
