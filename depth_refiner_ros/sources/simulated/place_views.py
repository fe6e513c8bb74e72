# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Views of a place: from a hand, along its length, of a table's clutter, from a robot or drone."""

from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import NamedTuple

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.simulated.camera_paths import outline_share, pose
from depth_refiner_ros.sources.simulated.places.place import Place
from depth_refiner_ros.sources.simulated.render.renderer import RoomRenderer
import numpy as np

_PROBE_PX = 40, 30
_TRIES = 400
_CLEARANCE_M = 0.25
_FAR_M = 200.0
"""As which the sky counts, where views are judged."""


class Stand(NamedTuple):
    """Where a camera stands and looks: metres, and radians as :func:`pose` takes them."""

    position_3: np.ndarray
    yaw: float
    pitch: float


@dataclass(frozen=True)
class View:
    """
    One view of a place.

    :param kind: of the view, one of ``VIEWS`` or ``OUTDOOR_VIEWS``
    :param intrinsics: its lens
    """

    kind: str
    intrinsics: Intrinsics
    map_from_camera: np.ndarray


def lens(rng: np.random.Generator, width: int, height: int) -> Intrinsics:
    """Draw a lens: half of them as phones and depth cameras have, all 50-110 degrees wide."""
    fov_deg = float(rng.uniform(55, 75) if rng.random() < 0.5 else rng.uniform(50, 110))
    centred = Intrinsics.from_fov(width, height, fov_deg)
    off_x, off_y = rng.uniform(-0.04, 0.04, 2).tolist()
    return Intrinsics(
        fx=centred.fx,
        fy=centred.fy * float(rng.uniform(0.995, 1.005)),
        cx=centred.cx + off_x * width,
        cy=centred.cy + off_y * height,
        width=width,
        height=height,
    )


def _anywhere(rng: np.random.Generator, place: Place, height_m: float) -> tuple[np.ndarray, float]:
    """Draw a position, and the yaw that looks from it to somewhere in the middle half."""
    sides = place.size_3[:2].astype(np.float64)
    position = rng.uniform(0.3, sides - 0.3)
    towards = sides * rng.uniform(0.25, 0.75, 2) - position
    return np.array([*position, height_m]), math.atan2(towards[1], towards[0])


def _from_hand(rng: np.random.Generator, place: Place) -> Stand:
    """Look around from 1.2-1.7 m, mostly slightly down."""
    position, yaw = _anywhere(rng, place, float(rng.uniform(1.2, 1.7)))
    return Stand(position, yaw + rng.normal(0, 0.35), rng.normal(-0.18, 0.17))


def _from_floor(rng: np.random.Generator, place: Place) -> Stand:
    """Look ahead from a floor robot, 0.1-0.5 m high."""
    position, yaw = _anywhere(rng, place, float(rng.uniform(0.1, 0.5)))
    return Stand(position, yaw + rng.normal(0, 0.4), rng.normal(0.06, 0.1))


def _from_drone(rng: np.random.Generator, place: Place) -> Stand:
    """Look down from 2 m or more, as high as the ceiling lets a drone fly."""
    highest = max(2.05, min(float(place.size_3[2]) - 0.35, 4.0))
    position, yaw = _anywhere(rng, place, float(rng.uniform(2.0, highest)))
    return Stand(position, yaw + rng.normal(0, 0.3), rng.uniform(-0.6, -0.1))


def _along(rng: np.random.Generator, place: Place) -> Stand:
    """Look along the longer side from near one of its ends."""
    sides, axis = place.size_3[:2].astype(np.float64), int(place.size_3[1] > place.size_3[0])
    position = rng.uniform(0.3, sides - 0.3)
    position[axis] = rng.uniform(0.3, max(0.5, 0.3 * sides[axis]))
    yaw = axis * math.pi / 2
    if rng.random() < 0.5:
        position, yaw = sides - position, yaw + math.pi
    height = float(rng.uniform(0.2, 0.5) if rng.random() < 0.2 else rng.uniform(1.0, 1.7))
    return Stand(np.array([*position, height]), yaw + rng.normal(0, 0.15), rng.normal(-0.1, 0.1))


def _from_table_edge(rng: np.random.Generator, place: Place) -> Stand:
    """Look at a table's clutter from its edge, 0.4-1.2 m away; around, where there is none."""
    if not place.spots:
        return _from_hand(rng, place)
    spot = place.spots[int(rng.integers(len(place.spots)))]
    side = spot.yaw + math.pi / 2 * int(rng.integers(4)) + rng.normal(0, 0.3)
    reach = math.hypot(*(half * turn for half, turn in zip(spot.half_2, _turned(spot.yaw - side))))
    away, up = rng.uniform(-0.1, 0.3), rng.uniform(0.25, 0.75)
    position = spot.centre_3 + np.array(
        [math.cos(side) * (reach + away), math.sin(side) * (reach + away), up]
    )
    ahead = rng.uniform(0.2, 0.9)
    return Stand(position, side + math.pi + rng.normal(0, 0.2), -math.atan2(up, ahead))


def _close_up(rng: np.random.Generator, place: Place) -> Stand:
    """Look down at a table's clutter from 0.35-1 m; around, where there is none."""
    if not place.spots:
        return _from_hand(rng, place)
    spot = place.spots[int(rng.integers(len(place.spots)))]
    (x, y), (cos, sin) = rng.uniform(-0.8, 0.8, 2) * spot.half_2, _turned(spot.yaw)
    target = spot.centre_3 + np.array([x * cos - y * sin, x * sin + y * cos, 0.05])
    reach, yaw = rng.uniform(0.35, 1.0), rng.uniform(-math.pi, math.pi)
    pitch = -rng.uniform(0.3, 1.2)
    level = math.cos(pitch)
    towards = np.array([math.cos(yaw) * level, math.sin(yaw) * level, math.sin(pitch)])
    return Stand(target - reach * towards, yaw, pitch)


def _turned(angle: float) -> tuple[float, float]:
    return math.cos(angle), math.sin(angle)


def _from_pavement(rng: np.random.Generator, place: Place) -> Stand:
    """Look around outdoors from 1.2-1.7 m, as often up as down."""
    return _from_hand(rng, place)._replace(pitch=rng.normal(0.02, 0.12))


def _from_car(rng: np.random.Generator, place: Place) -> Stand:
    """Look along the street from a lane, 1.2-2 m high."""
    width, length = place.size_3[:2].astype(np.float64)
    ahead = 1 if rng.random() < 0.5 else -1
    position = np.array([width / 2 + ahead * rng.uniform(0.2, 1.6), rng.uniform(2, length - 2), 0])
    position[2] = rng.uniform(1.2, 2.0)
    yaw = ahead * math.pi / 2 + (rng.normal(0, 0.15) if rng.random() < 0.8 else rng.normal(0, 1))
    return Stand(position, yaw, rng.normal(-0.03, 0.04))


VIEWS: dict[str, tuple[Callable[[np.random.Generator, Place], Stand], float]] = {
    'hand': (_from_hand, 0.3),
    'along': (_along, 0.14),
    'table': (_from_table_edge, 0.16),
    'close': (_close_up, 0.22),
    'floor': (_from_floor, 0.12),
    'drone': (_from_drone, 0.06),
}
"""How each kind of view is drawn, and how often."""
OUTDOOR_VIEWS: dict[str, tuple[Callable[[np.random.Generator, Place], Stand], float]] = {
    'car': (_from_car, 0.6),
    'hand': (_from_pavement, 0.2),
    'floor': (_from_floor, 0.08),
    'drone': (_from_drone, 0.12),
}
"""The same, below an open sky."""


def place_views(
    place: Place, renderer: RoomRenderer, seed: int, count: int, size: tuple[int, int]
) -> list[View]:
    """
    Draw views of a place, none inside or right in front of a thing, rarely of a bare wall.

    :param count: number of views
    :param size: columns and rows of the images
    :raises SourceError: if the place has no such views, with its seed
    """
    rng = np.random.default_rng([seed, 13])
    kinds = VIEWS if place.lighting.sky is None else OUTDOOR_VIEWS
    shares = np.array([share for _, share in kinds.values()])
    views: list[View] = []
    for _ in range(_TRIES * max(1, count)):
        if len(views) == count:
            return views
        kind = str(rng.choice(list(kinds), p=shares / shares.sum()))
        stand = kinds[kind][0](rng, place)
        candidate = pose(*stand, roll=float(rng.normal(0, 0.035)))
        view = View(kind, lens(rng, *size), candidate)
        if _is_seen_well(rng, place, renderer, view):
            views.append(view)
    if len(views) == count:
        return views
    raise SourceError(
        f'place {place.seed}: found {len(views)} of {count} free views; use another seed'
    )


def _is_seen_well(
    rng: np.random.Generator, place: Place, renderer: RoomRenderer, view: View
) -> bool:
    """Whether a camera is free of surfaces and sees outlines, nothing large right before it."""
    position = view.map_from_camera[:3, 3]
    needed = min(_CLEARANCE_M, 0.9 * float(position[2]))
    inside = (position[:2] > 0.1).all() and (position < place.size_3 - 0.1).all()
    if not inside or renderer.clearance_m(position[None])[0] < needed:
        return False
    probe = view.intrinsics.resized(*_PROBE_PX)
    depth_m = np.minimum(renderer.depth(probe, view.map_from_camera), _FAR_M)
    nearest_m = 0.3 if view.kind == 'close' else 0.5
    if np.nanpercentile(depth_m, 5) < 0.25 or np.nanmedian(depth_m) < nearest_m:
        return False
    return outline_share(depth_m) >= (0.08 if rng.random() < 0.85 else 0.01)
