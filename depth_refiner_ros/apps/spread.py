"""Which frames of a run are shown."""


def spread_indices(count: int, shown: int) -> list[int]:
    """Return up to ``shown`` indices, evenly spread, off the very ends."""
    shown = min(shown, count)
    return [int((2 * i + 1) * count / (2 * shown)) for i in range(shown)]
