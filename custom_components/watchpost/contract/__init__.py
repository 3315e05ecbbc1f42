"""The contract between a vendor and the rest of the integration."""
