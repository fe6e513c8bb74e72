# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A small folder of rendered rooms, drawn by hand: a wall, a floor and a box in front."""

import numpy as np

WIDTH, HEIGHT, FOCAL = 64, 48, 55.0


def scene(seed, width=WIDTH, height=HEIGHT):
    """Return color and depth of a box before a wall and a floor, exact for a level camera."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    below = np.maximum(rows - (height - 1) / 2, 1e-6) / FOCAL
    wall = rng.uniform(2.5, 4.0)
    depth = np.minimum(wall, rng.uniform(0.8, 1.2) / below)
    left, top = rng.integers(5, width // 2), rng.integers(5, height // 2)
    box = (
        (columns >= left)
        & (columns < left + width // 3)
        & (rows >= top)
        & (rows < top + height // 3)
    )
    depth = np.where(box, np.minimum(depth, rng.uniform(1.2, 2.0)), depth)
    shade = (255.0 / (1.0 + depth))[..., None] * rng.uniform(0.6, 1.0, 3)
    texture = 20.0 * ((rows // 4 + columns // 4) % 2)[..., None]
    return np.clip(shade + texture, 0, 255).astype(np.uint8), depth.astype(np.float16)


def write_rooms(folder, shards=(3, 2), *, prior=False, first_seed=0):
    """Write shards as the renderer does."""
    folder.mkdir(parents=True, exist_ok=True)
    seed = first_seed
    for number, count in enumerate(shards):
        pairs = [scene(seed + index) for index in range(count)]
        camera = [FOCAL, FOCAL, (WIDTH - 1) / 2, (HEIGHT - 1) / 2]
        parts = {
            'rgb': np.stack([rgb for rgb, _ in pairs]),
            'depth': np.stack([depth for _, depth in pairs]),
            'camera': np.tile(np.float32(camera), (count, 1)),
            'seed': np.arange(seed, seed + count),
        }
        if prior:
            parts['prior'] = 1.1 * parts['depth'][:, ::4, ::4]
        for name, values in parts.items():
            np.save(folder / f'{name}_{number:05d}.npy', values)
        seed += count
    return folder
