# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the commands print: progress, tables and one-line results."""

from collections.abc import Iterable, Iterator, Mapping
import json
import math
from pathlib import Path
import sys
from typing import Any, TypeVar

from depth_refiner_ros.apps.wording import in_flags
from depth_refiner_ros.core.atomic import write_text
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Item = TypeVar('Item')

console = Console(stderr=True)
"""Progress goes to stderr, so that stdout holds only results."""


def say(text: str) -> None:
    """Print a result to stdout."""
    print(text, flush=True)


def note(text: str) -> None:
    """Print a remark to stderr; options are named as flags."""
    print(in_flags(text), file=sys.stderr, flush=True)


def progress_bars() -> Progress:
    """Return progress bars with counts and times, to be used in a ``with`` statement."""
    return Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
    )


def tracked(items: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    """Yield the items while a progress bar advances."""
    with progress_bars() as bars:
        task = bars.add_task(escape(description), total=total)
        for item in items:
            yield item
            bars.advance(task)


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """
    Write a result as JSON; numbers that are not finite become null.

    :raises OutputError: if the file cannot be written
    """
    text = json.dumps(plain(result), indent=2, allow_nan=False, ensure_ascii=False)
    write_text(path, text + '\n')


def plain(value: Any) -> Any:
    """Convert nested results into values that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
