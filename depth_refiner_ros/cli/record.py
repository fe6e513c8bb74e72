# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner record``: a running graph to a TUM RGB-D or MonoGS folder."""

from depth_refiner_ros.cli.flags import settings_flags
from depth_refiner_ros.settings.nodes import RecorderNodeSettings


@settings_flags('recorder', RecorderNodeSettings)
def record(recorder: RecorderNodeSettings) -> None:
    """Write what the refiner publishes into a sequence folder. Ctrl-C ends it."""
    from depth_refiner_ros.apps.node_process import run_node

    run_node('recorder', recorder)
