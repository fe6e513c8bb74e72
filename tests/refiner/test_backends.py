# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One input and one seed give the same depth on every backend."""

from depth_refiner_ros.backends.selfcheck import check_image, deviation
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.diffusion.bundles import write_refiner_bundle
from depth_refiner_ros.priors.bundled import write_prior_bundle
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings, SelfCheckSettings
import pytest
import torch

from tests.tiny_networks import lotus, metric_network, small

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
RGB = check_image(64, 48)


@pytest.fixture(scope='module')
def chosen(tmp_path_factory, engines):
    folder = tmp_path_factory.mktemp('bundles')
    prior = write_prior_bundle(folder / 'prior', metric_network(), {'name': 'tiny-prior'})
    found = {'prior_weights': str(prior.path), 'engine_cache': str(engines)}
    for name, network in (('sharpdepth', lotus()), ('apdepth', small())):
        bundle = write_refiner_bundle(
            folder / name, network, name=name, licence='Apache-2.0', source='random weights'
        )
        found[name] = str(bundle.path)
    return found


def refiner(chosen, method='sharpdepth', **changes):
    return DepthRefiner.from_settings(
        ModelSettings(
            **{
                'device': 'cpu',
                'precision': 'fp32',
                'refiner': method,
                'prior_weights': chosen['prior_weights'],
                'engine_cache': chosen['engine_cache'],
                'refiner_weights': chosen[method],
                **changes,
            }
        )
    )


def depth(made):
    return made.refine(RGB, CAMERA).depth_m_B1HW


@pytest.mark.parametrize('method', ['sharpdepth', 'apdepth'])
def test_torch_and_onnx_give_one_depth(chosen, method):
    exact, other = refiner(chosen, method), refiner(chosen, method, backend='onnx')
    assert deviation(depth(other), depth(exact)).p99 < 1e-3
    assert torch.equal(depth(other), depth(other)), 'the seed counts, not the call'
    assert 'networks run on cpu in fp32 by onnx' in other.describe()


def test_warming_up_checks_every_network(chosen):
    made = refiner(chosen, backend='onnx')
    assert len(made.describe()) == 3
    made.warm_up(64, 48)
    checked = [line.split()[1] for line in made.describe() if line.startswith('self-check')]
    assert checked == ['vae_encoder', 'vae_decoder', 'unet', 'prior']


def test_a_blank_wall_is_not_what_a_backend_is_judged_by(chosen):
    blank = torch.full((2, 3, 48, 64), 128, dtype=torch.uint8)
    one, other = refiner(chosen, precision='bf16'), refiner(chosen, precision='bf16')
    one.warm_up(64, 48, batch=2)
    other.refine(blank, CAMERA)
    assert other.describe() == one.describe()
    assert len(one.describe()) == 7
    other.refine(blank, CAMERA)
    assert other.describe() == one.describe(), 'a size is judged once'


def test_a_lens_cap_is_served_by_the_bundled_weights():
    made = DepthRefiner.from_settings(ModelSettings(device='cpu', precision='bf16'))
    black = torch.zeros((1, 3, 60, 80), dtype=torch.uint8)
    refined = made.refine(black, Intrinsics.from_fov(80, 60, 60.0))
    assert bool(torch.isfinite(refined.depth_m_B1HW).all())
    checked = [line.split()[1] for line in made.describe() if line.startswith('self-check')]
    assert checked == ['unet', 'prior']


# Small images: most CPUs run convolutions in bf16 thirty times as slowly as in fp32.
@pytest.mark.parametrize('prior', ['sensor', 'smeared'])
@pytest.mark.parametrize(('width', 'height'), [(80, 60), (60, 80)])
def test_the_bundled_weights_pass_their_check_with_depth_of_any_kind(prior, width, height):
    made = DepthRefiner.from_settings(ModelSettings(device='cpu', precision='bf16', prior=prior))
    made.warm_up(width, height)
    wall_m = torch.full((1, 1, height, width), 2.0)
    blank = torch.full((1, 3, height, width), 128, dtype=torch.uint8)
    refined = made.refine(
        blank, Intrinsics.from_fov(width, height, 60.0), sensor_depth_m_B1HW=wall_m
    )
    assert bool(torch.isfinite(refined.depth_m_B1HW).all())


def test_what_is_not_judged_runs_no_frame_but_its_own(chosen):
    made = refiner(chosen)
    seen = []
    made._prior._prior.network.module.register_forward_hook(lambda *_: seen.append(1))
    depth(made)
    assert len(seen) == 1


def test_a_refused_backend_stays_refused(chosen):
    made = refiner(chosen, precision='bf16', selfcheck=SelfCheckSettings(max_abs_rel=1e-6))
    for _ in range(2):
        with pytest.raises(BackendError, match=r'^self-check'):
            depth(made)


def test_a_bound_that_nothing_meets_refuses_at_the_start(chosen):
    strict = SelfCheckSettings(max_abs_rel=1e-6)
    made = refiner(chosen, precision='bf16', selfcheck=strict)
    with pytest.raises(BackendError, match=r'^self-check: prior with backend torch in bf16'):
        made.warm_up(64, 48)
    loose = refiner(chosen, precision='bf16', selfcheck=SelfCheckSettings(enable=False))
    loose.warm_up(64, 48)
    assert len(loose.describe()) == 3


def test_out_of_memory_in_a_prior_is_one_line(chosen):
    made = refiner(chosen)

    def short(*_):
        raise torch.OutOfMemoryError('Tried to allocate 20 GiB')

    made._prior._prior.network = short
    with pytest.raises(BackendError, match=r'^out of memory: Tried to allocate 20 GiB'):
        depth(made)


def test_what_networks_are_run_by_cannot_change_between_images(chosen):
    made = refiner(chosen)
    assert made.update_settings(made._settings)
    assert not made.update_settings(ModelSettings(selfcheck=SelfCheckSettings(enable=False)))
