# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Build one network of a bundle or release: check its configuration and load its weights."""

from collections.abc import Mapping
import inspect
from typing import Any, get_type_hints

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.models.model_config import check_config
from diffusers import ModelMixin
import torch

NOT_BUILT = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""What diffusers raises for a contradictory configuration."""


def build_part(
    form: type[ModelMixin],
    config: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    where: str,
    fix: str,
) -> Any:
    """
    Build a network and fill it.

    :param form: class of diffusers
    :param where: name of the configuration, for the message
    :param fix: what to do if it does not fit, for the message
    :raises WeightsError: if the configuration is unfit, or does not fit the weights
    """
    hints = get_type_hints(inspect.unwrap(form.__init__))
    check_config(config, hints, where, fix)
    try:
        # No random initialisation, which would take 16 s at full size, as the weights are loaded.
        with torch.device('meta'):
            module = form.from_config(dict(config))
        module.load_state_dict(state, assign=True)
    except NOT_BUILT as error:
        raise WeightsError(
            f'{where}: configuration and weights do not fit: {first_line(error)}; {fix}'
        ) from error
    return module
