"""Dispatch of events and the journal of what was dispatched."""
