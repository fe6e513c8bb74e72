# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Monitor the metric scale from frame to frame, and hold it stable.

Monocular depth flickers: the whole map grows or shrinks by some percent between frames, which
directly disturbs the pose of a tracker that uses depth. Two maps of one grid are compared by the
median of their ratio where both have values. The spread of that ratio separates a change of scale
(the same for all pixels) from a change of scene (different for every pixel).
"""

from dataclasses import dataclass
import math

from depth_refiner_ros.core.checks import check_at_least, check_map, check_same_shape
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.scale_ratio import ScaleRatio
import torch

SETTLED_FRAMES = 3
"""Consecutive frames off the running ratio after which the new ratio becomes the norm."""


@dataclass(frozen=True, kw_only=True)
class ScaleReading:
    """
    State of the scale at one frame.

    :param now: this frame's ratio
    :param running: smoothed ratio of the frames before; NaN at the first
    :param jump: this frame differs from the running ratio by more than the limit
    :param jumps: jumps since the start or reset
    """

    now: ScaleRatio
    running: float
    jump: bool
    jumps: int


def scale_ratio(
    depth_m_B1HW: torch.Tensor,
    reference_m_B1HW: torch.Tensor,
    *,
    stride: int = 4,
    min_pixels: int = 32,
) -> ScaleRatio:
    """
    Compare the scale of two depth maps of the same view (a batch gives one ratio).

    :param depth_m_B1HW: depth in metres
    :param reference_m_B1HW: depth in metres to compare with: a prior, a sensor, the last frame
    :param stride: look at every ``stride``-th row and column only
    :param min_pixels: fewer overlapping pixels than this give NaN
    :raises InputError: if the maps do not match
    """
    check_map('depth', depth_m_B1HW)
    check_same_shape('reference', reference_m_B1HW, 'depth', depth_m_B1HW)
    depth_N = depth_m_B1HW.detach()[..., ::stride, ::stride].flatten()
    reference_N = reference_m_B1HW.detach()[..., ::stride, ::stride].flatten()
    # log is NaN below 0 and infinite at 0 and inf: one finite test covers all bad values.
    log_ratio_N = reference_N.log() - depth_N.log()
    log_ratio_N = log_ratio_N[torch.isfinite(log_ratio_N)]
    pixels = log_ratio_N.numel()
    if pixels < max(min_pixels, 1):
        return ScaleRatio(ratio=math.nan, spread=math.nan, pixels=pixels)
    median = log_ratio_N.median()
    spread = (log_ratio_N - median).abs().median()
    return ScaleRatio(ratio=math.exp(float(median)), spread=float(spread), pixels=pixels)


class ScaleHealth:
    """
    Running median ratio of two depth maps per frame, which reports jumps.

    :param jump: relative change against the running ratio that counts as a jump
    :param momentum: weight of the past in the running ratio, 0 to below 1
    :raises InputError: if a parameter is out of range
    """

    def __init__(self, *, jump: float = 0.1, momentum: float = 0.9) -> None:
        check_at_least('jump', jump, 0.0)
        _check_momentum(momentum)
        self._jump_log = math.log1p(jump)
        self._momentum = momentum
        self.reset()

    def reset(self) -> None:
        """Forget all frames, after a jump in time or a new source."""
        self._running_log = math.nan
        self._jumps = 0
        self._frames_off = 0

    def update(self, depth_m_B1HW: torch.Tensor, reference_m_B1HW: torch.Tensor) -> ScaleReading:
        """
        Add one frame; a frame without overlap changes nothing.

        :raises InputError: if the maps do not match
        """
        now = scale_ratio(depth_m_B1HW, reference_m_B1HW)
        before_log = self._running_log
        jump = abs(math.log(now.ratio) - before_log) > self._jump_log  # false for NaN
        if now.known:
            self._follow(math.log(now.ratio), jump)
        return ScaleReading(now=now, running=math.exp(before_log), jump=jump, jumps=self._jumps)

    def _follow(self, now_log: float, jump: bool) -> None:
        """Update the running ratio; a single jump is ignored, three in a row replace it."""
        self._jumps += jump
        self._frames_off = self._frames_off + 1 if jump else 0
        if math.isnan(self._running_log) or self._frames_off >= SETTLED_FRAMES:
            self._running_log, self._frames_off = now_log, 0
        elif not jump:
            self._running_log += (1 - self._momentum) * (now_log - self._running_log)


class ScaleLock:
    """
    Hold the scale of a stream of depth maps against flicker.

    Each map is multiplied by one factor, so that the log scale follows an exponential average of
    the frames. The price is a lag when the camera really moves closer: at a change of v per frame
    the map is off by v * momentum / (1 - momentum), so keep ``momentum`` low. If the spread of
    the ratio shows that the scene changed, the lock starts again.

    :param max_spread: spread of the log ratio above which frames show different scenes
    :raises InputError: if it is negative
    """

    def __init__(self, *, max_spread: float = 0.1) -> None:
        check_at_least('max_spread', max_spread, 0.0)
        self._max_spread = max_spread
        self.reset()

    def reset(self) -> None:
        """Forget the last frame, after a jump in time or a new source."""
        self._last_m_B1HW: torch.Tensor | None = None
        self.factor = 1.0
        """Factor that the last map was multiplied by."""

    def apply(self, depth_m_B1HW: torch.Tensor, momentum: float) -> torch.Tensor:
        """
        Return the map at the stabilised scale.

        :param depth_m_B1HW: this frame's depth in metres
        :param momentum: weight of the past, 0 to below 1; 0 leaves the map unchanged
        :return: the map times :attr:`factor`
        :raises InputError: if the depth is not a map, or the momentum is out of range
        """
        _check_momentum(momentum)
        if momentum == 0.0:
            self.reset()
            return depth_m_B1HW
        self.factor = self._factor(depth_m_B1HW, momentum)
        self._last_m_B1HW = depth_m_B1HW * self.factor
        return self._last_m_B1HW

    def _factor(self, depth_m_B1HW: torch.Tensor, momentum: float) -> float:
        last_m_B1HW = self._last_m_B1HW
        if last_m_B1HW is None or last_m_B1HW.shape != depth_m_B1HW.shape:
            return 1.0
        to_last = scale_ratio(depth_m_B1HW, last_m_B1HW)
        if not to_last.spread <= self._max_spread:
            return 1.0
        return to_last.ratio**momentum


def _check_momentum(momentum: float) -> None:
    if not 0.0 <= momentum < 1.0:
        raise InputError(f'momentum = {momentum} must be at least 0 and below 1')
