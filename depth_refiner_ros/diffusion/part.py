# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One network of a bundle or release: its configuration checked, built, filled with weights."""

from collections.abc import Mapping
import inspect
from typing import Any, get_type_hints

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import first_line
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
"""What diffusers raises for a configuration that contradicts itself."""


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
    :param where: names the configuration, for the message
    :param fix: what to do where it does not fit, for the message
    :raises WeightsError: where the configuration is unfit, or the weights are of another one
    """
    hints = get_type_hints(inspect.unwrap(form.__init__))
    check_config(config, hints, where, fix)
    try:
        # Nothing is drawn for weights that are there already: 16 s at full size.
        with torch.device('meta'):
            module = form.from_config(dict(config))
        module.load_state_dict(state, assign=True)
    except NOT_BUILT as error:
        raise WeightsError(
            f'{where}: configuration and weights do not fit: {first_line(error)}; {fix}'
        ) from error
    return module
