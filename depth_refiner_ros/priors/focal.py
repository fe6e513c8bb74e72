# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How each prior uses the camera's focal length.

From one image, a near thing looks like one twice the size, twice as far away, or seen through a
longer lens. A network without the focal length as input assumes that of its training images; with
another lens its depth is wrong by the ratio.

======================== ========================================== =========================
prior                    with known intrinsics                      unknown
======================== ========================================== =========================
bundled                  input (viewing rays, canonical focal)      refused
depth_anything_v2_metric **correction** to the training camera      unchanged
zoedepth                 **correction**, by the domain it chose     unchanged
depth_pro                fx in place of the focal length that the   its own field of view
                         network estimates (exact, by its design)
unidepth_v1, unidepth_v2 input (K, scaled by their own code)        their own camera
unik3d                   input (viewing rays)                       its own viewing rays
metric3d_v2              canonical camera of 1000 px (exact)        refused
moge2                    its points are shifted to fit it           its own field of view
depth_anything_3_metric  canonical camera of 300 px at the          refused
                         network's input (exact, by its design)
video_depth_anything     none: trained with cameras of two    the same
                         kinds, see there
prompt_depth_anything    none: the prompt gives the scale           the same
prior_depth_anything     none: measured depth gives the scale       the same
infinidepth_sensor       none: measured points give the scale       the same
depth_anything_v2        none: disparity has no scale               the same
infinidepth              none: disparity has no scale               the same
depth_anything_3         none: relative depth has no scale          the same
pixel_perfect_depth      none: log depth has no scale               the same
======================== ========================================== =========================

The two corrections follow from the canonical camera of Metric3D (section 3.1), but the networks
were not trained with it: cues other than size (texture, blur, the shape of a room) do not change
with the lens, so the truth lies between corrected and uncorrected. ``prior_focal_rule: none``
turns corrections off, lets DepthPro, UniDepth, UniK3D and MoGe-2 estimate the camera, and is
refused by Metric3D and the metric Depth Anything 3.
"""

import math
from typing import TypeVar

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Lens
import torch

TRAINING_FOCAL = {
    'hypersim': 886.81 / 768.0,  # 1024 x 768, 60 degrees across
    'vkitti2': 725.0087 / 375.0,  # 1242 x 375
    'nyu': 518.86 / 480.0,  # 640 x 480 Kinect
    'kitti': 721.54 / 352.0,  # 1216 x 352 crop
}
"""Focal length of the training cameras as a multiple of the image's short side."""

METRIC3D_FOCAL_PX = 1000.0
DEPTH_ANYTHING_3_FOCAL_PX = 300.0
FARTHEST_M = 1e4
One = TypeVar('One', bound=Intrinsics | Lens)


def known_camera(rule: str, intrinsics: One | None) -> One | None:
    """
    Return the camera that a prior may use.

    :param rule: ``auto`` or ``none``
    """
    return intrinsics if rule == 'auto' else None


def correction(camera: Intrinsics | None, trained: float) -> float:
    """
    Return the factor from the training camera's metres to this camera's; 1 if it is unknown.

    All images have the same short side at the network, so that is the unit of focal length.

    :param trained: value of :data:`TRAINING_FOCAL`
    """
    if camera is None:
        return 1.0
    focal_px = math.sqrt(camera.fx * camera.fy)
    return focal_px / min(camera.width, camera.height) / trained


def canonical_factor(camera: Intrinsics, scale: float) -> float:
    """
    Return the factor from Metric3D's canonical metres to this camera's.

    :param scale: network pixels per image pixel
    """
    return camera.fx * scale / METRIC3D_FOCAL_PX


def factor_at_network(camera: Intrinsics, rows: int, columns: int) -> float:
    """
    Return the factor from the metric Depth Anything 3's output to this camera's metres.

    The authors give metres = focal * output / 300 without saying at which size the focal length
    counts. Their nested model applies it to intrinsics of the network's input
    (``pose_encoding_to_extri_intri`` and ``apply_metric_scaling``), and only so are metres those
    of the scene whatever size an image is stored in.

    :param rows: of the network's input
    :param columns: of it
    """
    seen = camera.resized(columns, rows)
    return 0.5 * (seen.fx + seen.fy) / DEPTH_ANYTHING_3_FOCAL_PX


def focal_of_fov(fov_deg_B: torch.Tensor, width: int) -> torch.Tensor:
    """Return focal lengths in pixels of horizontal fields of view in degrees."""
    return 0.5 * width / torch.tan(0.5 * torch.deg2rad(fov_deg_B.float()))


def depth_of_canonical_inverse(
    inverse_B1HW: torch.Tensor, focal_px_B: torch.Tensor, width: int
) -> torch.Tensor:
    """
    Return metres from DepthPro's canonical inverse depth: f / (width * inverse).

    :param inverse_B1HW: of an image as wide as its focal length
    :return: at most :data:`FARTHEST_M`, where the network predicts infinity
    """
    inverse_per_m = inverse_B1HW * (width / focal_px_B).view(-1, 1, 1, 1)
    return inverse_per_m.clamp_min(1.0 / FARTHEST_M).reciprocal()
