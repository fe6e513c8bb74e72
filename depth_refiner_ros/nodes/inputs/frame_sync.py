# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Match images with their camera_info and depth."""

from collections.abc import Callable
from dataclasses import dataclass
import time
from types import ModuleType
from typing import Any

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.stamp_join import FILTERS, StampJoin

QUEUE = 10


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """
    An image with its camera_info and depth.

    :param image: the image, raw or compressed
    :param info: its camera model
    :param depth: its depth, None without ``with_depth``
    :param arrived_s: monotonic time at which the set was complete
    """

    image: Any
    info: Any
    depth: Any = None
    arrived_s: float

    @property
    def header(self) -> Any:
        """Return the image's header."""
        return self.image.header


class FrameSync:
    """
    Joins images with camera_info and, if ``with_depth`` is set, with depth.

    ``exact`` waits for the camera_info of the same stamp, ``approx`` for one within the
    tolerance, ``cached`` takes the latest. ``exact_then_cached`` waits for the exact one only
    while the camera sends one for each image, and at most until the next image.

    :param mode: one of the four
    :param tolerance_ms: largest gap of stamps in ``approx``, and for depth
    :param with_depth: also join depth
    :param on_frame: called with each :class:`ImageSet`; it may only store
    :param on_drop: called with the header of each image that found no partner
    :param on_far: see :class:`StampJoin`
    :param filters: module with the synchronisers
    """

    def __init__(
        self,
        mode: str,
        tolerance_ms: float,
        *,
        with_depth: bool,
        on_frame: Callable[[ImageSet], None],
        on_drop: Callable[[Any], None],
        on_far: Callable[[str], object] = lambda line: None,
        filters: ModuleType = FILTERS,
    ) -> None:
        self._mode = mode
        self._with_depth = with_depth
        self._joins_info = mode in ('exact', 'approx')
        self._on_frame, self._on_drop = on_frame, on_drop
        self._info: Any = None
        self._held: tuple[Any, Any] | None = None
        self._image_ns = -1
        self._infos_follow_images = False
        names = ['info'] * self._joins_info + ['depth'] * with_depth + ['image']
        exact = mode == 'exact' and not with_depth
        self._join = StampJoin(
            names,
            tolerance_ms=0.0 if exact else tolerance_ms,
            queue=QUEUE,
            on_set=self._joined,
            on_drop=on_drop,
            on_far=on_far,
            filters=filters,
        )

    def add_image(self, image: Any) -> None:
        """Add an image, raw or compressed."""
        self._join.add('image', image)

    def add_depth(self, depth: Any) -> None:
        """Add a depth image."""
        self._join.add('depth', depth)

    def add_info(self, info: Any) -> None:
        """Add a camera_info."""
        if self._joins_info:
            self._join.add('info', info)
            return
        self._info = info
        stamp_ns = stamp_ns_of(info.header)
        self._infos_follow_images |= stamp_ns == self._image_ns
        if self._held is not None and (
            stamp_ns >= self._image_ns or not self._infos_follow_images
        ):
            self._release_held()

    def _joined(self, *messages: Any) -> None:
        info = messages[0] if self._joins_info else self._info
        depth = messages[-2] if self._with_depth else None
        image = messages[-1]
        if self._mode == 'exact_then_cached':
            self._emit_or_hold(depth, image)
        elif info is None or (self._mode == 'exact' and info.header.stamp != image.header.stamp):
            self._on_drop(image.header)
        else:
            self._emit(info, depth, image)

    def _emit_or_hold(self, depth: Any, image: Any) -> None:
        self._release_held()
        self._image_ns = stamp_ns_of(image.header)
        exact = self._info is not None and self._info.header.stamp == image.header.stamp
        if exact or (self._info is not None and not self._infos_follow_images):
            self._infos_follow_images = exact
            self._emit(self._info, depth, image)
        else:
            self._held = depth, image

    def _release_held(self) -> None:
        """Emit the waiting image with the latest camera_info, as no better one will arrive."""
        held, self._held = self._held, None
        if held is None:
            return
        if self._info is None:
            self._on_drop(held[1].header)
            return
        self._infos_follow_images = self._info.header.stamp == held[1].header.stamp
        self._emit(self._info, *held)

    def _emit(self, info: Any, depth: Any, image: Any) -> None:
        self._on_frame(ImageSet(image=image, info=info, depth=depth, arrived_s=time.monotonic()))
