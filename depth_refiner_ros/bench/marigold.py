# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""diffusers' own one-step depth pipeline, timed by the same rules in the same run."""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.bench.devices import DTYPES
from depth_refiner_ros.bench.true_size import META, with_random_weights
from depth_refiner_ros.diffusion.sd2 import sd2_unet, sd2_vae, TEXT_TOKENS
import torch
from torch import nn

TEXT_WIDTH = 1024


def pipeline(codec: str, device: torch.device, precision: str, *, compiled: bool = False) -> Any:
    """
    Build ``MarigoldDepthPipeline`` at true size with random weights and its fast settings.

    These are, by its documentation: half precision, trailing DDIM timesteps (one step suffices),
    an ensemble of one, and as options the tiny autoencoder and a compiled UNet. Tokenizer and text
    encoder do not run for each image: the embedding of the empty prompt is kept.

    :param codec: ``vae`` or ``tiny``
    :param compiled: compile the UNet
    """
    from diffusers import AutoencoderTiny

    with META:
        unet, vae = sd2_unet(), AutoencoderTiny() if codec == 'tiny' else sd2_vae()
    for module in (unet, vae):
        # diffusers' own ``to`` warns about casts, which do not matter for random weights.
        nn.Module.to(with_random_weights(module), device, DTYPES[precision])
    return assemble(
        torch.compile(unet, mode='reduce-overhead', fullgraph=True) if compiled else unet,
        vae,
        TEXT_WIDTH,
    )


def assemble(unet: Any, vae: Any, text_width: int) -> Any:
    """Assemble a pipeline with trailing DDIM steps from its networks."""
    from diffusers import DDIMScheduler, MarigoldDepthPipeline

    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule='scaled_linear',
        clip_sample=False,
        set_alpha_to_one=False,
        prediction_type='v_prediction',
        timestep_spacing='trailing',
        rescale_betas_zero_snr=True,
    )
    made = MarigoldDepthPipeline(
        unet=unet,
        vae=vae,
        scheduler=scheduler,
        text_encoder=None,
        tokenizer=None,
        prediction_type='depth',
        scale_invariant=True,
        shift_invariant=True,
    )
    made.empty_text_embedding = torch.zeros(1, TEXT_TOKENS, text_width)
    made.set_progress_bar_config(disable=True)
    return made


def frame_call(made: Any, rgb_u8_B3HW: torch.Tensor, steps: int) -> Callable[[], torch.Tensor]:
    """
    Return a call that runs one frame: uint8 image on the device in, depth in 0..1 out.

    :param steps: evaluations of the UNet
    """
    generator = torch.Generator(rgb_u8_B3HW.device).manual_seed(0)

    def call() -> torch.Tensor:
        with torch.inference_mode():
            prediction = made(
                rgb_u8_B3HW.float() / 255.0,
                num_inference_steps=steps,
                ensemble_size=1,
                processing_resolution=0,
                output_type='pt',
                generator=generator,
            ).prediction
        return torch.as_tensor(prediction)

    return call
