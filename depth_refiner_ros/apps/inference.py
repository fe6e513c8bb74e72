# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refine frames without ROS."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.scoring import frame_errors, FrameErrors
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.images import depth_batch, first_map, image_batch
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import View
from depth_refiner_ros.settings.networks import DEPTH_PRIORS, MEASURED_PRIORS, ModelSettings
from depth_refiner_ros.sources.doubts import Doubts
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import FrameError, NO_CAMERA, NO_DEPTH, REFUSED
import numpy as np
import torch


@dataclass(frozen=True, kw_only=True)
class Depths:
    """
    The refiner's result for one frame; maps are H x W, metres, NaN where unknown.

    :param truth_m_HW: the frame's own depth if it may serve as ground truth
    :param clamped: number of pixels that came out behind the camera and were moved in front
    :param fitted: False where the refined depth could not be fitted to the prior and is the prior
    """

    frame: Frame
    prior_m_HW: np.ndarray
    refined_m_HW: np.ndarray
    difference_HW: np.ndarray
    confidence_HW: np.ndarray
    truth_m_HW: np.ndarray | None
    timings_ms: Mapping[str, float]
    clamped: int
    fitted: bool

    def errors(self) -> FrameErrors | None:
        """Return the errors against the truth, None if there is none."""
        if self.truth_m_HW is None:
            return None
        return frame_errors(self.prior_m_HW, self.refined_m_HW, self.truth_m_HW)

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the points of the refined depth in the optical frame, and their colors.

        :return: ``points_m_N3`` float32 and ``colors_N3`` uint8
        :raises FrameError: if the camera is unknown
        """
        camera = self.frame.camera
        if camera is None:
            raise FrameError(NO_CAMERA, f'{self.frame.name} has no camera; use assume_fov_deg')
        rgb_HW3 = torch.from_numpy(self.frame.rgb_HW3)
        cloud_hw4 = CloudBuilder(camera).build(torch.from_numpy(self.refined_m_HW), rgb_HW3)
        points_HW3 = cloud_hw4[..., :3].numpy()
        known_HW = np.isfinite(points_HW3[..., 2])
        return points_HW3[known_HW], self.frame.rgb_HW3[known_HW]

    def view(self) -> View:
        """Return the pictures of the frame, one row of a panel."""
        return View(
            rgb_HW3=self.frame.rgb_HW3,
            prior_m_HW=self.prior_m_HW,
            refined_m_HW=self.refined_m_HW,
            truth_m_HW=self.truth_m_HW,
        )


def depth_named(settings: ModelSettings) -> str:
    """Return what the depth of a frame is, in words: refined, measured, or of a prior."""
    if settings.refiner != 'none':
        return 'refined depth'
    return (
        'measured depth' if settings.prior == 'sensor' else f'depth of the prior {settings.prior}'
    )


class AssumedCamera:
    """
    Assumes a camera for frames that have none, and says so once, as it does with doubtful frames.

    :param fov_deg: horizontal field of view; 0 assumes no camera
    """

    def __init__(self, fov_deg: float) -> None:
        self._fov_deg, self._noted, self._doubts = fov_deg, False, Doubts(note)

    def __call__(self, frame: Frame) -> Frame:
        """Return the frame with its own camera, or the assumed one."""
        self._doubts.frame(frame)
        if frame.camera is not None or not self._fov_deg:
            return frame
        if not self._noted:
            note(
                f'{frame.name}: camera unknown, assuming {self._fov_deg:g} deg across for all '
                'such images; if that is wrong, so is the scale (--assume-fov-deg)'
            )
            self._noted = True
        height, width = frame.rgb_HW3.shape[:2]
        return replace(frame, intrinsics=Intrinsics.from_fov(width, height, self._fov_deg))


def infer(refiner: DepthRefiner, settings: ModelSettings, frame: Frame) -> Depths:
    """
    Return the depth of a frame as maps on the host.

    :raises FrameError: as :func:`refined`
    """
    # Depth that the prior started from cannot serve as ground truth.
    result = refined(refiner, settings, frame)
    return _depths(frame, result, truth=not settings.takes(MEASURED_PRIORS))


def refined(refiner: DepthRefiner, settings: ModelSettings, frame: Frame) -> RefinedDepth:
    """
    Refine a frame; priors of video carry over to the next one of a video.

    Where the camera saw nothing, depth is unknown: networks guess in the black corners, too.

    :raises FrameError: if the prior starts from depth and the frame has none, or the refiner
        refuses the frame
    """
    sensor_m_B1HW = _sensor_depth(settings, frame) if settings.takes(DEPTH_PRIORS) else None
    try:
        result = refiner.refine(
            image_batch(frame.rgb_HW3),
            frame.camera,
            sensor_depth_m_B1HW=sensor_m_B1HW,
            stamp_ns=frame.stamp_ns if frame.of_video else None,
        )
    except InputError as error:
        raise FrameError(REFUSED, f'{frame.name}: {error}') from error
    return result.within(None if frame.seen_HW is None else torch.from_numpy(frame.seen_HW))


def _sensor_depth(settings: ModelSettings, frame: Frame) -> torch.Tensor:
    if frame.depth_m_HW is not None and np.isfinite(frame.depth_m_HW).any():
        return depth_batch(frame.depth_m_HW)
    flag, prior = (
        ('--prior', settings.prior)
        if settings.prior in DEPTH_PRIORS
        else ('--scale-prior', settings.scale_prior)
    )
    lacks = 'depth' if frame.depth_m_HW is None else 'valid pixel of depth'
    fix = f'{frame.why_no_depth}, or use' if frame.why_no_depth else 'use'
    raise FrameError(
        NO_DEPTH,
        f'{frame.name} has no {lacks}, which {flag} {prior} starts from; {fix} {flag} bundled',
    )


def _depths(frame: Frame, result: RefinedDepth, *, truth: bool) -> Depths:
    return Depths(
        frame=frame,
        prior_m_HW=first_map(result.prior_m_B1HW),
        refined_m_HW=first_map(result.depth_m_B1HW),
        difference_HW=first_map(result.difference_B1HW),
        confidence_HW=first_map(result.confidence_B1HW),
        truth_m_HW=frame.depth_m_HW if truth else None,
        timings_ms=result.timings_ms,
        clamped=result.clamped,
        fitted=bool(result.scale_shift.ok_B.all()),
    )
