"""A refiner whose networks can be called one by one."""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.bench.networks import PASSES, refiner_calls
from depth_refiner_ros.core.images import depth_batch, image_batch, unit_image
from depth_refiner_ros.diffusion.unet import size_multiple
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.sources.frame import Frame
import torch
from torch import nn
from torch.nn import functional

Weights = tuple[torch.Tensor, ...]


class OpenedRefiner(DepthRefiner):
    """The refiner of the settings, opened for measurement."""

    @property
    def execution(self) -> Execution:
        """Return device and number format."""
        return self._execution

    def passes(self, stage: str) -> int:
        """Count the calls of a network in one frame."""
        if self._estimator is None or stage in ('prior', 'encode'):
            return 1
        return PASSES[self._estimator.network.spec.method]

    def network_calls(self, frame: Frame) -> dict[str, tuple[Callable[[], Any], Weights]]:
        """Return one call of each network for a frame, with the weights that it reads."""
        device = self._execution.device
        rgb = unit_image(image_batch(frame.rgb_HW3).to(device))
        sensor = None if frame.depth_m_HW is None else depth_batch(frame.depth_m_HW).to(device)
        calls: dict[str, tuple[Callable[[], Any], Weights]] = {
            'prior': (
                lambda: self._prior.predict(rgb, frame.intrinsics, sensor),
                weights_of(self._prior),
            )
        }
        if self._estimator is None:
            return calls
        network = self._estimator.network
        inner = working_image(
            rgb, network.spec.max_edge_px, size_multiple(network.unet, network.codec.factor)
        )
        weights = {'unet': weights_of(network.unet)}
        return calls | {
            name: (call, weights.get(name, weights_of(network.codec)))
            for name, call in refiner_calls(network, inner).items()
        }


def working_image(rgb_B3HW: torch.Tensor, max_edge_px: int, multiple: int) -> torch.Tensor:
    """Return the image as the UNet sees it: of the spec's size, padded until it can be halved."""
    height, width = rgb_B3HW.shape[-2:]
    if max_edge_px:
        scale = max_edge_px / max(height, width)
        height, width = round(height * scale), round(width * scale)
        rgb_B3HW = functional.interpolate(rgb_B3HW, size=(height, width), mode='bilinear')
    return functional.pad(
        rgb_B3HW, (0, -width % multiple, 0, -height % multiple), mode='replicate'
    )


def weights_of(owner: object) -> Weights:
    """Return the weights of a module, or of all modules inside an object of this package."""
    if isinstance(owner, nn.Module):
        return tuple(owner.parameters())
    ours = type(owner).__module__.startswith(__package__.partition('.')[0])
    return (
        tuple(weight for part in vars(owner).values() for weight in weights_of(part))
        if ours and hasattr(owner, '__dict__')
        else ()
    )
