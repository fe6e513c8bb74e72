# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One predicted map against one image's truth, by a protocol."""

from dataclasses import dataclass
from functools import partial

from depth_refiner_ros.core.alignment import fit_scale_shift
from depth_refiner_ros.core.edge_metrics import EdgeMetrics
from depth_refiner_ros.core.image_errors import image_errors
from depth_refiner_ros.core.metric_alignment import from_disparity, to_metres
from depth_refiner_ros.core.metrics import DepthMetrics
from depth_refiner_ros.core.types import FitStatus
from depth_refiner_ros.sources.lost_frames import FrameError, NO_DEPTH
import numpy as np
import torch
from training.data.sample import Sample
from training.evaluation.protocols import Protocol

NO_ALIGNMENT = 'no alignment'


@dataclass(frozen=True, kw_only=True)
class Truth:
    """
    What a map is compared with.

    :param depth_m_HW: float32, NaN where unknown
    :param valid_HW: bool, where depth is compared
    :param edges_HW: depth whose boundaries count, or annotated edges; None where there are none
    """

    name: str
    depth_m_HW: torch.Tensor
    valid_HW: torch.Tensor
    edges_HW: torch.Tensor | None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """
    The errors of one map.

    :param depth_m_HW: the map after its alignment
    :param scale: of the alignment, 1 without one; 0 and less swaps near and far
    :param shift: of the alignment, in metres, or in 1/metres for ``disparity``
    """

    depth: DepthMetrics
    edges: EdgeMetrics | None
    depth_m_HW: torch.Tensor
    scale: float = 1.0
    shift: float = 0.0


def truth_of(sample: Sample, protocol: Protocol) -> Truth:
    """
    Return what maps of an image are compared with.

    :raises FrameError: where it has no depth that counts
    """
    depth_m_HW = sample.depth_m_HW
    if depth_m_HW is None:
        raise FrameError(NO_DEPTH, f'{sample.name} has no depth to compare with')
    near_m, far_m = protocol.range_m
    inside_HW = np.isfinite(depth_m_HW) & (depth_m_HW > near_m) & (depth_m_HW < far_m)
    valid_HW = inside_HW & protocol.mask(depth_m_HW)
    if not valid_HW.any():
        raise FrameError(
            NO_DEPTH, f'{sample.name} has no depth of {near_m:g} to {far_m:g} m to compare with'
        )
    depth = torch.from_numpy(np.ascontiguousarray(depth_m_HW))
    edges: torch.Tensor | None = None
    if protocol.edges == 'pdbe':
        edges = depth.clamp(max=protocol.edge_far_m)
    elif protocol.edges == 'annotated' and sample.edges_HW is not None:
        edges = torch.from_numpy(np.ascontiguousarray(sample.edges_HW))
    return Truth(
        name=sample.name, depth_m_HW=depth, valid_HW=torch.from_numpy(valid_HW), edges_HW=edges
    )


def compare(
    map_m_HW: np.ndarray, truth: Truth, protocol: Protocol, align: str = 'none'
) -> Compared:
    """
    Compare a map.

    :param map_m_HW: float32, NaN where there is no depth
    :param align: one of :data:`~.protocols.ALIGNMENTS`
    :raises FrameError: where it cannot be aligned
    """
    depth = torch.from_numpy(np.ascontiguousarray(map_m_HW))
    scale, shift = 1.0, 0.0
    if align != 'none':
        depth, scale, shift = _aligned(depth, truth, align, protocol.fit_columns)
    errors = image_errors(
        depth,
        truth.depth_m_HW.to(depth.dtype),
        truth.valid_HW,
        range_m=protocol.range_m,
        edges=protocol.edges,
        edge_truth_HW=_as(truth.edges_HW, depth, protocol.edges),
    )
    return Compared(depth=errors[0], edges=errors[1], depth_m_HW=depth, scale=scale, shift=shift)


def _as(edges_HW: torch.Tensor | None, like: torch.Tensor, kind: str) -> torch.Tensor | None:
    return edges_HW.to(like.dtype) if edges_HW is not None and kind == 'pdbe' else edges_HW


def _aligned(
    depth_m_HW: torch.Tensor, truth: Truth, align: str, fit_columns: int
) -> tuple[torch.Tensor, float, float]:
    """
    Fit scale and shift to the truth by plain least squares over the pixels that are compared.

    :raises FrameError: where no fit is possible
    """
    columns = fit_columns_of(tuple(depth_m_HW.shape), fit_columns)
    inverse = align == 'disparity'
    usable_HW = torch.isfinite(depth_m_HW) & truth.valid_HW
    if inverse:
        usable_HW = usable_HW & (depth_m_HW > 0.0)
    values_HW = 1.0 / depth_m_HW.double() if inverse else depth_m_HW.double()
    _, fit = to_metres(
        values_HW[None, None, :, columns],
        'disparity' if inverse else 'relative',
        truth.depth_m_HW.double()[None, None, :, columns],
        usable_HW[None, None, :, columns],
        fit=partial(fit_scale_shift, positive=False),
    )
    if not bool(fit.ok_B[0]):
        why = FitStatus(int(fit.status_B[0])).name.lower().replace('_', ' ')
        raise FrameError(
            NO_ALIGNMENT,
            f'{truth.name} cannot be aligned ({why}); look at its map, and at its true depth',
        )
    fitted = fit.apply(values_HW[None, None])
    metres = from_disparity(fitted) if inverse else fitted
    return metres[0, 0], float(fit.scale_B[0]), float(fit.shift_B[0])


def fit_columns_of(size: tuple[int, ...], widest: int) -> torch.Tensor:
    """
    Return the columns that take part in a fit.

    As Marigold's code takes them (ETH3D): where the longer side exceeds the limit, columns are
    thinned by that ratio, and rows are not.
    """
    height, width = size
    ratio = widest / max(height, width) if widest else 1.0
    if ratio >= 1.0:
        return torch.arange(width)
    return (torch.arange(int(width * ratio)) / ratio).long()
