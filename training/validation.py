# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Validation by the functions that evaluate the product: its method and the papers' metrics."""

from collections.abc import Iterable

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.core.image_errors import image_errors
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.metrics import MetricMean
from depth_refiner_ros.core.types import PriorDepth, RefinedDepth
from depth_refiner_ros.diffusion.estimator import Estimate, SharpEstimator
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.method import Refinement
import torch
from training.data.batches import Batch
from training.data.degrade import KINDS
from training.data.priors import BatchPriors

FIGURES = ('abs_rel', 'delta1', 'dbe_acc_px', 'dbe_compl_px')
SEED = 0


class _Disparity(SensorPrior):
    """The given depth as disparity, for networks that were trained with it."""

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Return 1 / metres."""
        given = super().predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
        return PriorDepth(depth_B1HW=1.0 / given.depth_B1HW, kind='disparity')


class _Seeded:
    """An estimator whose noise is the same for every image, as on a robot."""

    def __init__(self, estimator: SharpEstimator) -> None:
        self._estimator, self.spec = estimator, estimator.spec

    def estimate(
        self, rgb_B3HW: torch.Tensor, prior_B1HW: torch.Tensor, known_B1HW: torch.Tensor
    ) -> Estimate:
        """Return sharp depth, not yet aligned to metres."""
        generator = torch.Generator().manual_seed(SEED)
        return self._estimator.estimate(rgb_B3HW, prior_B1HW, known_B1HW, generator)


def refine(
    network: OneStepNetwork, rgb_B3HW: torch.Tensor, prior_m_B1HW: torch.Tensor
) -> RefinedDepth:
    """Refine given priors with a network under training, as the package refines sensor depth."""
    sensor = SensorPrior()
    takes_disparity = network.spec.condition == 'disparity'
    method = Refinement(
        prior=AnchoredPrior(_Disparity(), sensor) if takes_disparity else AnchoredPrior(sensor),
        # At the size of the training, whatever size the weights will work at.
        estimator=_Seeded(SharpEstimator(network, max_edge_px=-1)),
        execution=Execution(device=rgb_B3HW.device, precision='fp32'),
        align='auto',
        agree_below=0.0,
        fill_holes=True,
    )
    return method(rgb_B3HW, None, prior_m_B1HW)


def compare_refined(
    network: OneStepNetwork, batches: Iterable[Batch], priors: BatchPriors
) -> dict[str, float]:
    """
    Return the figures of prior and refined depth against sharp depth at the prior's scale.

    :return: ``KIND/prior/FIGURE`` and ``KIND/refined/FIGURE`` for each kind of prior, and
        ``score``: mean over kinds of AbsRel and edge completeness, each relative to the prior's;
        below 1 is better than the prior
    """
    means: dict[str, MetricMean] = {}
    for whole in batches:
        for kind in priors.kinds:
            # What is made of true depth cannot be made of a window of sky or holes.
            batch = whole.with_depth() if kind in KINDS else whole
            if batch is None:
                continue
            sample = priors.of(batch, [kind] * len(batch.rgb_B3HW))
            refined = refine(network, batch.rgb_B3HW, sample.prior_m_B1HW)
            for name, depth in (('prior', sample.prior_m_B1HW), ('refined', refined.depth_m_B1HW)):
                add_depth(
                    means.setdefault(f'{kind}/{name}', MetricMean()), depth, sample.target_m_B1HW
                )
    figures = {
        f'{name}/{figure}': value
        for name, mean in means.items()
        for figure, value in mean.mean().items()
        if figure in FIGURES and value is not None
    }
    return {**figures, 'score': _score(figures, priors.kinds)}


def add_depth(mean: MetricMean, depth_m_B1HW: torch.Tensor, truth_m_B1HW: torch.Tensor) -> None:
    """Add the images of a batch to a mean of metrics."""
    for depth, truth in zip(depth_m_B1HW[:, 0].cpu(), truth_m_B1HW[:, 0].cpu()):
        mean.add(*image_errors(depth, truth))


def _score(figures: dict[str, float], kinds: list[str]) -> float:
    ratios = [
        figures[f'{kind}/refined/{figure}'] / max(figures[f'{kind}/prior/{figure}'], least)
        for kind in kinds
        for figure, least in (('abs_rel', 0.005), ('dbe_compl_px', 1.0))
        if f'{kind}/refined/{figure}' in figures
    ]
    return sum(ratios) / len(ratios) if ratios else float('inf')
