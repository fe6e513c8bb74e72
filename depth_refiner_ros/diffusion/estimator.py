"""From a prior to a sharp estimate, whatever the method: resize, normalise, run, undo."""

from dataclasses import dataclass

from depth_refiner_ros.core.resize import resized, Size, with_longest_edge
from depth_refiner_ros.core.types import DepthKind
from depth_refiner_ros.diffusion.aligned import aligned
from depth_refiner_ros.diffusion.apdepth import apdepth
from depth_refiner_ros.diffusion.noise import Source
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.sharpdepth import sharpdepth
from depth_refiner_ros.diffusion.unet import size_multiple
import torch
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """
    Sharp depth, before it is aligned to metres.

    :param depth_B1HW: metres near the prior's (``metric``; may be zero or negative), metres up to
        scale and shift (``relative``) or 1/metres up to scale and shift (``disparity``)
    :param difference_B1HW: disagreement with the prior in [0, 1], None where the method makes none
    :param kind: which of the three
    """

    depth_B1HW: torch.Tensor
    difference_B1HW: torch.Tensor | None
    kind: DepthKind = 'metric'


class SharpEstimator:
    """
    One refiner, ready to run.

    :param network: UNet, codec and conventions
    :param description: one line on where it is from
    :param max_edge_px: work at this longest edge; 0 takes the spec's
    """

    def __init__(
        self, network: OneStepNetwork, description: str = '', *, max_edge_px: int = 0
    ) -> None:
        self.network = network
        self.spec = spec = network.spec
        self.description = description
        # Disparity comes up to scale and shift: there is no metre in it to change the space of.
        space = spec.space if spec.condition == 'metric' else 'depth'
        self._normalizer = DepthNormalizer(space=space, range=spec.range)
        self._multiple = (
            size_multiple(network.unet, network.codec.factor)
            if spec.padding == 'levels'
            else network.codec.factor
        )
        self.max_edge_px = max_edge_px or spec.max_edge_px

    def estimate(
        self,
        rgb_B3HW: torch.Tensor,
        prior_B1HW: torch.Tensor,
        known_B1HW: torch.Tensor,
        generator: Source,
        *,
        shrink: float = 1.0,
    ) -> Estimate:
        """
        Sharpen a prior.

        :param rgb_B3HW: image in 0..1
        :param prior_B1HW: what the spec's condition asks for, metres or disparity, filled
            everywhere
        :param known_B1HW: bool, where the prior had a value
        :param generator: all noise of an image comes from it
        :param shrink: factor on the working size, below 1 where memory is short
        """
        spec = self.spec
        full = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
        height, width = size = self._working_size(full, shrink)
        image = self._padded(resized(rgb_B3HW, size))
        if spec.method == 'aligned':
            unit = aligned(self.network, image, generator)[..., :height, :width].float()
            return Estimate(
                depth_B1HW=self._resized_back(unit, full),
                difference_B1HW=None,
                kind=spec.output,  # type: ignore[arg-type]
            )
        prior = resized(prior_B1HW, size)
        normalized = self._normalizer.normalize(prior, torch.ones_like(prior).bool())
        unit = self._padded(normalized.unit_B1HW)
        known = self._padded(resized(known_B1HW.to(unit.dtype), size))
        difference = None
        if spec.method == 'sharpdepth':
            refined, difference = sharpdepth(self.network, image, unit, known, generator)
            difference = self._resized_back(difference[..., :height, :width], full)
        else:
            refined = apdepth(self.network, image, unit, known)
        depth = refined[..., :height, :width].float()
        if spec.output == 'metric':
            depth = self._normalizer.denormalize(depth, normalized)
        return Estimate(
            depth_B1HW=self._resized_back(depth, full),
            difference_B1HW=difference,
            kind=spec.output,  # type: ignore[arg-type]
        )

    def _working_size(self, size: Size, shrink: float) -> Size:
        """Return the size to work at."""
        edge_px = self.max_edge_px
        if shrink < 1.0:
            edge_px = max(1, round((edge_px or max(size)) * shrink))
        return with_longest_edge(size, edge_px)

    def _padded(self, maps: torch.Tensor) -> torch.Tensor:
        """Repeat the last row and column up to a size the networks can halve."""
        height, width = maps.shape[-2:]
        below, right = -height % self._multiple, -width % self._multiple
        return (
            functional.pad(maps, (0, right, 0, below), mode='replicate')
            if (below or right)
            else maps
        )

    def _resized_back(self, maps: torch.Tensor, size: Size) -> torch.Tensor:
        """Resample as the spec's own code does."""
        how = self.spec.resize_back
        if how == 'antialias' or maps.shape[-2:] == size:
            return resized(maps, size)
        return functional.interpolate(maps, size=size, mode=how)
