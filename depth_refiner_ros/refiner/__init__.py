"""The refiner: settings to networks, and the method from image to metric depth."""
