# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One step of Marigold in this package and in the pipeline of diffusers."""

from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.presets import marigold_spec
from diffusers import DDIMScheduler, MarigoldDepthPipeline
import pytest
import torch

from tests.tiny_networks import tiny_of


def pipeline(network, zero_snr):
    scheduler = DDIMScheduler(
        beta_schedule='scaled_linear',
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type='v_prediction',
        clip_sample=False,
        set_alpha_to_one=True,
        timestep_spacing='trailing',
        rescale_betas_zero_snr=zero_snr,
    )
    made = MarigoldDepthPipeline(
        network.unet,
        network.codec.vae,
        scheduler,
        None,
        None,
        prediction_type='depth',
        default_denoising_steps=1,
        default_processing_resolution=0,
    )
    made.set_progress_bar_config(disable=True)
    made.empty_text_embedding = network.text_1LC
    return made


@pytest.mark.parametrize('version', ['v1-0', 'v1-1'])
@pytest.mark.parametrize(('height', 'width', 'edge'), [(16, 24, 0), (17, 23, 0), (32, 48, 24)])
def test_the_same_depth_as_the_pipeline(version, height, width, edge):
    network = tiny_of(marigold_spec(version))
    rgb = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    estimator = SharpEstimator(network, max_edge_px=edge or max(height, width))
    ours = estimator.estimate(
        rgb,
        torch.ones(1, 1, height, width),
        torch.ones(1, 1, height, width).bool(),
        torch.Generator().manual_seed(5),
    ).depth_B1HW
    theirs = pipeline(network, version == 'v1-1')(
        rgb,
        num_inference_steps=1,
        ensemble_size=1,
        processing_resolution=edge,
        generator=torch.Generator().manual_seed(5),
        output_type='pt',
    ).prediction
    torch.testing.assert_close((ours + 1.0) / 2.0, theirs, rtol=1e-4, atol=1e-4)
