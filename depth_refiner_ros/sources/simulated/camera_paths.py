# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses of the camera: smooth collision-free walks and independent views of a room."""

import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.simulated.render.renderer import RoomRenderer
from depth_refiner_ros.sources.simulated.rooms.room import Room
import numpy as np

CLEARANCE_M = 0.3
NEAREST_MEDIAN_M, FARTHEST_MEDIAN_M = 0.8, 6.0
LARGEST_SPEED_M_S, LARGEST_TURN_DEG_S = 0.45, 36.0
_PROBE = Intrinsics.from_fov(40, 30, 65.0)
_CANDIDATES = 400
_PATHS_TO_COMPARE = 6


def random_intrinsics(seed: int, width: int, height: int) -> Intrinsics:
    """Draw the camera of a room: 45-95 degrees wide, principal point up to 5 % off centre."""
    rng = np.random.default_rng([seed, 2])
    centred = Intrinsics.from_fov(width, height, float(rng.uniform(45, 95)))
    off = rng.uniform(-0.05, 0.05, 2)
    return Intrinsics(
        fx=centred.fx,
        fy=centred.fy * float(rng.uniform(0.995, 1.005)),
        cx=centred.cx + float(off[0]) * width,
        cy=centred.cy + float(off[1]) * height,
        width=width,
        height=height,
    )


def pose(position_3: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """
    Return ``map_from_camera`` (4 x 4 float64) of an optical frame.

    :param position_3: metres in the map
    :param yaw: direction of view about z, 0 looks along x (radians)
    :param pitch: positive looks up
    :param roll: positive turns the image clockwise
    """
    forward = np.array(
        [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    level = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
    down = np.cross(forward, level)
    right = math.cos(roll) * level + math.sin(roll) * down
    result = np.eye(4)
    result[:3, 0], result[:3, 1], result[:3, 2] = right, np.cross(forward, right), forward
    result[:3, 3] = position_3
    return result


def _height(rng: np.random.Generator, room: Room) -> float:
    """Draw a camera height: sometimes that of a floor robot, mostly of a hand or a humanoid."""
    if rng.random() < 0.3:
        return float(rng.uniform(0.32, 0.55))
    return float(rng.uniform(0.8, min(1.8, float(room.size_3[2]) - 0.5)))


def _standing_view(rng: np.random.Generator, room: Room) -> tuple[np.ndarray, float, float]:
    """Draw position, yaw and pitch anywhere in the room."""
    height = _height(rng, room)
    place = rng.uniform(0.32, room.size_3[:2].astype(np.float64) - 0.32)
    inward = np.arctan2(*(room.size_3[:2] / 2 - place)[::-1])
    yaw = float(inward + rng.normal(0, 0.9))
    lean = -0.12 if height > 0.7 else 0.1
    pitch = float(np.clip(rng.normal(lean, 0.2), -0.6, 0.6))
    return np.array([*place, height]), yaw, pitch


def _close_view(rng: np.random.Generator, focus_3: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Draw a view of a desk top from 0.6-1.5 m away."""
    reach, yaw = rng.uniform(0.6, 1.5), rng.uniform(-math.pi, math.pi)
    pitch = -float(rng.uniform(0.15, 0.6))
    target = focus_3 + rng.uniform(-0.25, 0.25, 3) * (1, 1, 0.3)
    back = np.array(
        [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    return target - reach * back, float(yaw), pitch


def _view(rng: np.random.Generator, room: Room) -> tuple[np.ndarray, float, float]:
    if room.focus_3 is not None and rng.random() < 0.75:
        return _close_view(rng, room.focus_3)
    return _standing_view(rng, room)


def _clear(room: Room, renderer: RoomRenderer, positions_N3: np.ndarray) -> np.ndarray:
    """Return which places are inside the room and far enough from every surface."""
    inside = ((positions_N3 > CLEARANCE_M) & (positions_N3 < room.size_3 - CLEARANCE_M)).all(1)
    return inside & (renderer.clearance_m(positions_N3) >= CLEARANCE_M)


def outline_share(depth_m_HW: np.ndarray) -> float:
    """Return the share of a depth map, without holes, that lies at outlines."""
    inverse = 1 / depth_m_HW
    bend = np.abs(inverse[:, 2:] - 2 * inverse[:, 1:-1] + inverse[:, :-2]) / inverse[:, 1:-1]
    return float((bend > 0.1).mean())


def _outlines(renderer: RoomRenderer, map_from_camera: np.ndarray) -> float:
    """Return the share of the view at outlines, or -1 if the median depth is out of range."""
    depth = renderer.depth(_PROBE, map_from_camera)
    if not NEAREST_MEDIAN_M * 1.08 <= float(np.median(depth)) <= FARTHEST_MEDIAN_M * 0.92:
        return -1.0
    return outline_share(depth)


def random_views(room: Room, renderer: RoomRenderer, seed: int, count: int) -> list[np.ndarray]:
    """
    Draw independent views without collisions, at a median depth of 0.8-6 m, rarely of a bare wall.

    :param count: number of views
    :return: ``map_from_camera`` of each, 4 x 4 float64
    :raises SourceError: if the room has no such place, with the room's seed
    """
    rng = np.random.default_rng([seed, 3])
    views: list[np.ndarray] = []
    for _ in range(_CANDIDATES * max(1, count)):
        if len(views) == count:
            return views
        position, yaw, pitch = _view(rng, room)
        roll = float(rng.normal(0, 0.035))
        if not _clear(room, renderer, position[None])[0]:
            continue
        candidate = pose(position, yaw, pitch, roll)
        if _outlines(renderer, candidate) >= (0.1 if rng.random() < 0.85 else 0.01):
            views.append(candidate)
    if len(views) == count:
        return views
    raise SourceError(
        f'room {room.seed}: found {len(views)} of {count} free views; use another seed'
    )


def camera_path(
    room: Room, renderer: RoomRenderer, seed: int, frames: int, rate_hz: float
) -> list[np.ndarray]:
    """
    Walk through the room like a slow robot or a hand, looking around.

    Of a few collision-free paths, the one that sees the most outlines is chosen.

    :param frames: number of poses
    :param rate_hz: poses per second; speed stays below 0.5 m/s and 40 deg/s
    :return: ``map_from_camera`` of each, 4 x 4 float64
    :raises SourceError: if no free path is found, with the room's seed
    """
    rng = np.random.default_rng([seed, 4])
    seconds = np.arange(frames) / rate_hz
    found: list[tuple[float, list[np.ndarray]]] = []
    for attempt in range(_CANDIDATES):
        if len(found) == _PATHS_TO_COMPARE or (found and attempt > _CANDIDATES // 2):
            break
        position, yaw, pitch = _view(rng, room)
        reach = 1.2 * 0.985**attempt
        places, angles = _wander(rng, seconds, position, (yaw, pitch), reach)
        if not _clear(room, renderer, places).all():
            continue
        path = [pose(place, *angle) for place, angle in zip(places, angles)]
        seen = [_outlines(renderer, step) for step in path[::2] + path[-1:]]
        if min(seen) >= 0:
            found.append((float(np.mean(seen)), path))
    if found:
        return max(found, key=lambda scored: scored[0])[1]
    raise SourceError(f'room {room.seed}: found no free path of {frames} frames; use another seed')


def _wander(
    rng: np.random.Generator,
    seconds: np.ndarray,
    position_3: np.ndarray,
    view: tuple[float, float],
    reach_m: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return places (N, 3) and yaw, pitch, roll (N, 3) of a slow wandering around a start."""

    def sway(amplitude: float, fastest: float) -> np.ndarray:
        """Return a sum of two slow waves that starts at 0 and moves at most at ``fastest``."""
        total = np.zeros_like(seconds)
        for share in (0.7, 0.3):
            omega = 2 * math.pi / rng.uniform(6, 16)
            size = min(share * amplitude, share * fastest / omega)
            phase = rng.uniform(0, 2 * math.pi)
            total += size * (np.sin(omega * seconds + phase) - math.sin(phase))
        return total

    slow = LARGEST_SPEED_M_S / math.sqrt(3)
    places = position_3 + np.stack(
        [sway(reach_m, slow), sway(reach_m, slow), sway(0.12 * reach_m, slow)], -1
    )
    turn = math.radians(LARGEST_TURN_DEG_S)
    yaw = view[0] + sway(1.4 * reach_m, 0.7 * turn)
    pitch = view[1] + sway(0.15, 0.2 * turn)
    roll = sway(0.04, 0.1 * turn)
    return places, np.stack([yaw, np.clip(pitch, -0.61, 0.61), roll], -1)
