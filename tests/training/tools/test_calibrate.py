# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confidence of a prior becomes right on average on images with depth."""

from depth_refiner_ros.core.confidence import confidence_of_spread
from depth_refiner_ros.core.errors import SettingsError, SourceError, WeightsError
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network, write_prior_bundle
from depth_refiner_ros.priors.network import MetricNetwork, MetricNetworkConfig
import numpy as np
import pytest
import torch
from training.tools.calibrate import images_of, main, spread_factor

SOURCE = 'sim:7:2'


def tiny(folder, *, uncertainty=True):
    torch.manual_seed(0)
    network = MetricNetwork(
        MetricNetworkConfig(
            channels=(8, 8, 8),
            blocks=(1, 1, 1),
            decoder_channels=(8, 8),
            input_width=64,
            input_height=48,
            uncertainty=uncertainty,
        )
    )
    torch.nn.init.normal_(network.head.weight, std=0.02)
    write_prior_bundle(folder, network, {'steps': 3})
    return str(folder)


def test_a_folder_that_is_no_bundle_is_refused_before_any_image(tmp_path, monkeypatch):
    monkeypatch.setattr('training.tools.calibrate.images_of', pytest.fail)
    with pytest.raises(WeightsError, match='exists and is not a bundle'):
        main(tiny(tmp_path / 'given'), SOURCE, tmp_path)


def test_confidence_is_the_share_that_is_right_and_depth_stays(tmp_path):
    given, out = tiny(tmp_path / 'given'), tmp_path / 'out'
    before = list(images_of(given, SOURCE, 1))
    right = np.mean([share for _, share in before])
    assert abs(np.mean([float(sure.mean()) for sure, _ in before]) - right) > 0.05
    main(given, SOURCE, out)
    after = list(images_of(str(out), SOURCE, 1))
    assert [share for _, share in after] == [share for _, share in before]
    assert np.mean([float(sure.mean()) for sure, _ in after]) == pytest.approx(right, abs=2e-3)
    old, new = (read_prior_network(open_bundle(where, 'prior')) for where in (given, out))
    torch.testing.assert_close(new.head.bias[0], old.head.bias[0], rtol=0, atol=0)
    told = open_bundle(out, 'prior').manifest['training']
    assert told['steps'] == 3
    assert told['calibration']['images'] == 2
    factor = told['calibration']['spread_factor']
    assert (new.head.bias[1] - old.head.bias[1]).exp().item() == pytest.approx(factor, rel=2e-3)


def test_every_image_counts_the_same():
    spread = torch.rand(1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sure = confidence_of_spread(0.05 + spread)
    right = float(confidence_of_spread(3.0 * (0.05 + spread)).mean())
    assert spread_factor([(sure, right)]) == pytest.approx(3.0, rel=1e-4)
    two = [
        (sure, 0.0),
        (sure[:10], 2.0 * float(confidence_of_spread(0.5 * (0.05 + spread[:10])).mean())),
    ]
    assert 0.3 < spread_factor(two) < 1.0


def test_what_cannot_be_calibrated_is_told(tmp_path):
    with pytest.raises(SettingsError, match='does not predict its errors; train it with loss'):
        main(tiny(tmp_path / 'plain', uncertainty=False), SOURCE, tmp_path / 'out')
    with pytest.raises(SourceError, match=r'0% of the pixels are right, which no factor'):
        spread_factor([(torch.full((5,), 0.5, dtype=torch.float64), 0.0)])
    assert not (tmp_path / 'out').exists()
