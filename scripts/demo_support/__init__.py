"""The demo: a real Home Assistant with Watchpost, signed in to simulated vendor clouds."""
