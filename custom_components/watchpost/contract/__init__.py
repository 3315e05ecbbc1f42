"""What a vendor offers: its contract with the rest of the integration."""
