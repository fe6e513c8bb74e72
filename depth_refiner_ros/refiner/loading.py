# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load the networks that settings name, for :meth:`.DepthRefiner.from_settings`."""

from typing import TYPE_CHECKING

from depth_refiner_ros.backends.base import Log
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.settings.networks import ModelSettings, RAW_DISPARITY_PRIORS
import torch

if TYPE_CHECKING:  # diffusers takes seconds to load, and a prior alone does not need it
    from depth_refiner_ros.diffusion.estimator import SharpEstimator


def load_estimator(settings: ModelSettings, runners: ModelRunners) -> 'SharpEstimator | None':
    """
    Load the refiner that the settings name, from a bundle or an official release.

    :param runners: run its networks
    :return: None with ``refiner: none``
    :raises WeightsError: if the weights cannot be used, or are for another method
    """
    if settings.refiner == 'none':
        return None
    from depth_refiner_ros.diffusion.estimator import SharpEstimator
    from depth_refiner_ros.diffusion.releases.refiner_weights import read_refiner_weights

    where = settings.refiner_weights
    network, description = read_refiner_weights(where, settings.refiner, settings.refiner_preset)
    method = network.spec.method
    if method != settings.refiner:
        raise WeightsError(
            f'{where} is trained for {method}; use refiner:={method} or set '
            f'refiner_weights to {settings.refiner} weights'
        )
    network.attach_backend(runners)
    return SharpEstimator(network, description, max_edge_px=settings.max_edge_px)


def load_priors(
    settings: ModelSettings, spec: ModelSpec | None, device: torch.device, runners: ModelRunners
) -> tuple[Prior, Prior | None]:
    """
    Load the prior, and the scale prior if the settings name one.

    :param spec: of the refiner's weights, which may ask for a prior fed in their own way
    :param device: where networks run
    :param runners: run the priors' networks
    :raises SettingsError: if a prior does not have an option
    :raises WeightsError: if weights cannot be found or used
    """
    common = {'seed': settings.seed, 'device': device, 'focal_rule': settings.prior_focal_rule}
    prior = build_prior(
        settings.prior,
        settings.prior_weights,
        short_side=settings.prior_short_side,
        input=prior_input(settings, spec),
        **common,
    )
    prior.attach_backend(runners, 'prior')
    if settings.scale_prior == 'none':
        return prior, None
    try:
        scale_prior = build_prior(settings.scale_prior, settings.scale_prior_weights, **common)
    except (SettingsError, WeightsError) as error:
        line = str(error).replace('prior_weights', 'scale_prior_weights')
        raise type(error)(line) from error
    scale_prior.attach_backend(runners, 'scale_prior')
    return prior, scale_prior


def prior_input(settings: ModelSettings, spec: ModelSpec | None) -> str:
    """Return how the prior is fed: as set, by default as the refiner's weights need it."""
    if settings.prior_input != 'auto':
        return settings.prior_input
    raw = settings.prior in RAW_DISPARITY_PRIORS
    return spec.prior_input if spec is not None and raw else 'model'


def backend_options(settings: ModelSettings, log: Log) -> BackendOptions:
    """Return the options of the backends in the settings."""
    return BackendOptions(
        engine_cache=settings.engine_cache,
        target=settings.engine_target,
        build_only=settings.build_only,
        max_abs_rel=settings.selfcheck.max_abs_rel if settings.selfcheck.enable else None,
        log=log,
    )
