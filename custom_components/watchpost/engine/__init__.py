"""What makes several vendors one product; knows neither vendors nor platforms."""
