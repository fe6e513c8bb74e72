# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The prior depth of a batch: exact depth made worse, a stored prediction, or a network's own."""

from collections.abc import Mapping

from depth_refiner_ros.core.errors import InputError, SettingsError, SourceError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.degradations.table import Degraded
from depth_refiner_ros.priors.registry import build_prior
import torch
from training.config import check_keys, check_shares
from training.data.batches import Batch
from training.data.degrade import degrade, KINDS
from training.data.devices import training_device

STORED, COMPUTED = 'predicted', 'computed'
LEAST_DISPARITY = 1e-6


class BatchPriors:
    """
    Makes the priors of batches.

    Kinds are those of ``training/data/degrade.py``, ``predicted``, which is stored beside the
    images (``training.tools.predict_prior``), and ``computed`` by a network in every step. The
    last two need no true depth.

    :param shares: kind to share, as in ``data.priors``; a kind of share 0 is left out
    :param network: prior of the kind ``computed``, ``NAME`` or ``NAME:WEIGHTS``
    :raises SettingsError: for an unknown kind, or shares that are all 0
    """

    def __init__(self, shares: Mapping[str, float], network: str = 'bundled') -> None:
        check_keys('data.priors', shares, (*KINDS, STORED, COMPUTED))
        check_shares('data.priors', shares)
        used = {kind: share for kind, share in shares.items() if share > 0.0}
        self.kinds = list(used)
        self._shares = torch.tensor(list(used.values()))
        self._network: Prior | None = None
        if COMPUTED in used:
            name, _, weights = network.partition(':')
            where = training_device()
            self._network = build_prior(name, weights or 'bundled', device=where)

    def draw(self, batch: Batch) -> Degraded:
        """Return priors of kinds drawn by their shares, one per image."""
        return self.of(batch, self.drawn(batch))

    def drawn(self, batch: Batch) -> list[str]:
        """Return a kind for each image, drawn by their shares."""
        drawn = torch.multinomial(
            self._shares, len(batch.rgb_B3HW), replacement=True, generator=batch.generator
        )
        return [self.kinds[int(index)] for index in drawn]

    def of(self, batch: Batch, kinds: list[str]) -> Degraded:
        """
        Return the priors of a batch, and the sharp depth at their scale.

        :param kinds: one per image
        :return: a target that is NaN where the true depth is unknown
        :raises SourceError: where a prediction is asked for and none is stored, or where depth is
            to be made worse and there is none
        """
        exact = batch.depth_m_B1HW
        known = torch.isfinite(exact)
        for index, kind in enumerate(kinds):
            if kind in KINDS and not bool(known[index].any()):
                raise SourceError(
                    f'prior {kind} is made of true depth, which these images do not have; use '
                    f'{STORED} or {COMPUTED} in data.priors, and data.priors.{kind}=0'
                )
        made = ['sharp' if kind in (STORED, COMPUTED) else kind for kind in kinds]
        sample = degrade(fill_holes(exact), batch.rgb_B3HW, made, batch.generator)
        prior, target = sample.prior_m_B1HW, sample.target_m_B1HW
        for index, kind in enumerate(kinds):
            if kind in (STORED, COMPUTED):
                prior[index] = self._predicted(batch, index, kind)
                # Sharp depth at the scale of the prior, which a refiner keeps.
                target[index] = exact[index] * (prior[index] / exact[index]).nanmedian()
        return Degraded(prior_m_B1HW=prior, target_m_B1HW=torch.where(known, target, torch.nan))

    def _predicted(self, batch: Batch, index: int, kind: str) -> torch.Tensor:
        if kind == STORED:
            if batch.prior_m_B1HW is None:
                raise SourceError(
                    f'prior {STORED} needs stored predictions; run '
                    'python -m training.tools.predict_prior on these images'
                )
            return batch.prior_m_B1HW[index]
        assert self._network is not None
        rgb = batch.rgb_B3HW[index : index + 1]
        camera = batch.cameras[index]
        with torch.inference_mode():
            try:
                depth = as_metres(self._network.predict(rgb, camera))
            except InputError as error:
                if camera is not None:
                    raise
                raise SettingsError(
                    f'data.priors.{COMPUTED}: this prior needs the camera, which the images do '
                    'not have; give the horizontal field of view, such as data.assume_fov_deg=69'
                ) from error
        return depth[0].clone()


def as_metres(found: PriorDepth) -> torch.Tensor:
    """
    Return what a prior predicts as far things are far: of disparity its reciprocal.

    :return: float32 metres, up to scale and shift (of disparity) where the prior gives no metres
    :raises SettingsError: for a logarithm up to scale and shift, which no fit turns into metres
    """
    depth_B1HW = found.depth_B1HW.float()
    if found.kind == 'log':
        raise SettingsError(
            'this prior predicts a logarithm of depth up to scale and shift, which no training '
            'uses; name another prior'
        )
    return 1.0 / depth_B1HW.clamp_min(LEAST_DISPARITY) if found.kind == 'disparity' else depth_B1HW
