# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Hold the scale of depth maps by their poses, so that all maps of a sequence agree.

A monocular prior is right on average and wrong by some percent in every frame. The poses tell
where the surfaces of earlier frames must appear in a new one; the ratio of both depths is the
difference of the two frames' errors. Each frame is brought to the average of the last ones (the
consensus), not to the first frame, whose own error would stay in the map for ever.

Frames are compared with frames and not with the fused volume: a truncated distance field of
noisy depth is biased away from the camera, of which ``surface_bias`` corrects the average over
many frames only, and a lock to it drifts.
"""

from collections import deque
from dataclasses import dataclass
import math

from depth_refiner_ros.core.scale_ratio import ScaleRatio
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.reprojection import reprojected
import numpy as np

RECENT_FRAMES = 8
KEY_FRAMES = 4
"""Frames that are kept for longer, so that a camera at rest does not drift."""
KEY_SHARE = 0.85
"""Less of the last key frame in view makes a frame the next key frame."""
CONSENSUS_FRAMES = 50
"""
Time constant of the average that is taken for the true scale. Longer, and the lock follows the
flicker of single frames less; shorter, and it drifts less where the prior is wrong by one factor
throughout, which the distances between poses contradict in every comparison.
"""
NOISE = 0.005
"""Error of a measured log ratio: what is within it is not corrected, as right depth must stay."""
REACH = 0.15
"""Largest log ratio of one surface to itself; more is another surface in front or behind."""
SAME_SCENE = 0.5
"""Share of the common pixels that must be within the reach; fewer, and the scenes differ."""
SAMPLES = 4800
"""Pixels of each frame that are compared, every 8th row and column of 640x480."""
MIN_PIXELS = 200
UNKNOWN = ScaleRatio(ratio=math.nan, spread=math.nan, pixels=0)


@dataclass(frozen=True, kw_only=True)
class HeldScale:
    """
    The scale of one frame.

    :param factor: multiply the frame's depth by this
    :param frames: earlier frames that it was compared with; if none fits, the factor is 1
    :param spread: how far depth of the frames so far disagrees besides its scale, as a share of
        the depth: median absolute deviation of two frames, averaged; 0 if none was compared
    """

    factor: float
    frames: int
    spread: float


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A frame and the logarithm of its scale, in a unit that all frames share."""

    view: PosedDepth
    log_scale: float


class PoseScale:
    """Compares each frame of a sequence with earlier ones."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.cut()
        self._consensus_log = self._spread = 0.0
        self._frames = self._compared = 0

    def cut(self) -> None:
        """Compare later frames with none of those so far, but hold them to the same average."""
        self._recent: deque[_Known] = deque(maxlen=RECENT_FRAMES)
        self._keys: deque[_Known] = deque(maxlen=KEY_FRAMES)

    def held(self, view: PosedDepth) -> HeldScale:
        """
        Return the factor that brings a frame to the consensus, and keep the frame.

        :param view: with the depth as it was predicted
        """
        logs, weights, spreads = [], [], []
        # A frame that is both recent and key is compared once.
        for known in {id(known): known for known in (*self._keys, *self._recent)}.values():
            ratio = scale_between(view, known.view)
            if ratio.known:
                logs.append(known.log_scale - math.log(ratio.ratio))
                weights.append(ratio.pixels / (ratio.spread**2 + NOISE**2))
                spreads.append(ratio.spread)
        # A frame that shows nothing known is taken for an average one.
        log_scale = float(np.average(logs, weights=weights)) if logs else self._consensus_log
        self._frames += 1
        weight = 1.0 / min(self._frames, CONSENSUS_FRAMES)
        self._consensus_log += weight * (log_scale - self._consensus_log)
        self._keep(_Known(view=view, log_scale=log_scale))
        if spreads:
            self._compared += 1
            weight = 1.0 / min(self._compared, CONSENSUS_FRAMES)
            self._spread += weight * (float(np.mean(spreads)) - self._spread)
        off = log_scale - self._consensus_log
        factor = math.exp(-off * off**2 / (off**2 + NOISE**2))
        return HeldScale(factor=factor, frames=len(logs), spread=self._spread)

    def _keep(self, known: _Known) -> None:
        self._recent.append(known)
        last_key = self._keys[-1].view if self._keys else None
        share = 0.0
        if last_key is not None:
            share = reprojected(known.view, last_key, stride_px=2 * _stride_px(known.view)).share
        if share < KEY_SHARE:
            self._keys.append(known)


def scale_between(depth: PosedDepth, reference: PosedDepth) -> ScaleRatio:
    """
    Compare the scale of two depth maps with known poses.

    Each is looked at from the other: what one hides from the other biases both medians alike, and
    their difference not at all.

    :return: ratio of the reference to the depth; NaN where they show too little in common
    """
    there_N, back_N = _log_ratios(depth, reference), _log_ratios(reference, depth)
    if min(len(there_N), len(back_N)) < MIN_PIXELS:
        return UNKNOWN
    there, back = float(np.median(there_N)), float(np.median(back_N))
    return ScaleRatio(
        ratio=math.exp((back - there) / 2.0),
        spread=float(np.median(np.abs(there_N - there))),
        pixels=len(there_N),
    )


def _log_ratios(source: PosedDepth, target: PosedDepth) -> np.ndarray:
    points = reprojected(source, target, stride_px=_stride_px(source))
    with np.errstate(divide='ignore', invalid='ignore'):
        log_N = np.log(points.depth_m_N / target.depth_m_HW.ravel()[points.pixel_N])
    log_N = log_N[np.isfinite(log_N)]
    near_N = log_N[np.abs(log_N) <= REACH]
    return near_N if len(near_N) >= SAME_SCENE * len(log_N) else near_N[:0]


def _stride_px(view: PosedDepth) -> int:
    return max(1, round(math.sqrt(view.depth_m_HW.size / SAMPLES)))
