"""Import of measured history into long-term statistics."""
