# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The mean of two states of a prior's training."""

from dataclasses import replace

from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network, write_prior_bundle
import pytest
import torch
from training.tools.average import main

from tests.tiny_networks import LITE, METRIC, metric_network

MIRRORED = replace(METRIC, mirror=True)


@pytest.fixture
def states(tmp_path):
    """Return two bundles of one shape, and an output."""
    for seed in (0, 1):
        network = metric_network(seed=seed, config=MIRRORED)
        record = {'steps': 3, 'samples': 40 + seed, 'calibration': {'spread_factor': 2.0}}
        write_prior_bundle(tmp_path / str(seed), network, record)
    return str(tmp_path / '0'), str(tmp_path / '1'), tmp_path / 'out'


def test_weights_are_between_those_of_both_and_the_record_says_so(states):
    first, second, out = states
    main(first, second, out, share=0.25, scales='1,1.15', in_turn=True)
    one, two, mean = (read_prior_network(open_bundle(where, 'prior')) for where in (*states,))
    for name, values in mean.state_dict().items():
        expected = 0.75 * one.state_dict()[name] + 0.25 * two.state_dict()[name]
        torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-4)
    assert (mean.config.scales, mean.config.in_turn) == ((1.0, 1.15), True)
    assert (one.config.scales, one.config.in_turn) == ((1.0,), False)
    told = open_bundle(out, 'prior').manifest['training']
    assert told['average'] == {'share_of_other': 0.25, 'other_samples': 41}
    assert told['steps'] == 3
    assert 'calibration' not in told


def test_looks_stay_where_nothing_is_said_about_them(states):
    first, second, out = states
    main(first, second, out)
    again = out.with_name('again')
    main(first, second, again, share=0.0, scales='1,2', in_turn=True)
    kept = out.with_name('kept')
    main(str(again), second, kept)
    config = read_prior_network(open_bundle(kept, 'prior')).config
    assert (config.scales, config.in_turn) == ((1.0, 2.0), True)


@pytest.mark.parametrize('scales', ['1;2', '0.1', '1,,2', 'nan'])
def test_sizes_that_none_are_is_one_line(states, scales):
    first, second, out = states
    with pytest.raises(SettingsError, match=r'--scales .*such as 1,1\.15'):
        main(first, second, out, scales=scales)
    assert not out.exists()


@pytest.mark.parametrize('config', [LITE, replace(MIRRORED, canonical_focal_px=400.0)])
def test_two_networks_of_different_trainings_have_no_mean(states, config):
    first, _, out = states
    other = out.with_name('other')
    write_prior_bundle(other, metric_network(config=config), {})
    with pytest.raises(SettingsError, match='two states of one training'):
        main(first, str(other), out)


def test_looks_in_turn_need_two_and_a_mirror(states):
    first, second, out = states
    with pytest.raises(SettingsError, match='in_turn needs mirror and two scales or more'):
        main(first, second, out, in_turn=True)


def test_an_output_that_is_no_bundle_is_refused_before_any_work(states, tmp_path):
    with pytest.raises(WeightsError, match='exists and is not a bundle'):
        main(*states[:2], tmp_path)
