# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Settings that cannot work together are refused before a frame, where possible before weights."""

from dataclasses import replace
import inspect

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.priors.registry import BUILDERS
from depth_refiner_ros.refiner.checks import check_metres, check_spec
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import (
    FOCAL_PRIORS,
    ModelSettings,
    PRIORS,
    RELATIVE_PRIORS,
)
from depth_refiner_ros.settings.options import updated
import pytest

from tests.refiner.relative_depth import bundle, settings
from tests.tiny_networks import tiny_of


@pytest.mark.parametrize('refiner', ['none', 'apdepth', 'sharpdepth'])
def test_a_relative_prior_needs_metres_before_anything_is_loaded(refiner):
    with pytest.raises(
        SettingsError,
        match='prior = depth_anything_v2 gives disparity, which has '
        'no metric scale; set scale_prior',
    ):
        DepthRefiner.from_settings(
            settings(
                prior='depth_anything_v2',
                prior_weights='nowhere',
                refiner=refiner,
                refiner_weights='nowhere',
            )
        )


def test_relative_depth_is_no_disparity():
    with pytest.raises(SettingsError, match='depth_anything_3 gives relative depth, which has no'):
        check_metres(ModelSettings(prior='depth_anything_3'))
    both = ModelSettings(prior='depth_anything_3', scale_prior='sensor')
    check_metres(both)
    check_spec(both, apdepth_spec('paper'))
    with pytest.raises(SettingsError, match='use prior:=depth_anything_v2 with scale_prior:=sens'):
        check_spec(both, apdepth_spec('official_compat'))


def test_another_disparity_is_not_that_of_the_weights_training():
    with pytest.raises(SettingsError, match='prior = infinidepth gives disparity, which has no'):
        check_metres(ModelSettings(prior='infinidepth'))
    both = ModelSettings(prior='infinidepth', scale_prior='sensor')
    check_metres(both)
    check_spec(both, apdepth_spec('paper'))
    with pytest.raises(SettingsError, match='use prior:=depth_anything_v2 with scale_prior:=sens'):
        check_spec(both, apdepth_spec('official_compat'))


def test_every_other_prior_sets_the_metres_itself():
    for prior in PRIORS:
        if prior not in RELATIVE_PRIORS:
            check_metres(ModelSettings(prior=prior))
    check_metres(ModelSettings(prior='depth_anything_v2', scale_prior='sensor'))


@pytest.mark.parametrize(
    'spec', [lotus_spec('g'), lotus_spec('d', 'disparity'), marigold_spec('v1-1'), apdepth_spec()]
)
def test_depth_without_metres_cannot_go_without_a_fit(spec):
    kind = spec.output
    with pytest.raises(SettingsError, match=f'align = none, but .* weights give {kind} depth'):
        check_spec(ModelSettings(align='none'), spec)
    for align in ('auto', 'lstsq', 'robust'):
        check_spec(ModelSettings(align=align), spec)
    check_spec(ModelSettings(align='none'), sharpdepth_spec('paper'))
    check_spec(ModelSettings(align='none'), ModelSpec())


def test_released_apdepth_weights_take_the_disparity_of_their_own_prior_only():
    with pytest.raises(
        SettingsError,
        match=r'prior = zoedepth, but .* take the raw disparity .* '
        r'use prior:=depth_anything_v2 with '
        r'scale_prior:=zoedepth',
    ):
        check_spec(ModelSettings(prior='zoedepth'), apdepth_spec('official_compat'))
    check_spec(ModelSettings(prior='depth_anything_v2'), apdepth_spec('official_compat'))
    for preset in ('paper', 'normalized'):
        check_spec(ModelSettings(prior='zoedepth'), apdepth_spec(preset))


@pytest.mark.parametrize(
    ('spec', 'options', 'message'),
    [
        (apdepth_spec('official_compat'), {'refiner': 'apdepth'}, 'take the raw disparity'),
        (lotus_spec('d'), {'refiner': 'aligned', 'align': 'none'}, 'align = none'),
    ],
)
def test_they_are_refused_when_settings_are_loaded(tmp_path, spec, options, message):
    where = bundle(tmp_path / 'weights', tiny_of(replace(spec, max_edge_px=0)))
    with pytest.raises(SettingsError, match=message):
        DepthRefiner.from_settings(settings(refiner_weights=where, **options))


@pytest.mark.parametrize(
    ('options', 'lines'),
    [
        ({}, []),
        ({'refiner': 'none'}, []),
        (
            {'refiner': 'none', 'max_edge_px': 100},
            ['max_edge_px = 100 has no effect with refiner'],
        ),
        ({'scale_prior_weights': 'a/b'}, ["scale_prior_weights = 'a/b' has no effect with scale"]),
        (
            {'prior': 'sensor', 'refiner': 'none', 'prior_weights': 'x'},
            ["prior_weights = 'x' has no effect with prior = sensor"],
        ),
        (
            {'refiner': 'none', 'align': 'none', 'agree_below': 0.5},
            ["align = 'none' has no effect with", 'agree_below = 0.5 has no effect with'],
        ),
        ({'prior_focal_rule': 'none'}, ["prior_focal_rule = 'none' has no effect with prior ="]),
        ({'engine_target': 'sm86'}, ["engine_target = 'sm86' has no effect with backend = auto"]),
    ],
)
def test_options_that_another_one_leaves_without_effect_are_said(options, lines):
    said = []
    DepthRefiner.from_settings(updated(ModelSettings(), options), said.append)
    found = [line for line in said if 'no effect' in line]
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_priors_that_follow_the_focal_rule_are_listed():
    code = {name: inspect.getmodule(BUILDERS[name]) for name in FOCAL_PRIORS}
    assert all('options.focal_rule' in inspect.getsource(module) for module in code.values())
    others = {name: BUILDERS[name] for name in set(PRIORS) - set(FOCAL_PRIORS)}
    assert not any('focal_rule' in inspect.getsource(build) for build in others.values())
