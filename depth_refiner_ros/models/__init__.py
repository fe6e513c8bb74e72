"""Where weights come from: bundles, the table of published models, the hub, pickles."""
