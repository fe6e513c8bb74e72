"""What the refiner asks of a prior."""

from typing import Protocol

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
import torch


class Prior(Protocol):
    """A source of depth for an image."""

    def predict(self, rgb_B3HW: torch.Tensor, intrinsics: Intrinsics | None,
                sensor_m_B1HW: torch.Tensor | None = None) -> PriorDepth:
        """
        Give depth at the image's size.

        :param rgb_B3HW: colour in 0..1
        :param intrinsics: of this image, None where unknown
        :param sensor_m_B1HW: measured depth in metres for priors that need it, NaN where none
        :raises InputError: where something the prior needs is missing
        """

    def describe(self) -> list[str]:
        """Give one line per loaded bundle: what, licence, size, where from."""
