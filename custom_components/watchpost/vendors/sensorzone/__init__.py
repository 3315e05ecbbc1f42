"""SensorZone: people-machine proximity."""
