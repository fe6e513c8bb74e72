# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Import and build networks from foreign code: without xformers and without its output."""

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
    Hide xformers, and suppress output, warnings and logs while code is imported and built.

    xformers is compiled for one build of torch. UniDepth and Metric3D use it whenever it can be
    imported, and fail at the first image if it is for another build, Metric3D also on every CPU.
    Without it they use torch's own operations, with the same result. Their output is about
    training, or wrong: it says that UniDepth v1 cannot run.
    """
    hidden = {name: module for name, module in sys.modules.items() if _is_xformers(name)}
    for name in hidden:
        del sys.modules[name]
    sys.modules[XFORMERS] = None  # type: ignore[assignment]  # makes its import fail
    # Name of both encoders' log, which says that xformers is missing.
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
