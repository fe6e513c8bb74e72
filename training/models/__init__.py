"""Models under training: what is trained, what is frozen, how each becomes a bundle."""
