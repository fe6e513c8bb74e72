"""Programs: render rooms, predict priors, export bundles."""
