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


@pytest.mark.parametrize(
    'spec',
    [
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
    ],
)
def test_a_spec_survives_json(spec):
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize('name', CHOICES)
def test_a_value_that_is_no_choice_is_refused_by_name(name):
    with pytest.raises(WeightsError, match=f"spec: {name} = 'nonsense' must be one of"):
        ModelSpec.from_dict({name: 'nonsense'})


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('timestep', 1.5),
        ('timestep', '1'),
        ('detail', 1),
        ('residual_gain', 'much'),
        ('task_embedding', 3),
        ('method', None),
        ('unshuffle_factor', True),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(name, value):
    with pytest.raises(WeightsError, match=f'spec: {name} = .* must be of type'):
        ModelSpec.from_dict({name: value})


@pytest.mark.parametrize(
    ('name', 'value'),
    [('timestep', 1000), ('timestep', -1), ('unshuffle_factor', 0), ('max_edge_px', -3)],
)
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(WeightsError, match=f'spec: {name} = {value} must lie between'):
        ModelSpec.from_dict({name: value})


def test_a_whole_number_will_do_for_a_gain():
    assert ModelSpec.from_dict({'residual_gain': 1}).residual_gain == 1


def test_unknown_keys_are_refused():
    with pytest.raises(WeightsError, match=r"unknown keys \['chanel_order'\]"):
        ModelSpec.from_dict({'chanel_order': 'depth_rgb'})


@pytest.mark.parametrize(
    ('detail', 'known', 'expected'),
    [(False, False, 64), (True, False, 80), (False, True, 65), (True, True, 81)],
)
def test_input_channels(detail, known, expected):
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


@pytest.mark.parametrize(
    ('tree', 'message'),
    [
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
            'build on a prior, which aligned does not see',
        ),
        (
            {
                'method': 'aligned',
                'condition': 'none',
                'output': 'relative',
                'known': False,
                'detail': False,
            },
            'build on a prior, which aligned does not see',
        ),
        ({'agree_below': 1.5}, 'agree_below = 1.5 must lie between'),
        ({'nearest_m': -1.0}, 'nearest_m = -1.0 must lie between'),
    ],
)
def test_values_that_do_not_fit_each_other_are_refused(tree, message):
    with pytest.raises(WeightsError, match=message):
        ModelSpec.from_dict(tree)
