"""The Manfred Kunze IoT platform."""
