# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.presets import lotus_spec, marigold_spec
from depth_refiner_ros.diffusion.schedule import alpha_bar, check_scheduler, clean_from_v
from diffusers import DDIMScheduler
import pytest
import torch


def scheduler(**changes):
    return DDIMScheduler(
        **{
            'beta_schedule': 'scaled_linear',
            'beta_start': 0.00085,
            'beta_end': 0.012,
            'prediction_type': 'v_prediction',
            'clip_sample': False,
            'set_alpha_to_one': True,
            'timestep_spacing': 'trailing',
            **changes,
        }
    )


def test_alpha_bar_of_stable_diffusion_2():
    assert alpha_bar(1) == pytest.approx(0.9983, abs=5e-5)
    assert alpha_bar(999) == pytest.approx(0.00466, abs=5e-6)
    assert alpha_bar(999) ** 0.5 == pytest.approx(0.0683, abs=5e-5)
    assert (1.0 - alpha_bar(999)) ** 0.5 == pytest.approx(0.9977, abs=5e-5)
    assert 1.0 - alpha_bar(999) == pytest.approx(0.99534, abs=5e-6)


@pytest.mark.parametrize('zero_snr', [False, True])
def test_alpha_bar_is_the_schedulers(zero_snr):
    reference = scheduler(rescale_betas_zero_snr=zero_snr).alphas_cumprod
    for step in (0, 1, 500, 998):
        assert alpha_bar(step, zero_snr=zero_snr) == pytest.approx(
            float(reference[step]), rel=2e-4
        )


def test_zero_snr_leaves_no_signal_and_x0_is_minus_v():
    assert alpha_bar(999, zero_snr=True) == 0.0
    noisy, v = torch.randn(1, 4, 3, 3), torch.randn(1, 4, 3, 3)
    assert torch.equal(clean_from_v(noisy, v, alpha_bar(999, zero_snr=True)), -v)


@pytest.mark.parametrize('zero_snr', [False, True])
def test_clean_from_v_inverts_its_definition(zero_snr):
    share = alpha_bar(400, zero_snr=zero_snr)
    clean, noise = torch.randn(2, 4, 5, 5), torch.randn(2, 4, 5, 5)
    noisy = share**0.5 * clean + (1.0 - share) ** 0.5 * noise
    v = share**0.5 * noise - (1.0 - share) ** 0.5 * clean
    torch.testing.assert_close(clean_from_v(noisy, v, share), clean, rtol=1e-4, atol=1e-5)


def test_one_trailing_step_of_ddim_is_the_same():
    ddim = scheduler()
    ddim.set_timesteps(1)
    assert ddim.timesteps.tolist() == [999]
    noisy, v = torch.randn(1, 4, 6, 6), torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(
        clean_from_v(noisy, v, alpha_bar(999)),
        ddim.step(v, 999, noisy).prev_sample,
        rtol=1e-4,
        atol=1e-5,
    )


def test_matching_schedulers_pass():
    check_scheduler(scheduler().config, marigold_spec('v1-0'))
    check_scheduler(scheduler(rescale_betas_zero_snr=True).config, marigold_spec('v1-1'))
    check_scheduler(scheduler(prediction_type='sample').config, lotus_spec('g'))


def test_networks_of_another_kind_are_refused(subtests):
    cases = [
        ({}, lotus_spec('g'), "prediction_type is 'v_prediction', the spec needs 'sample'"),
        (
            {'prediction_type': 'sample'},
            marigold_spec('v1-0'),
            "prediction_type is 'sample', the spec needs 'v_prediction'",
        ),
        ({'prediction_type': 'epsilon'}, marigold_spec('v1-0'), "prediction_type is 'epsilon'"),
        ({}, marigold_spec('v1-1'), 'rescale_betas_zero_snr is False, the spec needs True'),
        ({'beta_end': 0.02}, marigold_spec('v1-0'), 'beta_end is 0.02, the spec needs 0.012'),
        ({'beta_schedule': 'linear'}, marigold_spec('v1-0'), "beta_schedule is 'linear'"),
    ]
    for config, spec, message in cases:
        with subtests.test(message), pytest.raises(WeightsError, match=f'scheduler: {message}'):
            check_scheduler(scheduler(**config).config, spec)


def test_a_scheduler_that_says_nothing_predicts_noise_and_is_refused():
    with pytest.raises(WeightsError, match="prediction_type is 'epsilon'"):
        check_scheduler(
            {
                'num_train_timesteps': 1000,
                'beta_schedule': 'scaled_linear',
                'beta_start': 0.00085,
                'beta_end': 0.012,
            },
            lotus_spec('g'),
        )
