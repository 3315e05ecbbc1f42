"""VizioSense: cameras with embedded AI that count, watch parking places, and take pictures when they are asked."""
