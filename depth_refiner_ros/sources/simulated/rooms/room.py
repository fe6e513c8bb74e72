# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Furnish a room: draw its size and style, place furniture, hang things, set the lights."""

from dataclasses import dataclass
import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms.catalogue import CATALOGUE
from depth_refiner_ros.sources.simulated.rooms.layout import at_wall, footprint, on_floor, Plan
from depth_refiner_ros.sources.simulated.rooms.light_sources import Lighting, Pane
from depth_refiner_ros.sources.simulated.rooms.lights import hang_lights
from depth_refiner_ros.sources.simulated.rooms.materials import Kit, Material
from depth_refiner_ros.sources.simulated.rooms.shapes import Mesh, Piece
import numpy as np


@dataclass(frozen=True, kw_only=True)
class CameraLook:
    """Settings of the room's camera: exposure target, color balance and drift."""

    level: float
    balance_3: np.ndarray
    drift: float


@dataclass(frozen=True, kw_only=True)
class Room:
    """
    A furnished room; the map frame has z up and its origin in a corner on the floor.

    :param seed: seed that it was built from
    :param kind: living, bedroom, office, kitchen, storage, corridor or desktop
    :param size_3: width, depth and height in metres
    :param surface: all triangles
    :param focus_3: a point to look at from close by (the desktop's middle), or None
    """

    seed: int
    kind: str
    size_3: np.ndarray
    surface: Mesh
    materials: list[Material]
    lighting: Lighting
    look: CameraLook
    focus_3: np.ndarray | None

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ``vertices_N3`` float32 metres and ``triangles_M3`` int32."""
        return self.surface.vertices_V3, self.surface.triangles_F3


def _size(kit: Kit, kind: str) -> np.ndarray:
    """Draw width, depth and height in metres."""
    height = kit.uniform(2.3, 3.5) if kit.chance(0.3) else kit.uniform(2.35, 2.8)
    if kind == 'corridor':
        sides = [kit.uniform(1.5, 2.6), kit.uniform(5.0, 9.0)]
        kit.rng.shuffle(sides)
        return np.array([*sides, height], np.float32)
    return np.array([kit.uniform(2.5, 7.0), kit.uniform(2.8, 9.0), height], np.float32)


def openings(kit: Kit, plan: Plan, scene: Piece, daylight: float) -> list[Pane]:
    """Put doors and windows into the walls; return the panes."""
    for _ in range(kit.integer(1, 2)):
        at_wall(kit, plan, scene, structures.door(kit), mounted=True)
    panes = []
    for _ in range(kit.integer(0, 3)):
        wall, low = kit.integer(0, 3), kit.uniform(0.8, 1.1) if kit.chance(0.8) else 0.15
        high, width = low + kit.uniform(1.0, 1.3), kit.uniform(0.7, 2.0)
        piece = structures.window(kit, width, low, high, daylight)
        start, end = piece.bounds()
        half = float(end[0])
        if plan.length(wall) < 2 * half + 0.1 or end[2] > plan.size_3[2] - 0.05:
            continue
        along = kit.uniform(half + 0.05, plan.length(wall) - half - 0.05)
        span = (along - half, along + half, float(start[2]), float(end[2]))
        if not plan.wall_free(wall, *span):
            continue
        plan.walls.append((wall, *span))
        x, y, yaw = plan.pose(wall, along, 0.0)
        scene.add(piece, (x, y, 0), yaw=yaw)
        axis = 1 if wall % 2 == 0 else 0
        lows, highs = np.full(3, -1e3, np.float32), np.full(3, 1e3, np.float32)
        lows[[1 - axis, 2]], highs[[1 - axis, 2]] = (
            (along - width / 2, low),
            (along + width / 2, high),
        )
        panes.append(Pane(axis, (x, y)[axis], lows, highs))
    return panes


def furnish(kit: Kit, plan: Plan, scene: Piece, kind: str) -> None:
    """Fill walls, then the floor, until the drawn share of the floor is covered."""
    along_walls, free = CATALOGUE[kind]
    share = kit.uniform(0.25, 0.6)
    for makers, place, goal, tries in (
        (along_walls, at_wall, share * 0.75, 10),
        (free, on_floor, share, 16),
    ):
        for _ in range(tries):
            if plan.covered() > goal:
                break
            place(kit, plan, scene, makers[kit.integer(0, len(makers) - 1)](kit))
    hung = (
        structures.picture,
        structures.picture,
        structures.picture,
        structures.clock,
        structures.board,
        structures.wall_shelf,
    )
    for _ in range(kit.integer(0, 7)):
        at_wall(kit, plan, scene, hung[kit.integer(0, len(hung) - 1)](kit), mounted=True)
    if kit.chance(0.45):
        rug, (w, d) = Piece(), (kit.uniform(0.8, 1.6), kit.uniform(1.2, 2.2))
        palette = np.stack(
            [
                kit.color(
                    ((150, 40, 40), (30, 50, 90), (200, 180, 140), (60, 60, 60), (170, 120, 60))
                )
                for _ in range(4)
            ]
        )
        rug.box(
            (0, 0, 0.005),
            (w, d, 0.01),
            kit.material(
                'rug',
                palette[0],
                palette[1],
                palette=palette,
                extent=(w, d),
                period_u=kit.uniform(0.1, 0.4),
            ),
        )
        x, y = (kit.uniform(0.4, 0.6) * float(side) for side in plan.size_3[:2])
        if min(plan.size_3[:2]) > 2.7:
            scene.add(rug, (x, y, 0), yaw=kit.uniform(-0.2, 0.2))
    if kit.chance(0.25):
        x, y = (kit.uniform(0.5, float(s) - 0.5) for s in plan.size_3[:2])
        scene.add(structures.cable(kit, kit.uniform(0.3, 1.2)), (x, y, float(plan.size_3[2])))


def _desktop(kit: Kit, plan: Plan, scene: Piece) -> np.ndarray:
    """Put a cluttered table into the middle and return the centre of its top."""
    maker = furniture.table if kit.chance(0.6) else furniture.desk
    piece = maker(kit, kit.uniform(20, 45))
    x, y = (kit.uniform(0.42, 0.58) * float(side) for side in plan.size_3[:2])
    yaw = kit.uniform(-math.pi, math.pi)
    plan.floor.append(footprint(piece, x, y, yaw))
    scene.add(piece, (x, y, 0), yaw=yaw)
    return np.array([x, y, piece.tops[0].z])


def build_room(seed: int) -> Room:
    """
    Build the furnished room of a seed.

    :param seed: not negative; the same seed gives the same room bit for bit
    :raises InputError: if the seed is negative
    """
    if seed < 0:
        raise InputError(f'room seed {seed} is negative; use 0 or more')
    kit = Kit(np.random.default_rng([seed, 1]))
    kind = str(kit.rng.choice(list(CATALOGUE), p=[0.2, 0.15, 0.18, 0.14, 0.11, 0.08, 0.14]))
    plan, scene = Plan(_size(kit, kind)), Piece()
    width, depth, height = (float(side) for side in plan.size_3)
    scene.add(structures.shell(kit, width, depth, height))
    daylight = kit.uniform(0.8, 3.0) if kit.chance(0.8) else 0.05
    panes = openings(kit, plan, scene, daylight)
    if kind != 'corridor' and kit.chance(0.35):
        at_wall(kit, plan, scene, structures.pier(kit, height))
    focus = _desktop(kit, plan, scene) if kind == 'desktop' else None
    furnish(kit, plan, scene, kind)
    lighting = hang_lights(kit, plan, scene, panes if daylight > 0.1 else [], daylight)
    look = CameraLook(
        level=kit.uniform(0.16, 0.3),
        drift=kit.uniform(0.5, 0.9),
        balance_3=np.array([kit.uniform(0.85, 1.15), 1.0, kit.uniform(0.85, 1.15)], np.float32),
    )
    return Room(
        seed=seed,
        kind=kind,
        size_3=plan.size_3,
        surface=scene.mesh(),
        materials=kit.materials,
        lighting=lighting,
        look=look,
        focus_3=focus,
    )
