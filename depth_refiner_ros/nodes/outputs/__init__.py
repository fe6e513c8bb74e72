"""What nodes publish: depth by REP-117 and REP-118, clouds, topics by consumer profile."""
