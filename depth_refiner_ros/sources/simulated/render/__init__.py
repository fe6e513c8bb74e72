"""Ray casting: what a camera in a room sees, with exact depth."""
