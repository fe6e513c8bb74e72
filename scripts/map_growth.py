# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Time fusion while its map grows: ``python scripts/map_growth.py --json FILE --plot FILE``.

A camera goes down an endless corridor, so that each frame adds as much new surface as any other.
Every part of a frame is timed, and beside it integration alone, ours and Open3D's, of the same
blocks. On one core (``taskset -c 0``) the core's own time counts, which other programs on a busy
machine do not lengthen.
"""

from collections import defaultdict
import os
from pathlib import Path
import sys
import time
from typing import Annotated

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.apps.console import note, say, tracked, write_json
from depth_refiner_ros.apps.hardware import processor
from depth_refiner_ros.bench.contention import Contention
from depth_refiner_ros.bench.plots import curves
from depth_refiner_ros.cli.flags import writable
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.blocks import touched_blocks
from depth_refiner_ros.mapping.integration import integrate
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.pixel_weights import pixel_weights
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
from depth_refiner_ros.report.panels import write_png
from depth_refiner_ros.settings.fusion import TsdfSettings
import numpy as np
import open3d as o3d
import open3d.core as o3c
from training.program import ended
import typer

CAMERA = Intrinsics.from_fov(640, 480, 70.0)
STEP_M = 0.05
HALF_WIDTH_M, HALF_HEIGHT_M = 1.2, 1.3
MESHED_EVERY = 20
"""Frames between two messages of the mesh: 2 s at 10 Hz."""
CLOCK = time.process_time if len(os.sched_getaffinity(0)) == 1 else time.perf_counter
NAMES = 'integrate, weights', 'integrate, no weights'
"""Of even frames and of odd ones."""
POINTS = 20
"""Of each curve: the median of as many frames as that leaves."""


def corridor(start_m: float) -> PosedDepth:
    """Return the depth of a corridor along Z."""
    x_HW, y_HW = np.abs(CAMERA.rays().numpy())
    with np.errstate(divide='ignore'):
        depth_m_HW = np.minimum(HALF_WIDTH_M / x_HW, HALF_HEIGHT_M / y_HW)
    pose = np.eye(4)
    pose[2, 3] = start_m
    return PosedDepth(
        depth_m_HW=depth_m_HW.astype(np.float32), intrinsics=CAMERA, map_from_camera=pose
    )


class SameBlocks:
    """Integration alone: ours and Open3D's, each into a grid of its own."""

    def __init__(self, settings: TsdfSettings) -> None:
        self._settings = settings
        self._ours, self._theirs = (
            VoxelGrid(settings.voxel_m, 8, 1e6, o3c.Device('CPU:0')) for _ in range(2)
        )
        matrix = CAMERA.matrix()
        matrix[:2, 2] += 0.5
        self._matrix = o3c.Tensor.from_numpy(matrix)

    def integrate_s(
        self, view: PosedDepth, rgb_HW3: np.ndarray, weight_HW: np.ndarray | None
    ) -> tuple[float, float]:
        """Return the seconds of our call and of Open3D's, without preparing its arguments."""
        settings = self._settings
        truncation_m = settings.voxel_m * settings.truncation_voxels
        far_HW = view.depth_m_HW > settings.max_range_m
        depth_m_HW = np.where(far_HW, np.float32(0), view.depth_m_HW)
        blocks_K3 = touched_blocks(
            depth_m_HW,
            CAMERA,
            view.map_from_camera,
            block_m=self._ours.block_m,
            truncation_m=truncation_m,
        )
        self._ours.add(blocks_K3)
        self._theirs.add(blocks_K3)
        camera_from_map = inverse(view.map_from_camera)
        images = [
            o3d.t.geometry.Image(o3c.Tensor.from_numpy(image))
            for image in (depth_m_HW, rgb_HW3.astype(np.float32) / 255)
        ]
        blocks, extrinsics = (o3c.Tensor.from_numpy(one) for one in (blocks_K3, camera_from_map))
        limits = (1.0, settings.max_range_m, settings.truncation_voxels)
        started_s = CLOCK()
        self._theirs.open3d.integrate(
            blocks, images[0], images[1], self._matrix, self._matrix, extrinsics, *limits
        )
        theirs_s = CLOCK() - started_s
        started_s = CLOCK()
        integrate(
            self._ours,
            blocks_K3,
            depth_m_HW,
            rgb_HW3,
            weight_HW,
            CAMERA,
            camera_from_map,
            truncation_m=truncation_m,
        )
        return CLOCK() - started_s, theirs_s


def main(
    frames: Annotated[int, typer.Option(min=POINTS, help='Frames to fuse.')] = 2000,
    json: Annotated[
        Path | None, typer.Option(callback=writable, help='Also write the times here.')
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(callback=writable, help='Also draw them here (PNG).')
    ] = None,
) -> None:
    """Time fusion of a growing map."""
    settings = TsdfSettings(device='cpu')
    mapper, alone = Mapper(settings), SameBlocks(settings)
    rgb_HW3 = np.full((CAMERA.height, CAMERA.width, 3), 128, np.uint8)
    confidence_HW = np.ones((CAMERA.height, CAMERA.width), np.float32)
    ms: dict[str, list[float]] = defaultdict(list)
    ratios: dict[str, list[float]] = defaultdict(list)
    memory_mb = []
    with Contention() as contention:
        for index in tracked(range(frames), 'fusing', frames):
            view = corridor(STEP_M * index)
            started_s = CLOCK()
            held, _ = mapper.held(view, settings)
            scaled_s = CLOCK()
            mapper.add(held, rgb_HW3, confidence_HW, settings)
            added_s = CLOCK()
            ms['scale'].append(1e3 * (scaled_s - started_s))
            ms['fuse'].append(1e3 * (added_s - scaled_s))
            name = NAMES[index % 2]
            weight_HW = pixel_weights(view.depth_m_HW, CAMERA) if name == NAMES[0] else None
            ours_s, theirs_s = alone.integrate_s(view, rgb_HW3, weight_HW)
            ms[name].append(1e3 * ours_s)
            ms["Open3D's bare integrate"].append(1e3 * theirs_s)
            ratios[name].append(ours_s / theirs_s)
            if index % MESHED_EVERY == MESHED_EVERY - 1:
                started_s = CLOCK()
                mapper.volume.cell_meshes(mapper.volume.take_changed(), min_weight=2.0)
                elapsed_s = CLOCK() - started_s
                ms['mesh of what changed, a frame'] += [1e3 * elapsed_s / MESHED_EVERY]
            memory_mb.append(mapper.volume.memory_mb)
    if contention.warning():
        note(contention.warning())
    series = {name: _medians(values, frames) for name, values in ms.items()}
    for name, points in series.items():
        say(f'{name}: first {points[0][1]:.1f} ms, last {points[-1][1]:.1f} ms')
    spread = {
        name: np.quantile(values, (0.1, 0.5, 0.9)).tolist() for name, values in ratios.items()
    }
    for name, (low, middle, high) in spread.items():
        say(f'{name}, over Open3D: {middle:.2f} ({low:.2f} to {high:.2f})')
    say(f'memory {memory_mb[-1]:.0f} MB after {frames} frames, {STEP_M * frames:.0f} m')
    if json:
        write_json(
            json,
            {
                'processor': processor(),
                'contention': contention.facts(),
                'frames': frames,
                'step_m': STEP_M,
                'memory_mb': memory_mb[-1],
                'clock': 'of the core' if CLOCK is time.process_time else 'of the wall',
                'integrate_over_open3d_10_50_90_percent': spread,
                'median_ms': {name: float(np.median(values)) for name, values in ms.items()},
                'ms_by_frame': series,
            },
        )
    if plot:
        chart = curves(
            'Fusion of a growing map', series, x_label='frames fused', y_label='ms a frame'
        )
        write_png(plot, chart.rgb_HW3())


def _medians(values: list[float], frames: int) -> list[tuple[float, float]]:
    parts = np.array_split(np.array(values), POINTS)
    return [
        (round(frames * (number + 1) / POINTS), float(np.median(part)))
        for number, part in enumerate(parts)
    ]


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
