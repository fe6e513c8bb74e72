# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Render splats: with gsplat's kernels on a CUDA GPU, else in plain torch. Both draw the same."""

import importlib
import importlib.util

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.splats.compositing import composited
from depth_refiner_ros.mapping.splats.gaussians import Splats
from depth_refiner_ros.mapping.splats.projection import BLUR_PX2, NEAR_M, projected
import numpy as np
import torch


def rendered(splats: Splats, camera: Intrinsics, map_from_camera: np.ndarray) -> torch.Tensor:
    """
    Return the image that a camera sees, on black, with gradients to the splats.

    :return: ``rgb_HW3`` on the splats' device
    :raises BackendError: on a GPU without gsplat
    """
    if splats.mean_m_N3.is_cuda:
        return _with_gsplat(splats, camera, map_from_camera)
    seen = projected(splats, camera, map_from_camera)
    return composited(seen, camera.width, camera.height)


def _with_gsplat(splats: Splats, camera: Intrinsics, map_from_camera: np.ndarray) -> torch.Tensor:
    matrix = camera.matrix()
    matrix[:2, 2] += 0.5  # gsplat's coordinates are whole at the corners of pixels
    images_1HW3, _, _ = rasterization()(
        means=splats.mean_m_N3,
        quats=splats.turn_wxyz_N4,
        scales=splats.log_size_N3.exp(),
        opacities=torch.sigmoid(splats.opacity_logit_N),
        colors=splats.rgb_N3,
        viewmats=torch.from_numpy(inverse(map_from_camera)).to(splats.mean_m_N3)[None],
        Ks=torch.from_numpy(matrix).to(splats.mean_m_N3)[None],
        width=camera.width,
        height=camera.height,
        near_plane=NEAR_M,
        eps2d=BLUR_PX2,
    )
    return images_1HW3[0]


def device_of(name: str) -> torch.device:
    """
    Return the device of the splats.

    :param name: ``cpu``, ``cuda``, or ``auto``, which is a GPU if gsplat is installed, too
    :raises BackendError: for ``cuda`` without a GPU or without gsplat
    """
    if name == 'cpu':
        return torch.device('cpu')
    if not torch.cuda.is_available():
        if name == 'cuda':
            raise BackendError('splats.device = cuda, but torch finds no CUDA GPU; take cpu')
        return torch.device('cpu')
    if name == 'auto' and importlib.util.find_spec('gsplat') is None:
        return torch.device('cpu')
    rasterization()
    return torch.device('cuda')


def rasterization():  # type: ignore[no-untyped-def]
    """
    Return gsplat's function of this name.

    :raises BackendError: if it is not installed
    """
    try:
        return importlib.import_module('gsplat').rasterization
    except ImportError as error:
        raise BackendError(
            f'splats on a GPU need gsplat ({shown(error)}); pip install gsplat==1.5.3, or take '
            'splats.device cpu'
        ) from error
