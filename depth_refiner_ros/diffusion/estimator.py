# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Compute a sharp estimate from a prior by any method: resize, normalise, run, undo."""

from dataclasses import dataclass, replace

from depth_refiner_ros.core.checks import surely_everywhere
from depth_refiner_ros.core.noise import Source
from depth_refiner_ros.core.resize import resized, Size, View
from depth_refiner_ros.core.types import DepthKind
from depth_refiner_ros.diffusion.aligned import aligned
from depth_refiner_ros.diffusion.apdepth import apdepth
from depth_refiner_ros.diffusion.normalization import DepthNormalizer, Normalized
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.sharpdepth import sharpdepth
from depth_refiner_ros.diffusion.unet import size_multiple
import torch


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """
    Sharp depth, before it is aligned to metres.

    :param depth_B1HW: metres near the prior's (``metric``; may be zero or negative), metres up to
        scale and shift (``relative``) or 1/metres up to scale and shift (``disparity``)
    :param difference_B1HW: disagreement with the prior in [0, 1], None if the method has none
    :param kind: which of the three
    """

    depth_B1HW: torch.Tensor
    difference_B1HW: torch.Tensor | None
    kind: DepthKind = 'metric'


class SharpEstimator:
    """
    One refiner, ready to run.

    :param network: UNet, codec and conventions
    :param description: one line about its origin
    :param max_edge_px: work at this longest edge; 0 takes the spec's, -1 the image's own
    """

    def __init__(
        self, network: OneStepNetwork, description: str = '', *, max_edge_px: int = 0
    ) -> None:
        self.network = network
        self.spec = spec = network.spec
        self.description = description
        # Disparity is known up to scale and shift, so its space cannot be changed.
        space = spec.space if spec.condition == 'metric' else 'depth'
        self._normalizer = DepthNormalizer(space=space, range=spec.range)
        self._view = View(
            max_edge_px=max(0, max_edge_px or spec.max_edge_px),
            enlarge=spec.enlarge or max_edge_px > 0,
            by_factor=spec.padding == 'floored',
            multiple=_multiple(network),
            rounding='nearest' if spec.image_bytes else 'none',
            back=spec.resize_back,
        )

    def prior_view(self, input: str) -> View | None:
        """
        Return the view of the image for the prior of this refiner; None for the image itself.

        :param input: how the prior is fed; ``official_compat`` is ApDepth's code, which gives it
            the resized image
        """
        if self.spec.prior_view == 'padded':
            return replace(self._view, rounding='down')
        return replace(self._view, multiple=1) if input == 'official_compat' else None

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
        :param prior_B1HW: metres or disparity, as the spec's condition requires, filled
            everywhere; of any size, and with prior_view padded also of the network's working
            size, including the padding
        :param known_B1HW: bool, where the prior had a value
        :param generator: source of all noise of an image
        :param shrink: factor on the working size, below 1 if memory is short
        """
        spec, full = self.spec, (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])
        view = self._shrunk(full, shrink)
        image = view.image(rgb_B3HW)
        difference = None
        if spec.condition == 'none':
            depth = aligned(self.network, image, generator).float()
        else:
            unit, normalized = self._normalized(prior_B1HW, view, full)
            known = self._known(known_B1HW, view, full)
            if spec.method == 'sharpdepth':
                depth, difference = sharpdepth(self.network, image, unit, known, generator)
                difference = view.restored(difference, full)
            elif spec.method == 'apdepth':
                depth = apdepth(self.network, image, unit, known)
            else:
                layout = self.network.condition(unit, known)
                depth = aligned(self.network, image, generator, layout)
            depth = depth.float()
            if spec.output == 'metric':
                depth = self._normalizer.denormalize(depth, normalized)
        return Estimate(
            depth_B1HW=view.restored(depth, full),
            difference_B1HW=difference,
            kind=spec.output,  # type: ignore[arg-type]
        )

    def _shrunk(self, full: Size, shrink: float) -> View:
        """Return the view for the network."""
        if shrink >= 1.0:
            return self._view
        edge_px = max(1, round(max(self._view.size(full)) * shrink))
        return replace(self._view, max_edge_px=edge_px)

    def _normalized(
        self, prior_B1HW: torch.Tensor, view: View, full: Size
    ) -> tuple[torch.Tensor, Normalized]:
        """Return the normalised prior for the network, and how to undo the normalisation."""
        whole = tuple(prior_B1HW.shape[-2:]) == view.padded_size(full)
        if not (whole and self.spec.prior_view == 'padded'):
            prior_B1HW = resized(prior_B1HW, view.size(full))
        found = self._normalizer.normalize(
            prior_B1HW, torch.ones_like(prior_B1HW, dtype=torch.bool)
        )
        return view.padded(found.unit_B1HW), found

    def _known(self, known_B1HW: torch.Tensor, view: View, full: Size) -> torch.Tensor:
        if surely_everywhere(known_B1HW):
            return known_B1HW.new_ones(len(known_B1HW), 1, *view.padded_size(full))
        return view.padded(resized(known_B1HW.float(), view.size(full)))


def _multiple(network: OneStepNetwork) -> int:
    """Return the number of pixels that sides are padded to multiples of."""
    if network.spec.padding == 'floored':
        return 1
    if network.spec.padding == 'cells':
        return network.codec.factor
    return size_multiple(network.unet, network.codec.factor)
