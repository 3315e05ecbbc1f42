"""Measured promises: each script compares two things in one run and prints their ratio."""
