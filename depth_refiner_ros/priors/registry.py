"""Priors by name."""

from collections.abc import Callable

from depth_refiner_ros.bundle import open_bundle
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.bundled import BundledPrior
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.smeared import SmearedPrior

BUILDERS: dict[str, Callable[[str, int], Prior]] = {
    'bundled': lambda weights, seed: BundledPrior(open_bundle(weights, 'prior')),
    'sensor': lambda weights, seed: SensorPrior(),
    'smeared': lambda weights, seed: SmearedPrior(seed=seed),
}


def build_prior(name: str, weights: str = 'bundled', *, seed: int = 0) -> Prior:
    """
    Build a prior.

    :param name: key of :data:`BUILDERS`
    :param weights: ``bundled`` or a bundle folder, for priors that have weights
    :raises SettingsError: for an unknown name
    """
    if name not in BUILDERS:
        raise SettingsError(f'prior = {name!r} must be one of {sorted(BUILDERS)}')
    return BUILDERS[name](weights, seed)
