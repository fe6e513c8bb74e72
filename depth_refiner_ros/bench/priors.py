"""Depth Anything V2 at its true sizes S, B, L and G, with random weights, as a prior."""

from collections.abc import Callable
from functools import cache

from depth_refiner_ros.bench.bounds import Stage
from depth_refiner_ros.bench.count import count
from depth_refiner_ros.bench.devices import DTYPES
from depth_refiner_ros.bench.networks import FrameSize, META
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.base import WithoutNetwork
from depth_refiner_ros.priors.original_depth_anything import SIZES
import torch
from torch import nn
from torch.nn import functional

PATCH_PX = 14
SHORT_EDGE_PX = 518
"""The published models' own input: 480x640 becomes 518x686."""
WIDTHS = {'S': 384, 'B': 768, 'L': 1024, 'G': 1536}
"""Features of the encoder."""


def build_prior_network(size: str) -> nn.Module:
    """
    Build the network on the meta device.

    :raises InputError: for another size than S, B, L, G
    """
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    if size not in WIDTHS:
        raise InputError(f'prior size {size!r} must be one of {", ".join(WIDTHS)}')
    width = WIDTHS[size]
    shape = SIZES[width]
    backbone = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=shape['layers'],
        num_attention_heads=shape['heads'],
        image_size=SHORT_EDGE_PX,
        patch_size=PATCH_PX,
        use_swiglu_ffn=size == 'G',
        reshape_hidden_states=False,
        apply_layernorm=True,
        out_indices=list(shape['taps']),
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=width,
        neck_hidden_sizes=list(shape['neck']),
        fusion_hidden_size=shape['fusion'],
        depth_estimation_type='metric',
        max_depth=20,
    )
    with META:
        return DepthAnything(DepthAnythingForDepthEstimation(config))


class DepthAnything(nn.Module):
    """
    The network with a tensor in and a tensor out, as backends take it.

    :param model: ``DepthAnythingForDepthEstimation``
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels_B3HW: torch.Tensor) -> torch.Tensor:
        """Return depth as ``depth_BHW``."""
        depth: torch.Tensor = self.model(pixels_B3HW).predicted_depth
        return depth


def prior_input(size: FrameSize, short_edge_px: int = SHORT_EDGE_PX) -> FrameSize:
    """Return the network's input for an image: its shape, the short edge set, whole patches."""
    scale = short_edge_px / min(size.width, size.height)
    return FrameSize(
        width=max(1, round(size.width * scale / PATCH_PX)) * PATCH_PX,
        height=max(1, round(size.height * scale / PATCH_PX)) * PATCH_PX,
    )


@cache
def prior_stage(
    prior_size: str, size: FrameSize, precision: str, short_edge_px: int = SHORT_EDGE_PX
) -> Stage:
    """Count what a prior costs for an image of this size."""
    network = build_prior_network(prior_size).to(DTYPES[precision])
    inner = prior_input(size, short_edge_px)
    pixels = torch.empty(1, 3, inner.height, inner.width, dtype=DTYPES[precision], device=META)
    return Stage(operations=count(lambda: network(pixels), network.parameters()))


class RandomPrior(WithoutNetwork):
    """
    A prior of true size whose depth means nothing: what it takes is time.

    :param network: runs :class:`DepthAnything` on fp32 images
    :param short_edge_px: of the network's input
    """

    def __init__(
        self, network: Callable[..., torch.Tensor], short_edge_px: int = SHORT_EDGE_PX
    ) -> None:
        self.network, self._short_edge_px = network, short_edge_px

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Resize, run, resize back; a ramp keeps the depth from being constant."""
        rows, columns = rgb_B3HW.shape[-2:]
        inner = prior_input(FrameSize(width=columns, height=rows), self._short_edge_px)
        pixels = functional.interpolate(
            rgb_B3HW, size=(inner.height, inner.width), mode='bilinear', antialias=True
        )
        depth = self.network(pixels)[:, None].float()
        depth = functional.interpolate(depth, size=(rows, columns), mode='bilinear')
        ramp = torch.linspace(1.0, 5.0, columns, device=depth.device)
        return PriorDepth(depth_B1HW=depth.clamp(0.0, 1.0) + ramp)

    def describe(self) -> list[str]:
        """Return no line: nothing is loaded."""
        return []
