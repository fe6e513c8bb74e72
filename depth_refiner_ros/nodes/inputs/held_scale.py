# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hold the scale of a stream of depth by the poses of its frames."""

from typing import Any

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.mapping.pose_jumps import PoseJumps
from depth_refiner_ros.mapping.pose_scale import PoseScale
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.pose_lookup import PoseLookup
from depth_refiner_ros.sources.rectify import view_of
import numpy as np
import torch


class HeldScale:
    """
    Brings each frame to the scale of those before it, as their poses show it.

    A frame without a pose, and one whose pose has jumped, keep their own scale.

    :param poses: of the frames
    """

    def __init__(self, poses: PoseLookup) -> None:
        self._poses, self._scale, self._jumps = poses, PoseScale(), PoseJumps()
        self.factor = 1.0
        """What the last frame was multiplied by."""
        self.without_pose = self.jumps = 0

    @property
    def error(self) -> str:
        """Return why the scale of the last frame was not held; empty if it was."""
        return self._poses.error

    def facts(self) -> dict[str, str]:
        """Return values for diagnostics."""
        return {
            'scale_pose_factor': f'{self.factor:.4f}',
            'frames_without_pose': str(self.without_pose),
            'pose_jumps': str(self.jumps),
        }

    def apply(
        self,
        depth_m_B1HW: torch.Tensor,
        camera: Camera,
        header: Any,
        arrived_s: float,
        settings: Any,
    ) -> torch.Tensor:
        """
        Return the depth of one frame at the scale of those before it.

        :param depth_m_B1HW: as it was predicted, a batch of one
        :param camera: of the depth; of a lens, what its pinhole view shows is compared
        :param arrived_s: monotonic time of the frame
        :param settings: see :meth:`PoseLookup.of`
        """
        pose = self._pose(header, arrived_s, settings)
        if pose is None:
            self.factor = 1.0
            return depth_m_B1HW
        depth_m_HW = depth_m_B1HW[0, 0].detach().float().cpu().numpy()
        view = view_of(camera)
        seen = PosedDepth(
            depth_m_HW=view.depth(depth_m_HW), intrinsics=view.camera, map_from_camera=pose
        )
        self.factor = self._scale.held(seen).factor
        return depth_m_B1HW * self.factor

    def _pose(self, header: Any, arrived_s: float, settings: Any) -> np.ndarray | None:
        try:
            pose = self._poses.of(header, arrived_s, settings)
        except InputError as error:  # depth is published without a pose, too
            self._poses.report(str(error))
            pose = None
        if pose is None:
            self.without_pose += 1
            return None
        jump_m = self._jumps.jump_m(stamp_ns_of(header), pose)
        if jump_m:
            self.jumps += 1
            self._scale.cut()
            self._poses.report(
                f'the pose jumped by {jump_m:.2f} m, so the scale begins anew; take poses of a '
                'frame that is not corrected, such as odom, by map_frame'
            )
        return pose
