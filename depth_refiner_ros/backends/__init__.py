"""How and where networks are executed."""
