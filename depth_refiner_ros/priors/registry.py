"""Priors by name."""

from collections.abc import Callable

from depth_refiner_ros.bundle import open_bundle
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.bundled import BundledPrior
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.smeared import SmearedPrior
import torch

Device = torch.device | str

BUILDERS: dict[str, Callable[[str, int, Device], Prior]] = {
    'bundled': lambda weights, seed, device: BundledPrior(open_bundle(weights, 'prior'), device),
    'sensor': lambda weights, seed, device: SensorPrior(),
    'smeared': lambda weights, seed, device: SmearedPrior(seed=seed),
}


def build_prior(name: str, weights: str = 'bundled', *, seed: int = 0,
                device: Device = 'cpu') -> Prior:
    """
    Build a prior.

    :param name: key of :data:`BUILDERS`
    :param weights: ``bundled`` or a bundle folder, for priors that have weights
    :param seed: of priors that draw errors
    :param device: where networks run
    :raises SettingsError: for an unknown name
    """
    if name not in BUILDERS:
        raise SettingsError(f'prior = {name!r} must be one of {sorted(BUILDERS)}')
    return BUILDERS[name](weights, seed, device)
