# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Compare a release's scheduler with how the network is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.releases.weights import read_json
from depth_refiner_ros.diffusion.schedule import check_scheduler, PREDICTIONS

SCHEDULER = 'scheduler/scheduler_config.json'


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """
    A release's scheduler, as far as it concerns a one-step network.

    :param config: content of its file
    """

    config: Mapping[str, Any]

    @property
    def prediction(self) -> str:
        """Return what the UNet predicts; ``epsilon`` if the file does not state it."""
        return str(self.config.get('prediction_type', 'epsilon'))

    @property
    def zero_snr(self) -> bool:
        """Whether no signal is left at the last timestep."""
        return self.config.get('rescale_betas_zero_snr', False) is True

    @property
    def ends_clean(self) -> bool:
        """Whether a step beyond the first timestep ends at the clean estimate."""
        return self.config.get('set_alpha_to_one', True) is not False

    def notes(self, spec: ModelSpec) -> list[str]:
        """Return lines about values of the file that are ignored, and why."""
        found = []
        reads = PREDICTIONS[spec.prediction]
        if self.prediction != reads:
            found.append(
                f'its scheduler says {self.prediction}, left by its base model; the '
                f'network is read as {reads}, as in its own code'
            )
        spacing = self.config.get('timestep_spacing', 'leading')
        if spec.prediction == 'v' and spacing == 'leading':
            found.append(
                'its scheduler (leading) would start a single step at t = 1; here it starts '
                f'at t = {spec.timestep}'
            )
        return found

    def check(
        self, asked: str, spec: ModelSpec, *, leftovers: tuple[str, ...], prediction: str | None
    ) -> None:
        """
        Compare with a spec.

        :param asked: folder or id as given by the user
        :param leftovers: values that official releases of this kind have from their base model
        :param prediction: the user's choice, None to use the file
        :raises WeightsError: if prediction type, betas or terminal SNR differ
        """
        reads = PREDICTIONS[spec.prediction]
        if prediction is not None and prediction != reads:
            raise WeightsError(
                f'--prediction {prediction}: {spec.method} networks of this '
                f'layout are read as {reads}; leave it out'
            )
        if prediction is None and self.prediction not in (reads, *leftovers):
            raise WeightsError(
                f'{asked}: its scheduler says that the UNet predicts {self.prediction}, but it '
                f'would be read as {reads}; choose another --method, or, if the value is left '
                f'over from its base model, add --prediction {reads}'
            )
        try:
            check_scheduler({**self.config, 'prediction_type': reads}, spec)
        except WeightsError as error:
            raise WeightsError(f'{asked}: {error}') from error


def read_schedule(folder: Path) -> Schedule:
    """
    Read a release's scheduler.

    :raises WeightsError: if it is missing
    """
    return Schedule(config=read_json(folder / SCHEDULER))
