# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Batches as a pure function of (seed, micro-step, process): which set, crops, zoom, flip.

Only these numbers determine a batch, so that a resumed run sees exactly the batches of an
uninterrupted one, on any number of reading processes, without any sampler state to save.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError, LostFrame, NO_DEPTH
import numpy as np
import torch
from training.config import DataConfig
from training.data.cut import Cut, cut
from training.data.degrade import KINDS
from training.data.mixture import Mixture, Part

TRIES = 50
"""Images in a row that may be unusable before a set is given up."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    One batch for an objective.

    :param rgb_B3HW: color in 0..1
    :param depth_m_B1HW: depth in metres, NaN where unknown; all NaN for images alone
    :param sky_B1HW: bool, where there is sky, whose depth is unknown
    :param rays_B2HW: viewing rays
    :param focal_px_B: horizontal focal length at this size, NaN where unknown
    :param cameras: at this size, None where unknown
    :param seed: of everything that is drawn for this batch
    :param prior_m_B1HW: a prior's prediction, if one is stored for every image
    :param lost: images that could not be read and were replaced
    """

    rgb_B3HW: torch.Tensor
    depth_m_B1HW: torch.Tensor
    sky_B1HW: torch.Tensor
    rays_B2HW: torch.Tensor
    focal_px_B: torch.Tensor
    cameras: tuple[Intrinsics | None, ...]
    seed: int
    prior_m_B1HW: torch.Tensor | None = None
    lost: tuple[LostFrame, ...] = field(default=())

    @cached_property
    def generator(self) -> torch.Generator:
        """Return the only source of randomness for what follows, on the CPU."""
        return torch.Generator().manual_seed(self.seed)

    def with_depth(self) -> 'Batch | None':
        """Return the images whose depth is known somewhere, None if there are none."""
        known_B = torch.isfinite(self.depth_m_B1HW).flatten(1).any(dim=1)
        if bool(known_B.all()):
            return self
        if not bool(known_B.any()):
            return None
        kept: dict[str, Any] = {
            name: value[known_B]
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        cameras = tuple(camera for camera, known in zip(self.cameras, known_B) if known)
        return replace(self, **kept, cameras=cameras)

    def to(self, device: torch.device) -> 'Batch':
        """Return the batch with its tensors on another device, nothing drawn yet."""
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return replace(self, **moved)


class MicroBatches(torch.utils.data.Dataset[Batch]):
    """
    The batch of every micro-step, for a DataLoader in the order of steps.

    :param size: samples in a batch
    :param rank: number of the process; processes draw different samples
    """

    def __init__(self, mixture: Mixture, size: int, *, seed: int, rank: int = 0) -> None:
        self._mixture, self._size, self._seed, self._rank = mixture, size, seed, rank

    def __getitem__(self, micro_step: int) -> Batch:
        rng = np.random.default_rng([self._seed, micro_step, self._rank])
        part = self._mixture.draw(rng)
        indices = rng.integers(0, len(part.samples), self._size)
        lost: list[LostFrame] = []
        cuts = [_read(part, int(index), rng, lost) for index in indices]
        return collate(cuts, seed=int(rng.integers(2**62)), lost=tuple(lost))


def validation_batches(mixture: Mixture, size: int, samples: int) -> Iterator[Batch]:
    """
    Yield fixed batches of evenly spaced images of each set, with the same crops every time.

    :param samples: of each set at most
    """
    for part in mixture.parts:
        rng = np.random.default_rng(0)
        count = min(samples, len(part.samples))
        indices = np.linspace(0, len(part.samples) - 1, count).astype(int)
        for start in range(0, count, size):
            lost: list[LostFrame] = []
            cuts = [_read(part, int(i), rng, lost) for i in indices[start : start + size]]
            yield collate(cuts, seed=start, lost=tuple(lost))


def first_of_each(mixture: Mixture) -> Iterator[Batch]:
    """Yield a batch of one image of each set."""
    for part in mixture.parts:
        yield from validation_batches(Mixture([part]), 1, 1)


def _usable(window: Cut, config: DataConfig) -> Cut:
    """
    Return a window that has what its priors are made of.

    :raises FrameError: for a window of nothing but holes, where a prior is made of true depth
    """
    depth_m, needed = window.depth_m_HW, any(config.priors.get(kind) for kind in KINDS)
    if needed and depth_m is not None and not (np.isfinite(depth_m) & (depth_m > 0.0)).any():
        raise FrameError(NO_DEPTH, 'no depth is known in the window that was cut')
    return window


def _read(part: Part, index: int, rng: np.random.Generator, lost: list[LostFrame]) -> Cut:
    """Read and cut an image; one that is unusable is replaced by another."""
    for _ in range(TRIES):
        try:
            return _usable(cut(part.samples[index], part.cut, rng), part.cut)
        except FrameError as error:
            name = f'{part.name}/{index}'
            lost.append(LostFrame(name=name, reason=error.reason, detail=str(error)))
            index = int(rng.integers(len(part.samples)))
    raise SourceError(
        f'data set {part.name}: {TRIES} images in a row cannot be used; '
        f'the last: {lost[-1].detail}'
    )


def collate(cuts: list[Cut], *, seed: int, lost: tuple[LostFrame, ...] = ()) -> Batch:
    """Stack cuts of one size into tensors."""
    rgb = torch.from_numpy(np.stack([item.rgb_HW3 for item in cuts]))
    height, width = rgb.shape[1:3]
    unknown = np.zeros((height, width), np.float32)
    depth = _maps([unknown if item.depth_m_HW is None else item.depth_m_HW for item in cuts])
    # Sets write 0 for unknown, and the sky of rendered streets is infinitely far.
    sky = torch.isposinf(depth)
    depth = torch.where((depth > 0.0) & ~sky, depth, torch.nan)
    priors = [item.prior_m_HW for item in cuts if item.prior_m_HW is not None]
    cameras = tuple(item.camera if item.camera_known else None for item in cuts)
    return Batch(
        rgb_B3HW=rgb.permute(0, 3, 1, 2).float().div_(255.0),
        depth_m_B1HW=depth,
        sky_B1HW=sky,
        rays_B2HW=torch.stack([item.camera.rays() for item in cuts]),
        focal_px_B=torch.tensor([torch.nan if item is None else item.fx for item in cameras]),
        cameras=cameras,
        seed=seed,
        prior_m_B1HW=_maps(priors) if len(priors) == len(cuts) else None,
        lost=lost,
    )


def _maps(maps: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(item, np.float32) for item in maps]))[:, None]
