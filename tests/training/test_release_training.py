# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every objective, from a folder of Stable Diffusion 2's shape to a bundle that runs."""

import math

from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.models.bundle import open_bundle
from diffusers import AutoencoderTiny
import pytest
import torch
from training.loop import train
from training.models.encoder import EncoderModel
from training.models.teacher import TeacherModel

from tests.diffusion.releases import official_folders as official
from tests.training.tiny_runs import batch_of, built


def lotus_model(folder):
    start = official.stable_diffusion(folder)
    return {'start': 'weights', 'weights': str(start), 'family': 'lotus_g'}


def marigold_model(folder):
    start = official.stable_diffusion(folder)
    return {'start': 'weights', 'weights': str(start), 'family': 'marigold'}


def apdepth_model(folder):
    start = official.stable_diffusion(folder)
    return {'start': 'weights', 'weights': str(start), 'family': 'apdepth'}


def align_model(folder):
    return {**apdepth_model(folder), 'encoder': EncoderModel(kind='prior', weights='bundled')}


def sharpdepth_model(folder, teacher=official.lotus_g):
    return {
        'start': 'weights',
        'weights': str(official.lotus_g(folder)),
        'family': 'sharpdepth',
        'teacher': TeacherModel(weights=str(teacher(folder / 'teacher'))),
    }


def marigold_teacher(folder):
    return sharpdepth_model(folder, official.marigold)


def codec_model(folder):
    return {'start': 'weights', 'weights': str(official.apdepth(folder)), 'width': 8}


CASES = {
    'lotus': ('lotus', lotus_model, 'aligned'),
    'marigold': ('marigold', marigold_model, 'aligned'),
    'apdepth_align': ('apdepth_align', align_model, 'apdepth'),
    'apdepth_depth': ('apdepth_depth', apdepth_model, 'apdepth'),
    'sharpdepth': ('sharpdepth', sharpdepth_model, 'sharpdepth'),
    'sharpdepth from marigold': ('sharpdepth', marigold_teacher, 'sharpdepth'),
    'codec': ('codec', codec_model, 'apdepth'),
}


def config_of(make_config, tmp_path, case, **changes):
    objective, model, _ = CASES[case]
    config = make_config(objective, model=model(tmp_path / 'releases'), steps=2, **changes)
    config.data.width = config.data.height = 64
    config.batch = config.validation_samples = 1
    if objective.startswith('apdepth') or objective == 'codec':
        config.data.priors = {'smeared': 1.0}
    return config


@pytest.mark.parametrize('case', CASES)
def test_a_release_is_trained_exported_and_run(make_config, tmp_path, case):
    config = config_of(make_config, tmp_path, case)
    objective = built(config)
    figures = train(config, objective)
    assert all(math.isfinite(value) for value in figures.values())
    objective.export(tmp_path / 'bundle', {})
    bundle = open_bundle(tmp_path / 'bundle', 'refiner')
    network = read_refiner(bundle)
    assert network.spec.method == CASES[case][2]
    assert isinstance(network.codec, VaeCodec)
    assert isinstance(network.codec.vae, AutoencoderTiny) is (case == 'codec')
    prior = 1.0 + torch.rand(1, 1, 40, 56)
    if network.spec.condition == 'disparity':
        prior = 1.0 / prior
    estimate = SharpEstimator(network, max_edge_px=64).estimate(
        torch.rand(1, 3, 40, 56), prior, torch.ones(1, 1, 40, 56).bool(), torch.Generator()
    )
    assert estimate.depth_B1HW.shape == (1, 1, 40, 56)
    assert bool(torch.isfinite(estimate.depth_B1HW).all())


def test_the_decoders_gradient_reaches_the_unet_and_not_the_autoencoder(make_config, tmp_path):
    config = config_of(make_config, tmp_path, 'sharpdepth', loss={'sds': 0.0})
    objective = built(config)
    objective(batch_of(config), 0)['loss'].backward()
    reached = sum(float(value.grad.abs().sum()) for value in objective.trained.parameters())
    assert reached > 0.0
    vae = objective.network.codec.vae
    assert all(value.grad is None for value in vae.parameters())
    assert not any(value.requires_grad for value in vae.parameters())


def test_a_new_task_embedding_changes_nothing_before_it_is_trained(make_config, tmp_path):
    network = built(config_of(make_config, tmp_path, 'lotus')).network
    depth, image = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    one, other = torch.tensor([1.0, 0.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 1.0, 0.0])
    with torch.no_grad():
        first, second = (network.output(depth, image, task_C=task) for task in (one, other))
    assert torch.equal(first, second)
    assert network.unet.config.class_embed_type == 'projection'


def test_a_teacher_that_predicts_v_is_turned_into_its_clean_estimate(make_config, tmp_path):
    teacher = built(config_of(make_config, tmp_path, 'sharpdepth from marigold')).teacher
    noisy, image = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    share = teacher.alpha_bar
    assert share == pytest.approx(0.00466, abs=1e-5)
    with torch.no_grad():
        clean, v = teacher(noisy, image), teacher.output(noisy, image)
    torch.testing.assert_close(clean, share**0.5 * noisy - (1 - share) ** 0.5 * v)


def test_a_teacher_of_other_latents_is_refused(make_config, tmp_path):
    config = make_config(
        'sharpdepth',
        model={'teacher': TeacherModel(weights=str(official.lotus_g(tmp_path / 'teacher')))},
    )
    with pytest.raises(DepthRefinerError, match='both must be of one codec'):
        built(config)


def test_an_epsilon_teacher_is_refused_as_it_would_be_taken_for_x0(make_config, tmp_path):
    config = config_of(make_config, tmp_path, 'sharpdepth from marigold')
    scheduler = tmp_path / 'releases/teacher/marigold-depth-v1-0/scheduler/scheduler_config.json'
    official.edit(scheduler, prediction_type='epsilon')
    with pytest.raises(
        DepthRefinerError, match='its scheduler says that the UNet predicts epsilon'
    ):
        built(config)
