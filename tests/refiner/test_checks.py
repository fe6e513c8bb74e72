"""Settings that cannot work together are refused before a frame, where possible before weights."""

from dataclasses import replace

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.model_spec import Recipe
from depth_refiner_ros.diffusion.presets import (
    apdepth_recipe,
    lotus_recipe,
    marigold_recipe,
    sharpdepth_recipe,
)
from depth_refiner_ros.refiner.checks import check_metres, check_recipe
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.settings import ModelSettings, PRIORS, RELATIVE_PRIORS
import pytest

from tests.refiner.test_relative import bundle, settings
from tests.tiny_networks import tiny_of


@pytest.mark.parametrize('refiner', ['none', 'apdepth', 'sharpdepth'])
def test_a_relative_prior_needs_metres_before_anything_is_loaded(refiner):
    with pytest.raises(SettingsError, match='prior = depth_anything_v2 gives disparity, which has '
                                            'no metres; name what sets them'):
        DepthRefiner.from_settings(settings(prior='depth_anything_v2', prior_weights='nowhere',
                                            refiner=refiner, refiner_weights='nowhere'))


def test_every_other_prior_sets_the_metres_itself():
    for prior in PRIORS:
        if prior not in RELATIVE_PRIORS:
            check_metres(ModelSettings(prior=prior))
    check_metres(ModelSettings(prior='depth_anything_v2', scale_prior='sensor'))


@pytest.mark.parametrize('recipe', [lotus_recipe('g'), lotus_recipe('d', 'disparity'),
                                    marigold_recipe('v1-1'), apdepth_recipe()])
def test_depth_without_metres_cannot_go_without_a_fit(recipe):
    kind = recipe.output
    with pytest.raises(SettingsError, match=f'align = none, but .* weights give {kind} depth'):
        check_recipe(ModelSettings(align='none'), recipe)
    for align in ('auto', 'lstsq', 'robust'):
        check_recipe(ModelSettings(align=align), recipe)
    check_recipe(ModelSettings(align='none'), sharpdepth_recipe('paper'))
    check_recipe(ModelSettings(align='none'), Recipe())


def test_released_apdepth_weights_take_the_disparity_of_their_own_prior_only():
    with pytest.raises(SettingsError, match=r'prior = zoedepth, but .* take the raw disparity .* '
                                            r'use prior:=depth_anything_v2 with '
                                            r'scale_prior:=zoedepth'):
        check_recipe(ModelSettings(prior='zoedepth'), apdepth_recipe('official_compat'))
    check_recipe(ModelSettings(prior='depth_anything_v2'), apdepth_recipe('official_compat'))
    for preset in ('paper', 'normalized'):
        check_recipe(ModelSettings(prior='zoedepth'), apdepth_recipe(preset))


@pytest.mark.parametrize(('recipe', 'options', 'message'), [
    (apdepth_recipe('official_compat'), {'refiner': 'apdepth'}, 'take the raw disparity'),
    (lotus_recipe('d'), {'refiner': 'aligned', 'align': 'none'}, 'align = none')])
def test_they_are_refused_when_settings_are_loaded(tmp_path, recipe, options, message):
    where = bundle(tmp_path / 'weights', tiny_of(replace(recipe, max_edge_px=0)))
    with pytest.raises(SettingsError, match=message):
        DepthRefiner.from_settings(settings(refiner_weights=where, **options))
