# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Which images before the newest one Video Depth Anything sees: the window of its streaming mode.

Offline, the network sees windows of 32 images, of which the first two lie farther back. The
streaming mode of its authors imitates these windows with the weights as they are: the newest image
is preceded by the 29 images before it, by the one 41 images back, and by the first of the video.
Until there are so many, the first image stands in for those that are missing.
"""

from collections import deque
from collections.abc import Sequence

from depth_refiner_ros.priors.video_depth_anything_motion import WINDOW
import torch

Kept = tuple[torch.Tensor, ...]
"""What each attention keeps of an image, ``kept_BNC``."""
NEAR = WINDOW - 3
FAR = 41


class Memory:
    """What is kept of the first image and of the last 41: 280 MB of size small at 518 x 518."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self._first: Kept | None = None
        self._latest: deque[Kept] = deque(maxlen=FAR)

    def add(self, kept: Sequence[torch.Tensor]) -> None:
        """Remember the newest image."""
        if self._first is None:
            self._first = tuple(kept)
        else:
            self._latest.append(tuple(kept))

    def window(self) -> Kept:
        """Return, of each attention, ``kept_BTNC`` of the 31 images that the next one sees."""
        if self._first is None:
            return ()
        images = [self._first, self._back(FAR), *map(self._back, range(NEAR, 0, -1))]
        return tuple(torch.stack(each, dim=1) for each in zip(*images, strict=True))

    def _back(self, count: int) -> Kept:
        """Return the image so many before the next one, the first one if there are fewer."""
        assert self._first is not None, 'asked only of a video'
        return self._latest[-count] if count <= len(self._latest) else self._first
