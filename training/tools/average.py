# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Average two states of a prior's training.

``python -m training.tools.average BUNDLE OTHER OUT --share 0.25`` writes a bundle whose weights
are those of BUNDLE by 0.75 and of OTHER by 0.25 (model soups, Wortsman et al., 2022). Both must
come from one training: weights that were found apart have no useful mean. The confidence of OUT
is to be made right anew (``training.tools.calibrate``). ``--scales 1,1.15 --in-turn`` also sets
what the bundle averages when it is used (``model.scales``, ``model.in_turn``).
"""

from dataclasses import replace
from pathlib import Path
import sys
from typing import Annotated

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.bundle import check_replaceable, open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network, write_prior_bundle
from depth_refiner_ros.priors.network import MetricNetwork
from training.program import ended
import typer


def averaged(network: MetricNetwork, other: MetricNetwork, share: float) -> MetricNetwork:
    """
    Return the first network with the mean weights of both.

    :param share: of the other one, 0..1
    :raises SettingsError: where they differ in more than what inference averages
    """
    trained, other_trained = (
        replace(one.config, scales=(1.0,), mirror=False, in_turn=False) for one in (network, other)
    )
    if trained != other_trained:
        raise SettingsError(
            'the two networks differ in shape, so they have no mean; take two states of one '
            'training'
        )
    theirs = other.state_dict()
    for name, values in network.state_dict().items():
        values.lerp_(theirs[name], share)
    return network


def main(
    bundle: Annotated[str, typer.Argument(help='A bundle of the prior.')],
    other: Annotated[str, typer.Argument(help='Another state of its training.')],
    out: Annotated[Path, typer.Argument(help='The new bundle; one that is there is replaced.')],
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help='Of the other state.')] = 0.5,
    scales: Annotated[str, typer.Option(help='Multiples of the input size, such as 1,1.15.')] = '',
    in_turn: Annotated[
        bool | None, typer.Option(help='Mirror every second of them alone.')
    ] = None,
) -> None:
    """Write a bundle of mean weights."""
    check_replaceable(out)
    first, second = open_bundle(bundle, 'prior'), open_bundle(other, 'prior')
    network = averaged(read_prior_network(first), read_prior_network(second), share)
    try:
        sizes = tuple(float(size) for size in scales.split(',')) if scales else ()
        shape = network.config
        network.config = replace(
            shape,
            scales=sizes or shape.scales,
            in_turn=shape.in_turn if in_turn is None else in_turn,
        )
    except ValueError as error:
        raise SettingsError(f'--scales {shown(scales)}: {error}; such as 1,1.15') from error
    record = dict(first.manifest.get('training', {}))
    for stale in ('calibration', 'validation'):  # of other weights
        record.pop(stale, None)
    samples = second.manifest.get('training', {}).get('samples')
    made = {'share_of_other': share, 'other_samples': samples}
    write_prior_bundle(out, network, {**record, 'average': made})
    note(
        f'{1.0 - share:.0%} of {bundle}, {share:.0%} of {other}: {out}; make its confidence right '
        'by python -m training.tools.calibrate'
    )


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
