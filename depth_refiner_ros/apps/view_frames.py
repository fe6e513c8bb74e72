# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a map of splats is made from and judged by: photos, and seeds from both depths."""

from dataclasses import dataclass, field, replace

import cv2
from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.apps.scoring import COMPARED
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.pose_scale import PoseScale
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import checked_pose, PoseError
from depth_refiner_ros.mapping.splats.fitting import Photo
from depth_refiner_ros.mapping.splats.gaussians import Seeds
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.splats import SplatSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import FrameError, NO_CAMERA, NO_POSE, UNFIT_POSE
import numpy as np
import torch

WITH_POSES = (
    'give a recording with poses: a TUM folder with groundtruth.txt, a bag with a topic of poses, '
    'or sim:SEED'
)


@dataclass
class ViewFrames:
    """
    Sorts the frames of a recording into views that the map is fitted to and views held back.

    :param settings: which views are held back, their size, and where seeds are
    """

    refiner: DepthRefiner
    model: ModelSettings
    settings: SplatSettings
    device: torch.device
    fitted: list[Photo] = field(default_factory=list)
    held_back: list[Photo] = field(default_factory=list)
    seeds: list[dict[str, Seeds]] = field(default_factory=list)
    """Of each view that is fitted, for each name in ``COMPARED``, at the same pixels."""

    def __post_init__(self) -> None:
        self._scales = {name: PoseScale() for name in COMPARED}

    def add(self, frame: Frame) -> None:
        """
        Add a frame; one that is held back needs no depth.

        :raises FrameError: if it has no camera or no pose, or the refiner refuses it
        """
        camera, pose = frame.intrinsics, frame.map_from_camera
        if camera is None:
            raise FrameError(
                NO_CAMERA, f'{frame.name} has no camera model; give one, or --assume-fov-deg'
            )
        if pose is None:
            raise FrameError(
                NO_POSE, f'{frame.name} has no pose; {frame.why_no_pose or WITH_POSES}'
            )
        try:
            pose = checked_pose(pose)
        except PoseError as error:
            raise FrameError(UNFIT_POSE, f'{frame.name}: {error}') from error
        small = _shrunk(camera, self.settings.width_px)
        rgb_HW3 = cv2.resize(
            frame.rgb_HW3, (small.width, small.height), interpolation=cv2.INTER_AREA
        )
        photo = Photo(
            name=frame.name,
            rgb_HW3=torch.from_numpy(rgb_HW3).to(self.device).float() / 255.0,
            camera=small,
            map_from_camera=pose,
        )
        if (len(self.fitted) + len(self.held_back)) % self.settings.hold_back == 0:
            self.held_back.append(photo)
            return
        depths = infer(self.refiner, self.model, frame)
        maps = dict(zip(COMPARED, (depths.prior_m_HW, depths.refined_m_HW), strict=True))
        views = {
            name: PosedDepth(depth_m_HW=depth_m_HW, intrinsics=camera, map_from_camera=pose)
            for name, depth_m_HW in maps.items()
        }
        if self.settings.hold_scale:
            views = {
                name: replace(
                    view, depth_m_HW=view.depth_m_HW * self._scales[name].held(view).factor
                )
                for name, view in views.items()
            }
        self.seeds.append(_seeds(views, rgb_HW3, self.settings.spacing_px))
        self.fitted.append(photo)


def _shrunk(camera: Intrinsics, width_px: int) -> Intrinsics:
    if not width_px or width_px >= camera.width:
        return camera
    return camera.resized(width_px, max(1, round(camera.height * width_px / camera.width)))


def _seeds(views: dict[str, PosedDepth], rgb_hw3: np.ndarray, spacing_px: int) -> dict[str, Seeds]:
    """
    Return seeds at every n-th row and column of the small image where both depths are known.

    Depth is that of the nearest pixel of the whole map, so that no edge is averaged.
    """
    height, width = rgb_hw3.shape[:2]
    first = spacing_px // 2
    rows_N, columns_N = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(min(first, height - 1), height, spacing_px),
            np.arange(min(first, width - 1), width, spacing_px),
            indexing='ij',
        )
    )
    camera = next(iter(views.values())).intrinsics
    factor_x, factor_y = camera.width / width, camera.height / height
    whole_columns_N = np.floor((columns_N + 0.5) * factor_x).astype(int)
    whole_rows_N = np.floor((rows_N + 0.5) * factor_y).astype(int)
    depths = {name: view.depth_m_HW[whole_rows_N, whole_columns_N] for name, view in views.items()}
    known_N = np.all([(depth > 0) & np.isfinite(depth) for depth in depths.values()], axis=0)
    return {
        name: Seeds(
            column_N=whole_columns_N[known_N],
            row_N=whole_rows_N[known_N],
            depth_m_N=depths[name][known_N].astype(np.float64),
            rgb_N3=rgb_hw3[rows_N[known_N], columns_N[known_N]] / 255.0,
            spacing_px=spacing_px * float(np.sqrt(factor_x * factor_y)),
            camera=camera,
            map_from_camera=view.map_from_camera,
        )
        for name, view in views.items()
    }
