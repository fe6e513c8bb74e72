# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Options of the networks: which prior and refiner run, and how.

See ``options.py`` for how YAML, ROS parameters, command-line flags and docs come from here.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from depth_refiner_ros.settings.options import option

PRIORS = (
    'bundled',
    'sensor',
    'smeared',
    'depth_anything_v2_metric',
    'depth_anything_v2',
    'depth_anything_3_metric',
    'depth_anything_3',
    'zoedepth',
    'depth_pro',
    'prompt_depth_anything',
    'unidepth_v1',
    'unidepth_v2',
    'metric3d_v2',
    'moge2',
    'video_depth_anything',
    'unik3d',
    'prior_depth_anything',
    'infinidepth',
    'infinidepth_sensor',
    'pixel_perfect_depth',
)
RAW_DISPARITY_PRIORS = ('depth_anything_v2',)
"""Priors whose disparity some weights of refiners were trained with."""
DISPARITY_PRIORS = (*RAW_DISPARITY_PRIORS, 'infinidepth')
RELATIVE_PRIORS = (*DISPARITY_PRIORS, 'depth_anything_3', 'pixel_perfect_depth')
MEASURED_PRIORS = ('sensor', 'prompt_depth_anything', 'prior_depth_anything', 'infinidepth_sensor')
"""Priors that start from what a depth sensor measured."""
DEPTH_PRIORS = (*MEASURED_PRIORS, 'smeared')
"""Priors that need a depth map beside the image."""
WITHOUT_WEIGHTS = ('sensor', 'smeared')
"""Priors that are no network."""
LENS_PRIORS = ('unik3d', 'sensor', 'smeared')
"""Priors that take images of a lens as they are; only the first is better for it."""
FOCAL_PRIORS = (
    'depth_anything_v2_metric',
    'depth_anything_3_metric',
    'zoedepth',
    'depth_pro',
    'unidepth_v1',
    'unidepth_v2',
    'metric3d_v2',
    'moge2',
    'unik3d',
)
"""Priors that follow ``prior_focal_rule``, or refuse it."""
SCALE_PRIORS = ('none', *(name for name in PRIORS if name not in RELATIVE_PRIORS))
REFINERS = ('none', 'sharpdepth', 'apdepth', 'aligned')
PRESETS = ('released', 'official_code', 'official_compat', 'paper', 'paper_tables', 'normalized')
DEGRADATIONS = (
    'smeared',
    'mild',
    'strong',
    'overshoot',
    'median',
    'bilateral',
    'disparity',
    'regions',
    'registered',
    'noisy',
    'quantised',
    'sensor',
    'kinect',
)
BACKENDS = ('auto', 'torch', 'compiled', 'onnx', 'ncnn', 'openvino', 'tensorrt')


@dataclass(frozen=True, kw_only=True)
class SelfCheckSettings:
    """Comparison of every network with fp32 torch before its first frame."""

    enable: bool = option(True, 'compare; a backend with different results is refused')
    max_abs_rel: float = option(
        0.1, 'largest relative difference for 99 of 100 values', low=1e-6, high=10.0
    )


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The networks, and how they are run."""

    prior: str = option(
        'bundled',
        'where metric depth comes from: a network, a depth sensor, or '
        'known depth smeared on purpose (evaluation)',
        choices=PRIORS,
    )
    prior_weights: str = option(
        'bundled',
        'weights of the prior: a folder, a hub id, or a name. bundled: bundled, or '
        'quick, which sees the image once. '
        'depth_anything_v2_metric: indoor- or outdoor- and small, base or large. '
        'depth_anything_v2: small, base, large, or a safetensors file of the original code '
        '(giant). depth_anything_3_metric: large. depth_anything_3: small, base, mono-large. '
        'zoedepth: nyu-kitti. depth_pro: large. prompt_depth_anything: small, large. '
        'unidepth_v1: vitl14, cnvnxtl. unidepth_v2: vits14, vitb14, vitl14. '
        'unik3d: vits, vitb, vitl. '
        'metric3d_v2, moge2, video_depth_anything, prior_depth_anything, infinidepth, '
        'infinidepth_sensor, pixel_perfect_depth: only a folder made by '
        'depth-refiner models import; moge2 also '
        'its own ONNX file, its folder or hub id, with backend onnx',
    )
    prior_focal_rule: str = option(
        'auto',
        'auto adapts depth to the focal length as each prior '
        'needs it (priors/focal.py); none leaves depth as the network gives it',
        choices=('auto', 'none'),
    )
    prior_short_side: int = option(
        0,
        'shorter side of the input in pixels, for '
        'depth_anything_*, prompt_depth_anything, prior_depth_anything, moge2, '
        'video_depth_anything, infinidepth, infinidepth_sensor, pixel_perfect_depth; smaller '
        'is faster; 0 is the size of the training',
        unit='px',
        low=0,
        high=4096,
    )
    prior_input: str = option(
        'auto',
        'how depth_anything_v2* is run: model as in transformers, official_code with '
        'positions resampled as in its own code, official_compat as in the code of ApDepth, '
        'auto as the refiner needs it',
        choices=('auto', 'model', 'official_code', 'official_compat'),
    )
    scale_prior: str = option(
        'none',
        'second, metric prior that sets the scale: for '
        'priors without a metric scale, and to follow a depth sensor',
        choices=SCALE_PRIORS,
    )
    scale_prior_weights: str = option('bundled', 'weights of the scale prior, as prior_weights')
    refiner: str = option(
        'apdepth',
        'one-step refiner: none publishes the prior as it is, '
        'aligned is a relative model (Lotus, Marigold) aligned to the metres '
        'of the prior',
        choices=REFINERS,
    )
    refiner_weights: str = option(
        'bundled',
        'weights of the refiner: bundled (for apdepth and sharpdepth), quick (apdepth in half of '
        'the time), a bundle, the folder of an official release, or its hub id',
    )
    refiner_preset: str = option(
        'auto',
        'conventions of an official release (diffusion/presets.py): auto is released; '
        'official_code (apdepth: official_compat) reproduces its own code, paper_tables '
        'the tables of the paper',
        choices=('auto', *PRESETS),
    )
    backend: str = option(
        'auto',
        'how networks are executed; ncnn is for networks of convolutions alone (the bundled '
        'refiners), others run by onnx; auto is torch on a GPU, and on a CPU openvino with bf16 '
        '(torch if it is not installed, and for more than 50 million weights) or ncnn without '
        '(torch again after three sizes, or if '
        'engine_cache cannot be written)',
        choices=BACKENDS,
    )
    engine_cache: str = option(
        '',
        'folder of exported networks and engines; empty is depth_refiner_ros in the cache folder '
        'of the user; what nobody used for 60 days is removed',
    )
    engine_target: str = option(
        '',
        'GPU generations that TensorRT-RTX builds for, such as '
        'sm86,sm89; empty is the GPU of this machine',
    )
    build_only: bool = option(
        False, 'build the files of backend onnx, ncnn, openvino or tensorrt, and run on torch'
    )
    allow_smaller: bool = option(
        False, 'if memory runs out, continue with smaller images and log it'
    )
    device: str = option('auto', 'device of the networks', choices=('auto', 'cpu', 'cuda'))
    precision: str = option(
        'auto', 'number format of the networks', choices=('auto', 'fp32', 'fp16', 'bf16')
    )
    threads: int = option(0, 'CPU threads of the networks; 0 takes all cores', low=0, high=256)
    seed: int = option(0, 'seed of the noise of refiners that use noise', low=0)
    max_edge_px: int = option(
        0,
        'work at this longest edge of the image; 0 is the size that the refiner needs, '
        "-1 the image's own",
        unit='px',
        low=-1,
        high=8192,
    )
    align: str = option(
        'auto',
        'fit of the refined depth to the metric prior; auto is that of the refiner',
        choices=('auto', 'none', 'lstsq', 'robust'),
        runtime=True,
    )
    agree_below: float = option(
        0.0,
        'pixels whose normalised difference is below this take part '
        'in the fit (SharpDepth 4.1); 0 is the value of the refiner',
        low=0.0,
        high=1.0,
        runtime=True,
    )
    fill_holes: bool = option(
        False,
        'guess depth where the prior has none, such as in holes of a depth sensor, with '
        'confidence falling to 0; false leaves it unknown',
        runtime=True,
    )
    selfcheck: SelfCheckSettings = field(default_factory=SelfCheckSettings)

    @property
    def loaded(self) -> dict[str, Any]:
        """Return the options that networks are loaded by: those that stay as they are."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(ModelSettings)
            if not item.metadata.get('option', {}).get('runtime')
        }

    def takes(self, priors: tuple[str, ...]) -> bool:
        """Whether depth or its scale comes from one of some priors."""
        return self.prior in priors or self.scale_prior in priors


@dataclass(frozen=True, kw_only=True)
class SmearSettings:
    """The degradation of known depth that imitates a real prior, in evaluation."""

    kind: str = option(
        'smeared',
        'one of the degradations of training; smeared is blurred by factor, the others draw '
        'their amount for each image',
        choices=DEGRADATIONS,
    )
    factor: int = option(
        12, 'area-downsampling before the smooth upsampling', unit='px', low=1, high=64
    )
    warp: float = option(0.03, 'amplitude of the low-frequency scale error', low=0.0, high=0.5)
    scale: float = option(0.03, 'standard deviation of the global scale error', low=0.0, high=0.5)
