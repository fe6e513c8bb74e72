"""From a metric prior to a sharp estimate, whatever the method: fit, normalise, run, undo."""

from dataclasses import dataclass

from depth_refiner_ros.bundle import Bundle
from depth_refiner_ros.diffusion.apdepth import apdepth
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.sharpdepth import sharpdepth
from depth_refiner_ros.diffusion.unet import size_multiple
import torch
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """
    Sharp depth near the prior's scale.

    :param depth_m_B1HW: metres, before the final alignment; may be zero or negative
    :param difference_B1HW: disagreement with the prior in [0, 1], None where the method makes none
    """

    depth_m_B1HW: torch.Tensor
    difference_B1HW: torch.Tensor | None


class SharpEstimator:
    """
    One refiner, ready to run.

    :param network: UNet, codec and conventions
    :param description: one line on where it is from
    """

    def __init__(self, network: OneStepNetwork, description: str = '') -> None:
        self.network = network
        self.description = description
        recipe = network.recipe
        self._normalizer = DepthNormalizer(space=recipe.space, range=recipe.range)
        self._multiple = size_multiple(network.unet, network.codec.factor)

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> 'SharpEstimator':
        """Load a bundle of kind ``refiner``."""
        return cls(read_refiner(bundle), bundle.describe())

    def estimate(self, rgb_B3HW: torch.Tensor, prior_m_B1HW: torch.Tensor,
                 known_B1HW: torch.Tensor, generator: torch.Generator) -> Estimate:
        """
        Sharpen a prior.

        :param rgb_B3HW: image in 0..1
        :param prior_m_B1HW: metres, filled everywhere
        :param known_B1HW: bool, where the prior had a value
        """
        full = rgb_B3HW.shape[-2:]
        height, width = size = self._working_size(*full)
        prior_m = _resized(prior_m_B1HW, size)
        normalized = self._normalizer.normalize(prior_m, torch.ones_like(prior_m).bool())
        image, unit = self._padded(_resized(rgb_B3HW, size)), self._padded(normalized.unit_B1HW)
        known = self._padded(_resized(known_B1HW.to(unit.dtype), size))
        difference = None
        if self.network.recipe.method == 'sharpdepth':
            refined, difference = sharpdepth(self.network, image, unit, known, generator)
            difference = _resized(difference[..., :height, :width], full)
        else:
            refined = apdepth(self.network, image, unit, known)
        depth = self._normalizer.denormalize(refined[..., :height, :width].float(), normalized)
        return Estimate(depth_m_B1HW=_resized(depth, full), difference_B1HW=difference)

    def _working_size(self, height: int, width: int) -> tuple[int, int]:
        """Give the size whose longest edge is the recipe's, rows first."""
        edge = self.network.recipe.max_edge_px
        scale = edge / max(height, width) if edge else 1.0
        return max(1, round(height * scale)), max(1, round(width * scale))

    def _padded(self, maps: torch.Tensor) -> torch.Tensor:
        """Repeat the last row and column up to a size the UNet can halve."""
        height, width = maps.shape[-2:]
        below, right = -height % self._multiple, -width % self._multiple
        return functional.pad(maps, (0, right, 0, below), mode='replicate') if (
            below or right) else maps


def _resized(maps: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Resample as the official code of SharpDepth does; most recipes keep the size."""
    if maps.shape[-2:] == size:
        return maps
    shrink = size[0] < maps.shape[-2]
    return functional.interpolate(maps, size=size, mode='bilinear', antialias=shrink)
