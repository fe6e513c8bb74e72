# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Turn a run into a bundle.

``python -m training.tools.export RUN BUNDLE [checkpoint|best] [key=value ...]`` writes the
averaged weights in fp16 with the record of their training, reads them back, and compares them with
the network they came from. Each ``key=value`` goes into the record.
"""

from pathlib import Path
import sys

from training.export import export
from training.program import ended


def main(arguments: list[str]) -> int:
    """Export as the arguments say; return the exit code."""
    plain = [item for item in arguments if '=' not in item]
    notes = dict(item.split('=', 1) for item in arguments if '=' in item)
    if len(plain) < 2:
        print(__doc__)
        return 0 if arguments in (['-h'], ['--help']) else 2
    run, folder, *which = plain
    return ended(lambda: export(Path(run), Path(folder), *which[:1], notes=notes))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
