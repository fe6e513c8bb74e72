# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A simulated camera in furnished rooms and other places, with exact depth, pose and mesh."""

from depth_refiner_ros.sources.simulated.camera_paths import (
    camera_path,
    random_intrinsics,
    random_views,
)
from depth_refiner_ros.sources.simulated.place_views import place_views, View
from depth_refiner_ros.sources.simulated.places.place import build_place, Place
from depth_refiner_ros.sources.simulated.render.exposure import expose
from depth_refiner_ros.sources.simulated.render.renderer import Rendered, RoomRenderer
from depth_refiner_ros.sources.simulated.rooms.room import build_room, Room
from depth_refiner_ros.sources.simulated.source import SimulatedSource

__all__ = [
    'Place',
    'Rendered',
    'Room',
    'RoomRenderer',
    'SimulatedSource',
    'View',
    'build_place',
    'build_room',
    'camera_path',
    'expose',
    'place_views',
    'random_intrinsics',
    'random_views',
]
