# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Draw the lights of a room: ceiling lamps, skylight through windows, sun."""

import cv2
from depth_refiner_ros.sources.simulated.rooms import structures
from depth_refiner_ros.sources.simulated.rooms.layout import Plan
from depth_refiner_ros.sources.simulated.rooms.light_sources import (
    COVER_CELL_M,
    Lamp,
    Lighting,
    Pane,
    Sun,
)
from depth_refiner_ros.sources.simulated.rooms.materials import Kit
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


def hang_lights(
    kit: Kit, plan: Plan, scene: Piece, panes: list[Pane], daylight: float
) -> Lighting:
    """Return lamps, skylight and sun of a room; one light, sometimes two, casts shadows."""
    lamps: list[Lamp] = []
    warm = np.array([1.0, kit.uniform(0.75, 0.97), kit.uniform(0.5, 0.95)], np.float32)
    sky = np.array([kit.uniform(0.8, 1.0), 0.95, 1.0], np.float32)
    count = kit.integer(1, 3) if not panes else kit.integer(0, 2)
    shadowed = 1 if kit.chance(0.8) else 2
    for _ in range(count):
        drop = 0.0 if kit.chance(0.6) else kit.uniform(0.4, 0.7)
        x, y = (kit.uniform(0.25, 0.75) * float(side) for side in plan.size_3[:2])
        height = float(plan.size_3[2])
        scene.add(structures.ceiling_lamp(kit, drop, kit.uniform(3, 8)), (x, y, height))
        place = np.array([x, y, height - drop - (0.35 if drop else 0.12)], np.float32)
        lamps.append(Lamp(place, warm * np.float32(kit.uniform(1.5, 5)), len(lamps) < shadowed))
    for pane in panes[:2]:
        centre = (np.maximum(pane.low_3, 0) + np.minimum(pane.high_3, plan.size_3)) / 2
        inward = 1 if pane.value < 0.1 else -1
        centre[pane.axis] = pane.value + 0.25 * inward
        lamps.append(
            Lamp(
                centre.astype(np.float32),
                sky * np.float32(kit.uniform(0.8, 1.8) * daylight),
                len(lamps) < shadowed,
            )
        )
    sun = None
    if panes and kit.chance(0.6):
        pane = panes[0]
        inward = 1 if pane.value < 0.1 else -1
        towards = np.zeros(3, np.float32)
        towards[pane.axis], towards[1 - pane.axis] = -inward, kit.uniform(-0.9, 0.9)
        towards[2] = kit.uniform(0.35, 1.1)
        sun = Sun(
            towards / np.linalg.norm(towards),
            np.array([1.0, 0.92, 0.78], np.float32) * np.float32(kit.uniform(1.5, 5) * daylight),
            pane,
        )
    total = sum(float(lamp.power_3.mean()) for lamp in lamps)
    ambient = np.float32(kit.uniform(0.06, 0.2) * max(total, 1)) * (warm + sky) / 2
    return Lighting(ambient.astype(np.float32), tuple(lamps), sun, plan.size_3, floor_cover(plan))


def floor_cover(plan: Plan) -> np.ndarray:
    """Return a blurred floor plan in cells of COVER_CELL_M: 1 below furniture, 0 far from it."""
    columns, rows = (int(np.ceil(float(side) / COVER_CELL_M)) + 1 for side in plan.size_3[:2])
    cover = np.zeros((rows, columns), np.float32)
    for x0, y0, x1, y1 in plan.floor:
        first_row, last_row = round(y0 / COVER_CELL_M), round(y1 / COVER_CELL_M)
        first_column, last_column = round(x0 / COVER_CELL_M), round(x1 / COVER_CELL_M)
        cover[first_row : last_row + 1, first_column : last_column + 1] = 1
    return cv2.GaussianBlur(cover, (0, 0), 0.1 / COVER_CELL_M)
