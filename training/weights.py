# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Putting weights from files into networks under training."""

from collections.abc import Mapping
from pathlib import Path

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
import torch
from torch import nn


def fill(networks: nn.ModuleDict, state: Mapping[str, torch.Tensor], where: Path | str) -> None:
    """
    Put weights into the networks that they name, each network as a whole.

    :param state: ``NETWORK.PARAMETER`` to value
    :param where: their source, for the message
    :raises WeightsError: where they are of other networks, or name none of these
    """
    by_network: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        network, _, name = key.partition('.')
        by_network.setdefault(network, {})[name] = value
    known = by_network.keys() & networks.keys()
    if not known:
        raise WeightsError(
            f'{where} holds networks {", ".join(sorted(by_network)) or "of no name"}, this run '
            f'trains {", ".join(networks)}; name weights of the same objective'
        )
    for name in known:
        try:
            networks[name].load_state_dict(by_network[name])
        except RuntimeError as error:
            raise WeightsError(
                f'{where}: {name} is of another network than model describes: {first_line(error)}'
            ) from error
