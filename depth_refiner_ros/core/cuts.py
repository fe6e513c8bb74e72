# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tell which images continue the video of the image before, for all that is carried over."""

from depth_refiner_ros.core.lens import Camera

LONGEST_GAP_NS = 2_000_000_000
"""After a longer gap between images the camera may have moved anywhere."""


class Cuts:
    """
    Finds the cuts in a stream of images.

    One is where time runs back or jumps, where the camera or the size of the images changes,
    before the first image, and before and after each that is of no video.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the last image, before a new recording."""
        self._last: tuple[int, Camera | None, tuple[int, ...]] | None = None

    def continues(
        self, stamp_ns: int | None, camera: Camera | None, shape: tuple[int, ...]
    ) -> bool:
        """
        Return whether an image continues the video of the last one, and remember it.

        :param stamp_ns: capture time, None for an image that is of no video
        :param camera: None if unknown
        :param shape: of the images, of any meaning
        """
        before = self._last
        self._last = None if stamp_ns is None else (stamp_ns, camera, shape)
        if before is None or stamp_ns is None:
            return False
        return 0 <= stamp_ns - before[0] <= LONGEST_GAP_NS and before[1:] == (camera, shape)
