# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Prior ``smeared`` in evaluation: known depth with errors on purpose, used like a sensor's."""

from dataclasses import replace

from depth_refiner_ros.core.images import depth_batch, first_map, image_batch
from depth_refiner_ros.priors.smeared import SmearedPrior
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
import numpy as np


class Smear:
    """
    Adds synthetic errors to depth, different in each image, for prior ``smeared``.

    :param settings: size of the errors
    :param model: its seed is used for image 0; with other priors nothing is changed
    """

    def __init__(self, settings: SmearSettings, model: ModelSettings) -> None:
        self._settings, self._active, self._seed = settings, model.prior == 'smeared', model.seed

    def __call__(
        self, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray | None, number: int
    ) -> np.ndarray | None:
        """
        Return depth with errors; the same number draws the same ones.

        :param number: of the image in its set, from 0
        """
        if not self._active or depth_m_HW is None:
            return depth_m_HW
        prior = SmearedPrior(
            kind=self._settings.kind,
            factor=self._settings.factor,
            warp=self._settings.warp,
            scale=self._settings.scale,
            seed=self._seed + number,
        )
        smeared = prior.predict(image_batch(rgb_HW3), None, depth_batch(depth_m_HW))
        return first_map(smeared.depth_B1HW)


def through_sensor(model: ModelSettings) -> ModelSettings:
    """Return settings that use the degraded depth of prior ``smeared`` like a sensor's."""
    return replace(model, prior='sensor') if model.prior == 'smeared' else model
