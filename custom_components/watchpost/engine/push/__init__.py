"""Webhooks: subscriptions at the vendor and the receiver."""
