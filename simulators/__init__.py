"""Simulated vendor clouds, each written from the vendor's own document.

A cloud is a small aiohttp program on a port of its own. Tests run it inside their event loop; the
demo runs all of them with ``python -m simulators``.
"""
