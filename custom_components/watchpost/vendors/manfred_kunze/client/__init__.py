"""The platform's API, one class per resource group; free of Home Assistant."""
