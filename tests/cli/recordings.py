# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small recordings and frame lists to test commands."""

import json

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.recording import SequenceWriter
import numpy as np

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
WALL_M = 2.0
STEP_NS = 100_000_000
PLAIN = ('--refiner', 'none', '--prior')


def wall(folder, frames=4, *, poses=True, pose=None, first=1):
    """Write a recording of a textured wall, seen frontally from 2 m by a camera at rest."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    rgb_HW3 = cv2.resize(noise, (64, 48), interpolation=cv2.INTER_LINEAR)
    depth_m_HW = np.full((48, 64), WALL_M, np.float32)
    depth_m_HW[:4] = np.nan
    with SequenceWriter(folder, CAMERA) as writer:
        for index in range(frames):
            known = (np.eye(4) if pose is None else pose) if poses else None
            writer.add(STEP_NS * (index + first), rgb_HW3, depth_m_HW, known)
    return folder


def frame_list(folder):
    """Write a list of one indoor frame, and one outdoor frame with coarser depth."""
    entries = []
    for name, scene, size in (
        ('hall', 'indoor hall', (64, 48)),
        ('road', 'outdoor road', (32, 24)),
    ):
        columns = np.linspace(1000, 4000, size[0])
        depth = np.tile(np.where(np.arange(size[0]) < size[0] // 2, columns, 9000), (size[1], 1))
        cv2.imwrite(str(folder / f'{name}.png'), np.full((48, 64, 3), 99, np.uint8))
        cv2.imwrite(str(folder / f'{name}_depth.png'), depth.astype(np.uint16))
        entries.append(
            {
                'name': name,
                'rgb': f'{name}.png',
                'depth': f'{name}_depth.png',
                'depth_scale': 1000,
                'scene': scene,
                'source': f'{name}s',
                'depth_size': list(size),
                'fx_fy_cx_cy': [60.0, 60.0, 31.5, 23.5],
            }
        )
    (folder / 'frames.json').write_text(json.dumps(entries))
    return folder / 'frames.json'
