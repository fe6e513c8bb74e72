# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Learned upsampling: each fine pixel is a convex combination of the nine coarse cells around it.

Teed and Deng, RAFT, arXiv 2003.12039, section 3.3. Bilinear upsampling draws slanted outlines as
rows of beads, one for each cell; here an outline runs where the image has it.
"""

from functools import reduce

import torch
from torch import nn
from torch.nn import functional

NEIGHBOURS = 9


class ConvexUpsampling(nn.Module):
    """
    Predicts the combinations.

    :param inputs: channels of the coarse features
    :param fine: channels of features of twice their size
    :param factor: fine pixels along each side of a coarse cell
    """

    def __init__(self, inputs: int, fine: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.coarse = nn.Conv2d(inputs, inputs, 3, 1, 1)
        self.fine = nn.Conv2d(4 * fine, inputs, 1)
        self.weights = nn.Conv2d(inputs, NEIGHBOURS * factor**2, 1)

    def forward(self, coarse_BChw: torch.Tensor, fine_BCHW: torch.Tensor) -> torch.Tensor:
        """
        Return the logarithms of weights, up to a constant.

        :return: B x 9 x factor x factor x h x w
        """
        mixed = self.coarse(coarse_BChw) + self.fine(functional.pixel_unshuffle(fine_BCHW, 2))
        logits = self.weights(functional.silu(mixed))
        size = (NEIGHBOURS, self.factor, self.factor, *logits.shape[-2:])
        return logits.view(len(logits), *size)


def upsampled(maps_BChw: torch.Tensor, logits_B9ffhw: torch.Tensor) -> torch.Tensor:
    """
    Return maps at ``factor`` times their size; beyond the border the outermost cells go on.

    :param logits_B9ffhw: of :class:`ConvexUpsampling`
    """
    h, w = maps_BChw.shape[-2:]
    padded = functional.pad(maps_BChw, (1, 1, 1, 1), mode='replicate')
    around = [padded[..., None, None, y : y + h, x : x + w] for y in range(3) for x in range(3)]
    # A softmax and a sum, neighbour by neighbour: along the second axis torch takes four times as
    # long for them, and ONNX Runtime's softmax a fifth of the network's time.
    logits = logits_B9ffhw.unbind(dim=1)
    largest_Bffhw = reduce(torch.maximum, logits)
    weights = [(logit_Bffhw - largest_Bffhw).exp() for logit_Bffhw in logits]
    mixed_BCffhw = reduce(
        torch.add, [cells * weight[:, None] for cells, weight in zip(around, weights)]
    )
    fine = mixed_BCffhw / reduce(torch.add, weights)[:, None]
    return functional.pixel_shuffle(fine.flatten(1, 3), logits_B9ffhw.shape[2])
