# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Both methods, image to depth, against their definition written out with only the libraries."""

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import FitStatus, PriorDepth
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from diffusers import DDIMScheduler
from diffusers.pipelines.marigold.marigold_image_processing import MarigoldImageProcessor
import numpy as np
import torch
from torch.nn import functional

from tests.diffusion.releases import official_folders as official

HEIGHT, WIDTH, EDGE = 90, 130, 101
LAST = 999


def picture():
    coarse = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(3))
    return functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode='bilinear')


def metres():
    coarse = 1.0 + 3.0 * torch.rand(1, 1, 9, 13, generator=torch.Generator().manual_seed(4))
    return functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode='bilinear')


def at_edge(maps):
    resized = MarigoldImageProcessor.resize_to_max_edge(maps, EDGE, 'bilinear')
    return MarigoldImageProcessor.pad_image(resized, 8)


def encoded(vae, image):
    return vae.encode(image).latent_dist.mean * 0.18215


def decoded(vae, latent):
    return vae.decode(latent / 0.18215).sample.mean(dim=1, keepdim=True)


def predicted(network, sample, timestep, task=None):
    """Call the UNet with the text that the release encodes and its task."""
    labels = None if task is None else torch.cat([task.sin(), task.cos()], dim=-1)
    return network.unet(sample, timestep, network.text_1LC, class_labels=labels).sample


def refiner(network, source, scale_prior=None, **options):
    settings = ModelSettings(device='cpu', precision='fp32', **options)
    return DepthRefiner(
        source,
        SharpEstimator(network, max_edge_px=EDGE),
        choose('cpu', 'fp32'),
        settings,
        scale_prior,
    )


@torch.inference_mode()
def sharpdepth_by_hand(network, rgb, prior_m, seed):
    vae = network.codec.vae
    (image, padding), (depth, _) = at_edge(rgb), at_edge(prior_m)
    low, high = depth.min(), depth.max()
    unit = ((depth - low) / (high - low) * 2.0 - 1.0).clip(-1.0, 1.0)
    z_image, z_depth = encoded(vae, image * 2.0 - 1.0), encoded(vae, unit.repeat(1, 3, 1, 1))
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(z_depth.shape, generator=generator) for _ in range(2))
    task = torch.tensor([[1.0, 0.0]])
    guess = predicted(network, torch.cat([z_image, first], dim=1), LAST, task)
    error = (decoded(vae, guess) - unit).abs()
    error = (error / error.max()).clip(0.0, 1.0)
    gate = functional.interpolate(error, scale_factor=1 / 8)
    scheduler = DDIMScheduler(beta_schedule='scaled_linear', beta_start=0.00085, beta_end=0.012)
    noisy = scheduler.add_noise(guess, second, torch.tensor([LAST]))
    gated = noisy * gate + z_depth * (1.0 - gate)
    sharp = decoded(vae, predicted(network, torch.cat([z_image, gated], dim=1), LAST, task))
    sharp, error = (
        functional.interpolate(
            MarigoldImageProcessor.unpad_image(maps, padding),
            size=(HEIGHT, WIDTH),
            mode='bilinear',
        )
        for maps in (sharp, error)
    )
    mask = ((1.0 - error) > 0.5).numpy()
    design = np.stack([sharp.numpy()[mask], np.ones(mask.sum())], axis=1)
    scale, shift = np.linalg.lstsq(design, prior_m.numpy()[mask], rcond=None)[0]
    return sharp * float(scale) + float(shift), error, float(scale)


def test_sharpdepth_is_its_definition_from_image_to_metres(tmp_path):
    network = load_release(official.sharpdepth(tmp_path)).network
    expected, error, scale = sharpdepth_by_hand(network, picture(), metres(), seed=7)
    result = refiner(network, SensorPrior(), prior='sensor', seed=7).refine(
        picture(), Intrinsics.from_fov(WIDTH, HEIGHT, 60.0), sensor_depth_m_B1HW=metres()
    )
    torch.testing.assert_close(result.difference_B1HW, error, rtol=1e-4, atol=1e-5)
    # A fit that swaps near and far would not be used: another seed would tell nothing.
    assert scale > 0.0
    torch.testing.assert_close(result.depth_m_B1HW, expected, rtol=1e-5, atol=1e-5)


class Disparity:
    """Imitates Depth Anything: its raw output for its input image."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=disparity_of(rgb_B3HW), kind='disparity')


def disparity_of(rgb):
    return 25.0 * (rgb * torch.tensor([0.5, 0.3, 0.2]).view(1, 3, 1, 1)).sum(1, keepdim=True)


@torch.inference_mode()
def apdepth_by_hand(network, rgb):
    vae = network.codec.vae
    small = MarigoldImageProcessor.resize_to_max_edge(rgb, EDGE, 'bilinear')
    (image, padding), disparity = at_edge(rgb), disparity_of(small)
    raw, _ = MarigoldImageProcessor.pad_image(disparity, 8)
    sample = torch.cat([encoded(vae, raw.repeat(1, 3, 1, 1)), encoded(vae, image * 2.0 - 1.0)], 1)
    depth = decoded(vae, predicted(network, sample, 1)).clip(-1.0, 1.0)
    depth = MarigoldImageProcessor.unpad_image(depth, padding)
    return functional.interpolate(depth, size=(HEIGHT, WIDTH), mode='bilinear')


def test_apdepth_is_its_definition_from_image_to_relative_depth(tmp_path):
    network = load_release(official.apdepth(tmp_path)).network
    made = refiner(network, Disparity(), SensorPrior(), prior='depth_anything_v2')
    expected = apdepth_by_hand(network, picture())
    result = made.refine(picture(), None, sensor_depth_m_B1HW=metres())
    # What comes out is the definition's depth but for a scale and a shift to metres.
    fit = result.scale_shift
    assert fit.status_B.tolist() == [FitStatus.OK]
    torch.testing.assert_close(result.depth_m_B1HW, fit.apply(expected), rtol=1e-3, atol=1e-3)
    assert float(fit.apply(expected).std()) > 0.02
