"""The simulated SensorZone cloud, asked over real HTTP."""
