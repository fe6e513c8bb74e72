# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameter defaults and topic names for each consumer of depth."""

from collections.abc import Mapping
from typing import Any

DEFAULTS: dict[str, dict[str, Any]] = {
    'rep118': {},
    # nvblox takes +Inf for a surface, so far depth must be unknown.
    'nvblox': {'out_of_range': 'nan', 'max_range_m': 20.0},
    'rtabmap': {'out_of_range': 'nan'},
    # depth_image_proc puts a depth of 0.0 at the camera, but leaves out what is not finite.
    'depth_image_proc': {'out_of_range': 'nan'},
    # MonoGS multiplies by its mask, so any NaN spreads to the loss.
    'monogs': {'out_of_range': 'zero', 'max_range_m': 20.0},
    'realsense_compat': {'out_of_range': 'nan', 'points.layout': 'pcl32'},
    # Costmaps mark and clear by every point of a cloud: few points, no doubtful one, and far ones,
    # too, which are what clears. Heights are the costmap's: docs/mapping.md.
    'nav2': {
        'out_of_range': 'nan',
        'min_confidence': 0.3,
        'points.stride': 4,
        'points.organized': False,
        'points.max_rate_hz': 10.0,
    },
}
"""Defaults by profile; parameters set by the user take precedence."""

TOPICS: dict[str, dict[str, str]] = {
    'nvblox': {
        'depth/image': 'camera_0/depth/image',
        'depth/image_raw': 'camera_0/depth/image_raw',
        'depth/camera_info': 'camera_0/depth/camera_info',
        'color/image': 'camera_0/color/image',
        'color/camera_info': 'camera_0/color/camera_info',
    },
    'depth_image_proc': {
        'depth/image': 'depth_registered/image_rect',
        'depth/image_raw': 'depth_registered/image_raw',
        'depth/camera_info': 'depth_registered/camera_info',
        'color/image': 'rgb/image_rect_color',
        'color/camera_info': 'rgb/camera_info',
    },
    'rtabmap': {'color/image': 'rgb/image', 'color/camera_info': 'rgb/camera_info'},
    'realsense_compat': {
        'depth/image': 'aligned_depth_to_color/image',
        'depth/image_raw': 'aligned_depth_to_color/image_raw',
        'depth/camera_info': 'aligned_depth_to_color/camera_info',
        'points': 'depth/color/points',
        'color/image': 'color/image_raw',
        'color/camera_info': 'color/camera_info',
    },
}
"""
Output names by profile if they differ; remapping is applied after that.

Each image has a ``camera_info`` next to it (REP-118), also under another name.
"""


def changes(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the defaults that the given profile changes."""
    return DEFAULTS.get(str(given.get('profile', 'rep118')), {})


def topic(profile: str, name: str) -> str:
    """Return the name of an output under a profile."""
    return TOPICS.get(profile, {}).get(name, name)


def remaps(profile: str) -> list[tuple[str, str]]:
    """Return the remaps that let a consumer of the plain names read the outputs of a profile."""
    return list(TOPICS.get(profile, {}).items())
