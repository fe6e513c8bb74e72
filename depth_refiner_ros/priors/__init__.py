"""Where depth comes from before it is refined: one protocol, one registry."""
