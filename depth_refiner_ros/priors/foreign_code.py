# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Importing and building networks from the code of others: as that code is tested, and quiet."""

from collections.abc import Iterator
import contextlib
import io
import logging
import sys
import warnings

XFORMERS = 'xformers'


@contextlib.contextmanager
def foreign_code() -> Iterator[None]:
    """
    Hide xformers, and what the code prints, warns and logs while it is imported and built.

    xformers is compiled for one build of torch. UniDepth and Metric3D take it wherever it can be
    imported, and fail at the first image where it is of another build, Metric3D also on every
    CPU. Without it they use torch's own operations, with the same result. What they print is of
    training, or wrong: that UniDepth v1 cannot run.
    """
    hidden = {name: module for name, module in sys.modules.items() if _is_xformers(name)}
    for name in hidden:
        del sys.modules[name]
    sys.modules[XFORMERS] = None  # type: ignore[assignment]  # makes an import fail
    # Both name their encoder's log so; it says that xformers is missing.
    log = logging.getLogger('dinov2')
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        log.setLevel(level)
        del sys.modules[XFORMERS]
        sys.modules.update(hidden)


def _is_xformers(name: str) -> bool:
    return name == XFORMERS or name.startswith(f'{XFORMERS}.')
