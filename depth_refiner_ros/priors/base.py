# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The protocol of a prior, and the options it is built with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import Prepare, PriorDepth
import torch
from torch import nn

FOCAL_RULES = ('auto', 'none')
INPUTS = ('model', 'official_code', 'official_compat')


@dataclass(frozen=True, kw_only=True)
class PriorOptions:
    """
    How a prior is built.

    :param weights: ``bundled``, a size of :data:`sizes.SIZES`, a folder or a hub id
    :param seed: of priors that draw errors
    :param device: where networks run
    :param focal_rule: ``auto`` follows the table of :mod:`focal`, ``none`` leaves depth as the
        network gives it
    :param short_side: rows or columns, whichever is fewer, at the network; 0 is the model's own
    :param input: ``model``, ``official_code`` for what the authors' code of Depth Anything
        computes, or ``official_compat`` for what that of ApDepth does
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
        :param intrinsics: of this image, None where unknown
        :param sensor_m_B1HW: measured depth in metres for priors that need it, NaN where none
        :raises InputError: where something the prior needs is missing
        """

    def describe(self) -> list[str]:
        """Return one line per loaded bundle: what, licence, size, where from."""

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """
        Run this prior's networks, if it has any, by a backend from now on.

        :param prepare: turns a network on the CPU into what runs it
        :param key: short name of the prior, for files and messages
        """


class WithoutNetwork:
    """A prior that no backend can run: it has no network, or one that runs its own code."""

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """Leave everything as it is."""


class WithNetwork:
    """A prior with one network, which a backend can run."""

    network: Callable[..., Any]

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """See :meth:`Prior.attach_backend`."""
        self.network = attached(self.network, prepare, key)


def attached(network: Callable[..., Any], prepare: Prepare, key: str) -> Callable[..., Any]:
    """Return what runs a network by a backend; a network that already has one stays with it."""
    return prepare(network.cpu(), key) if isinstance(network, nn.Module) else network


def predict_whole(
    prior: Prior,
    rgb_B3HW: torch.Tensor,
    intrinsics: Intrinsics | None,
    sensor_m_B1HW: torch.Tensor | None = None,
) -> PriorDepth:
    """
    Ask a prior and refuse a map that is not of the image, as code of others may return one.

    :raises InputError: where batch, channels, rows or columns differ, or as :meth:`Prior.predict`
    """
    given = prior.predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
    wanted = (len(rgb_B3HW), 1, *rgb_B3HW.shape[-2:])
    if tuple(given.depth_B1HW.shape) != wanted:
        raise InputError(
            f'{type(prior).__name__} returned a map of shape {tuple(given.depth_B1HW.shape)} for '
            f'{wanted}, which would be stretched; use images of another size, or another prior'
        )
    return given
