# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The priors of several cameras, as one prior of a batch with an image of each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.priors.anchored import AnchoredDepth, AnchoredPrior
import torch


@dataclass(frozen=True, kw_only=True)
class OwnPrior:
    """
    The prior of one camera for its next image.

    :param prior: with what it carries over from earlier images of this camera
    :param intrinsics: of the image, None if unknown
    :param continues: the image continues the video of the last one
    """

    prior: AnchoredPrior
    intrinsics: Camera | None
    continues: bool


class SeparatePriors:
    """
    Gives each image of a batch to the prior of its camera, one after the other.

    Networks take one camera per call, and what they keep of a video is that of one video.

    :param own: one for each image
    """

    def __init__(self, own: Sequence[OwnPrior]) -> None:
        self._own = own

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None = None,
        sensor_m_B1HW: torch.Tensor | None = None,
        *,
        continues: bool = False,
    ) -> AnchoredDepth:
        """
        Return depth in metres as :meth:`AnchoredPrior.predict`.

        :param intrinsics: not used, as each image has its own; neither is ``continues``
        :raises InputError: if an input that a prior needs is missing or empty
        """
        depth: AnchoredDepth = _joined(
            [
                own.prior.predict(
                    rgb_B3HW[index : index + 1],
                    own.intrinsics,
                    None if sensor_m_B1HW is None else sensor_m_B1HW[index : index + 1],
                    continues=own.continues,
                )
                for index, own in enumerate(self._own)
            ]
        )
        return depth


def _joined(parts: Sequence[Any]) -> Any:
    """Return single images' values, all of the same kind, as those of a batch, field by field."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(list(parts))
    if not is_dataclass(first):
        return first  # the kind of depth, and what the priors do not give
    names = [item.name for item in fields(first)]
    return replace(
        first,  # type: ignore[type-var]
        **{name: _joined([getattr(part, name) for part in parts]) for name in names},
    )
