# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.model_spec import CHOICES, ModelSpec
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.diffusion.unet import input_channels
import pytest


def test_a_spec_survives_json(subtests):
    cases = [
        ModelSpec(),
        sharpdepth_spec('paper'),
        sharpdepth_spec('official_code'),
        apdepth_spec(),
        apdepth_spec('paper'),
        apdepth_spec('official_compat'),
        lotus_spec('g'),
        lotus_spec('d', 'disparity'),
        marigold_spec('v1-0'),
        marigold_spec('v1-1'),
    ]
    for spec in cases:
        with subtests.test(spec=spec):
            assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_value_that_is_no_choice_is_refused_by_name(subtests):
    for name in CHOICES:
        with (
            subtests.test(name=name),
            pytest.raises(WeightsError, match=f"spec: {name} = 'nonsense' must be one of"),
        ):
            ModelSpec.from_dict({name: 'nonsense'})


def test_a_value_of_another_type_is_refused_by_name(subtests):
    cases = [
        ('timestep', 1.5),
        ('timestep', '1'),
        ('detail', 1),
        ('residual_gain', 'much'),
        ('task_embedding', 3),
        ('method', None),
        ('unshuffle_factor', True),
    ]
    for name, value in cases:
        with (
            subtests.test(name=name, value=value),
            pytest.raises(WeightsError, match=f'spec: {name} = .* must be of type'),
        ):
            ModelSpec.from_dict({name: value})


def test_a_value_out_of_range_is_refused_by_name(subtests):
    cases = [('timestep', 1000), ('timestep', -1), ('unshuffle_factor', 0), ('max_edge_px', -3)]
    for name, value in cases:
        with (
            subtests.test(name=name, value=value),
            pytest.raises(WeightsError, match=f'spec: {name} = {value} must lie between'),
        ):
            ModelSpec.from_dict({name: value})


def test_a_whole_number_will_do_for_a_gain():
    assert ModelSpec.from_dict({'residual_gain': 1}).residual_gain == 1


def test_unknown_keys_are_refused():
    with pytest.raises(WeightsError, match=r"unknown keys \['chanel_order'\]"):
        ModelSpec.from_dict({'chanel_order': 'depth_rgb'})


def test_input_channels(subtests):
    cases = [(False, False, 64), (True, False, 80), (False, True, 65), (True, True, 81)]
    for detail, known, expected in cases:
        with subtests.test(detail=detail, known=known):
            assert input_channels(ModelSpec(detail=detail, known=known), 16, 48) == expected


def test_a_network_that_sees_the_image_alone_has_no_depth_channels():
    assert input_channels(lotus_spec('d'), 4, 4) == 4
    assert input_channels(lotus_spec('g'), 4, 4) == 8


@pytest.mark.parametrize(
    ('former', 'align', 'scale'), [('paper', 'minmax', 'range'), ('official_code', 'none', 'max')]
)
def test_the_former_name_of_the_difference_is_understood(former, align, scale):
    spec = ModelSpec.from_dict({'difference': former})
    assert (spec.difference_align, spec.difference_scale) == (align, scale)


def test_another_former_difference_is_refused():
    with pytest.raises(WeightsError, match=r"unknown keys \['difference'\]"):
        ModelSpec.from_dict({'difference': 'papers'})


def test_values_that_do_not_fit_each_other_are_refused(subtests):
    cases = [
        (
            {'method': 'sharpdepth', 'condition': 'disparity', 'output': 'relative'},
            r"sharpdepth with \(condition, output\) = \('disparity', 'relative'\)",
        ),
        ({'condition': 'disparity'}, r"apdepth with .* = \('disparity', 'metric'\)"),
        ({'method': 'aligned', 'condition': 'none', 'output': 'metric'}, "'none', 'metric'"),
        ({'guess': 'ema'}, "guess = 'ema' is for sharpdepth"),
        (
            {
                'method': 'aligned',
                'condition': 'none',
                'output': 'relative',
                'known': False,
                'prediction': 'sample',
            },
            'aligned is not given the prior itself, so it has no detail of it',
        ),
        (
            {
                'method': 'aligned',
                'condition': 'none',
                'output': 'relative',
                'known': False,
                'detail': False,
            },
            'need a prior as input, which condition none does not have',
        ),
        (
            {'method': 'aligned', 'condition': 'metric', 'output': 'metric', 'detail': False},
            'aligned with condition = metric and layout = False does not fit',
        ),
        ({'agree_below': 1.5}, 'agree_below = 1.5 must lie between'),
        ({'keep_within': -0.1}, 'keep_within = -0.1 must lie between'),
        ({'nearest_m': -1.0}, 'nearest_m = -1.0 must lie between'),
    ]
    for tree, message in cases:
        with subtests.test(tree=tree), pytest.raises(WeightsError, match=message):
            ModelSpec.from_dict(tree)
