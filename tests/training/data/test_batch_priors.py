# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Priors of batches: which kinds there are, where they are computed, and what has no depth."""

from dataclasses import replace

from depth_refiner_ros.core.errors import SourceError
import pytest
import torch
from training.config import DataConfig, SourceConfig
from training.data import priors as priors_module
from training.data.batches import validation_batches
from training.data.mixture import Mixture
from training.data.priors import BatchPriors
from training.validation import compare_refined

from tests.training.tiny_runs import batch_of, built

CUT = DataConfig(crop_width=48, crop_height=36, width=32, height=24, min_zoom=0.8, max_zoom=1.5)


def test_a_kind_of_share_0_is_no_kind(rooms):
    data = replace(CUT, train={'rooms': SourceConfig(path=str(rooms))})
    batch = next(validation_batches(Mixture.of('train', data), 2, 2))
    priors = BatchPriors({'smeared': 1.0, 'computed': 0, 'predicted': 0})
    assert priors.kinds == ['smeared']
    assert priors.draw(batch).prior_m_B1HW.isfinite().all()
    with pytest.raises(SourceError, match=r'and data\.priors\.smeared=0'):
        priors.draw(replace(batch, depth_m_B1HW=torch.full_like(batch.depth_m_B1HW, torch.nan)))


def test_a_computed_prior_lies_where_its_process_trains(monkeypatch):
    monkeypatch.setattr(priors_module, 'training_device', lambda: torch.device('meta'))
    network = BatchPriors({'computed': 1.0})._network.network
    assert {value.device.type for value in network.parameters()} == {'meta'}


def test_an_image_without_depth_is_left_out_of_a_validation(rooms, make_config):
    network = built(make_config('lotus')).averaged
    data = replace(CUT, train={'rooms': SourceConfig(path=str(rooms))}, height=32)
    batch = next(validation_batches(Mixture.of('train', data), 2, 2))
    depth_m = batch.depth_m_B1HW.clone()
    depth_m[1] = torch.nan
    priors = BatchPriors({'smeared': 1.0})
    nothing = replace(batch, depth_m_B1HW=torch.full_like(depth_m, torch.nan))
    found = compare_refined(network, [replace(batch, depth_m_B1HW=depth_m), nothing], priors)
    first = replace(batch, depth_m_B1HW=depth_m).with_depth()
    assert (len(first.rgb_B3HW), len(first.cameras)) == (1, 1)
    assert found == compare_refined(network, [first], priors)
    assert 'smeared/refined/abs_rel' in found


@pytest.mark.parametrize('priors', [{}, {'smeared': 1.0}], ids=['none', 'smeared'])
def test_of_images_without_depth_no_pictures_are_drawn(make_config, priors):
    config = make_config('lotus')
    config.data.priors = priors
    objective, batch = built(config), batch_of(config)
    assert objective.pictures(batch).keys() > {'image', 'refined', 'true'}
    unknown = torch.full_like(batch.depth_m_B1HW, torch.nan)
    assert objective.pictures(replace(batch, depth_m_B1HW=unknown)) == {}
