"""Polling, events, push, history and media for all vendors; imports neither vendors nor platforms."""
