# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Batches as a pure function of (seed, step): crops, zoom, flip.

Only these two numbers determine a batch, so a resumed run sees exactly the batches of an
uninterrupted one, on any number of processes, without any sampler state to save.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import cv2
from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
import torch
from training.config import DataConfig
from training.data.rooms import RenderedRooms, View


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    One batch for an objective.

    :param rgb_B3HW: color in 0..1
    :param depth_m_B1HW: exact depth in metres, NaN where nothing was hit
    :param rays_B2HW: viewing rays
    :param focal_px_B: horizontal focal length at this size
    :param generator: the only source of randomness for what follows, on the CPU
    :param prior_m_B1HW: a prior's prediction, if one is stored beside the rooms
    """

    rgb_B3HW: torch.Tensor
    depth_m_B1HW: torch.Tensor
    rays_B2HW: torch.Tensor
    focal_px_B: torch.Tensor
    generator: torch.Generator
    prior_m_B1HW: torch.Tensor | None = None

    def to(self, device: torch.device) -> 'Batch':
        """Return the batch with its tensors on another device."""
        moved: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return replace(self, **moved)


def make_batch(
    rooms: RenderedRooms, config: DataConfig, size: int, *, seed: int, step: int, rank: int = 0
) -> Batch:
    """
    Draw the batch of a step.

    :param rank: index of the process; processes draw different samples
    """
    rng = np.random.default_rng([seed, step, rank])
    indices = rng.integers(0, len(rooms), size)
    return collate(
        [cut(rooms[int(index)], config, rng) for index in indices], seed=int(rng.integers(2**62))
    )


def validation_batches(
    rooms: RenderedRooms, config: DataConfig, size: int, samples: int
) -> Iterator[Batch]:
    """Yield fixed batches of evenly spaced views, with the same crops every time."""
    rng = np.random.default_rng(0)
    indices = np.linspace(0, len(rooms) - 1, min(samples, len(rooms))).astype(int)
    for start in range(0, len(indices), size):
        views = [cut(rooms[int(index)], config, rng) for index in indices[start : start + size]]
        yield collate(views, seed=start)


def stream(
    rooms: RenderedRooms,
    config: DataConfig,
    size: int,
    *,
    seed: int,
    first_step: int,
    rank: int = 0,
) -> Generator[Batch, None, None]:
    """Yield the batches of all steps from ``first_step``, prepared one ahead in a thread."""
    with ThreadPoolExecutor(1) as pool:
        step = first_step
        waiting = pool.submit(make_batch, rooms, config, size, seed=seed, step=step, rank=rank)
        while True:
            step += 1
            ready, waiting = (
                waiting.result(),
                pool.submit(make_batch, rooms, config, size, seed=seed, step=step, rank=rank),
            )
            yield ready


Sample = tuple[np.ndarray, np.ndarray, Intrinsics, np.ndarray | None]


def cut(view: View, config: DataConfig, rng: np.random.Generator) -> Sample:
    """Return a random crop of a view at the network's size; depth by nearest, to keep edges."""
    height, width = view.depth_m_HW.shape
    zoom = np.exp(rng.uniform(np.log(config.min_zoom), np.log(config.max_zoom)))
    crop_w = min(width, round(config.crop_width / zoom))
    crop_h = min(height, round(config.crop_height / zoom))
    left, top = int(rng.integers(width - crop_w + 1)), int(rng.integers(height - crop_h + 1))
    window = np.s_[top : top + crop_h, left : left + crop_w]
    rgb, depth = np.ascontiguousarray(view.rgb_HW3[window]), view.depth_m_HW[window]
    camera = view.intrinsics.cropped(left, top, crop_w, crop_h)
    prior = view.prior_m_hw
    if prior is not None:
        prior = cv2.resize(prior, (width, height), interpolation=cv2.INTER_LINEAR)[window]
    size = (config.width, config.height)
    if (crop_w, crop_h) != size:
        shrink = crop_w > config.width
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
        depth = cv2.resize(depth.astype(np.float32), size, interpolation=cv2.INTER_NEAREST_EXACT)
        prior = None if prior is None else cv2.resize(prior, size)
        camera = camera.resized(*size)
    if config.flip and rng.random() < 0.5:
        rgb, depth, camera = rgb[:, ::-1], depth[:, ::-1], camera.flipped()
        prior = None if prior is None else prior[:, ::-1]
    return rgb, depth, camera, prior


def collate(samples: list[Sample], *, seed: int) -> Batch:
    """Stack samples of one size into tensors."""
    images, depths, cameras, predictions = zip(*samples)
    rgb = torch.from_numpy(np.stack(images))
    depth = _maps(depths)
    depth = torch.where(depth > 0.0, depth, torch.nan)  # shards write 0 for unknown
    known = [item for item in predictions if item is not None]
    priors = _maps(known) if len(known) == len(samples) else None
    return Batch(
        rgb_B3HW=rgb.permute(0, 3, 1, 2).float().div_(255.0),
        depth_m_B1HW=depth,
        rays_B2HW=torch.stack([camera.rays() for camera in cameras]),
        focal_px_B=torch.tensor([camera.fx for camera in cameras]),
        generator=torch.Generator().manual_seed(seed),
        prior_m_B1HW=priors,
    )


def _maps(maps: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(item, np.float32) for item in maps]))[:, None]
