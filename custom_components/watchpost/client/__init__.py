"""Toolkit for vendor clients, free of Home Assistant."""
