"""What nodes wait for: images joined by stamp, and poses."""
