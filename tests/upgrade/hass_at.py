"""Start Home Assistant at another time of day: `hass_at.py <seconds ahead> --config <folder> ...`."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
import pkgutil
import sys

from freezegun import freeze_time


def main() -> int:
    """Run Home Assistant with a clock that is so many seconds ahead of the machine's."""
    ahead = timedelta(seconds=float(sys.argv.pop(1)))
    sys.path.insert(0, sys.argv[sys.argv.index("--config") + 1])
    # Home Assistant keeps a reference to the real clock unless this comes first.
    import_module("pytest_homeassistant_custom_component.patch_time")
    # Decoders that are made while time is frozen do not know the frozen time's classes.
    package = import_module("custom_components.watchpost")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    freeze_time(datetime.now(UTC) + ahead, tick=True).start()
    run = import_module("homeassistant.__main__").main
    return int(run())


if __name__ == "__main__":
    sys.exit(main())
