"""The platform's JSON as typed records; free of Home Assistant."""
