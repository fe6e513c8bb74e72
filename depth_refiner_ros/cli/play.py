# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner play``: a recording or the simulated camera as ROS topics."""

from depth_refiner_ros.cli.flags import settings_flags, SourceLocation
from depth_refiner_ros.settings.nodes import PlayerNodeSettings


@settings_flags('player', PlayerNodeSettings, skip=('source',))
def play(source: SourceLocation, player: PlayerNodeSettings) -> None:
    """Publish a source as a camera would: image, camera_info, poses. Ctrl-C ends it."""
    from depth_refiner_ros.apps.node_process import run_node
    from depth_refiner_ros.settings.options import updated

    run_node('player', updated(player, {'source': source}))
