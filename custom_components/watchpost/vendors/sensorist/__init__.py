"""Sensorist: environment sensors behind gateways (REST API 1.15)."""
