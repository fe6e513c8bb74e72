# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The protocol of a prior, and the options it is built with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera, Lens
from depth_refiner_ros.core.types import Prepare, PriorDepth
import torch
from torch import nn

FOCAL_RULES = ('auto', 'none')
INPUTS = ('model', 'official_code', 'official_compat')


@dataclass(frozen=True, kw_only=True)
class PriorOptions:
    """
    Options for building a prior.

    :param weights: ``bundled``, a size of :data:`sizes.SIZES`, a folder or a hub id
    :param seed: for priors that draw errors
    :param device: where networks run
    :param focal_rule: ``auto`` follows the table of :mod:`focal`, ``none`` leaves the output
        of the network unchanged
    :param short_side: shorter side of the network's input in pixels; 0 is the model's own
    :param input: ``model``, ``official_code`` to compute as the authors' code of Depth
        Anything, or ``official_compat`` as that of ApDepth
    """

    weights: str = 'bundled'
    seed: int = 0
    device: torch.device | str = 'cpu'
    focal_rule: str = 'auto'
    short_side: int = 0
    input: str = 'model'


class Prior(Protocol):
    """A source of depth for an image."""

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Return depth at the image's size.

        :param rgb_B3HW: color in 0..1
        :param intrinsics: of this image, None if unknown
        :param sensor_m_B1HW: measured depth in metres for priors that need it, NaN where unknown
        :raises InputError: if an input that the prior needs is missing
        """

    def describe(self) -> list[str]:
        """Return one line per loaded bundle: name, licence, size, source."""

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """
        Run this prior's networks, if it has any, by a backend from now on.

        :param prepare: takes a network on the CPU and returns its runner
        :param key: short name of the prior, for files and messages
        """


@runtime_checkable
class VideoPrior(Protocol):
    """A prior that carries something over from image to image; ``predict`` starts anew."""

    def predict_next(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Return depth as :meth:`Prior.predict`, of the image after the last one of a video."""

    def for_another_video(self) -> 'Prior':
        """Return this prior, networks shared, for another video at the same time."""


@runtime_checkable
class LensPrior(Protocol):
    """A prior that takes images of a lens, too; their depth is the distance along its rays."""

    takes_lenses: bool

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Return depth as :meth:`Prior.predict`."""


class WithoutNetwork:
    """A prior without a network that a backend can run."""

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """Do nothing."""


class WithNetwork:
    """A prior with one network, which a backend can run."""

    network: Callable[..., Any]

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """See :meth:`Prior.attach_backend`."""
        self.network = attached(self.network, prepare, key)


def camera_missing(prior: str) -> InputError:
    """Return the error of a prior whose scale needs the camera of an image without one."""
    return InputError(
        f"prior {prior} needs the camera's intrinsics; publish camera_info, or give the field of "
        'view (assume_fov_deg)'
    )


def depth_missing(prior: str, what: str = 'a depth image') -> InputError:
    """Return the error of a prior that starts from measured depth where there is none."""
    return InputError(
        f'prior {prior} needs {what}; connect depth_in of the node, take a recording with depth, '
        'give sensor_depth_m_HW in Python, or use prior:=bundled'
    )


def attached(network: Callable[..., Any], prepare: Prepare, key: str) -> Callable[..., Any]:
    """Return the runner of a network; a network that already has one keeps it."""
    return prepare(network.cpu(), key) if isinstance(network, nn.Module) else network


def predict_whole(
    prior: Prior,
    rgb_B3HW: torch.Tensor,
    intrinsics: Camera | None,
    sensor_m_B1HW: torch.Tensor | None = None,
    *,
    continues: bool = False,
) -> PriorDepth:
    """
    Run a prior and refuse a map of the wrong shape, which foreign code may return.

    :param continues: the image continues the video of the last one
    :raises InputError: if batch, channels, rows or columns differ, the prior takes no lens and the
        images are of one, or as :meth:`Prior.predict`
    """
    if isinstance(intrinsics, Lens):
        if not isinstance(prior, LensPrior):
            raise InputError(
                f'{type(prior).__name__} takes images of a pinhole camera, not of a lens '
                f'({intrinsics.model}); rectify them, or use prior:=unik3d'
            )
        given = prior.predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
    elif continues and isinstance(prior, VideoPrior):
        given = prior.predict_next(rgb_B3HW, intrinsics, sensor_m_B1HW)
    else:
        given = prior.predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
    wanted = (len(rgb_B3HW), 1, *rgb_B3HW.shape[-2:])
    if tuple(given.depth_B1HW.shape) != wanted:
        raise InputError(
            f'{type(prior).__name__} returned a map of shape {tuple(given.depth_B1HW.shape)} for '
            f'{wanted}, which would be stretched; use images of another size, or another prior'
        )
    return given
