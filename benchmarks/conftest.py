"""The fixtures of the tests, for the benchmark that needs a frozen clock."""

from tests.conftest import _find_the_integration, hass_config_dir, house, open_cloud

__all__ = ["_find_the_integration", "hass_config_dir", "house", "open_cloud"]
