# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A relative one-step model without the prior as input: Lotus, Marigold.

Aligned to the metres of a metric prior afterwards, this is the baseline 'UniDepth-aligned Lotus'
of SharpDepth's table 1, with any prior.
"""

from depth_refiner_ros.core.noise import gaussian_like, Source
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch


def aligned(
    network: OneStepNetwork,
    rgb_B3HW: torch.Tensor,
    generator: Source,
    extra_BChw: torch.Tensor | None = None,
) -> torch.Tensor:
    """
    Estimate depth from only an image, or from an image and the layout of a prior.

    :param rgb_B3HW: image in 0..1
    :param generator: source of the noise, if the spec starts from noise
    :param extra_BChw: the layout, from :meth:`OneStepNetwork.condition`
    :return: depth or disparity up to scale and shift, same size; by the prior's normalisation,
        if the network has the prior's layout
    """
    image = network.codec.encode_rgb(rgb_B3HW)
    if network.spec.start == 'none':
        return network.decode(network(None, image, extra_BChw))
    # The depth latent has the size of the image latent, but not always its channels.
    start = image.new_zeros(len(image), network.codec.depth_channels, *image.shape[-2:])
    if network.spec.start == 'gaussian':
        start = gaussian_like(start, generator)
    return network.decode(network(start, image, extra_BChw))
