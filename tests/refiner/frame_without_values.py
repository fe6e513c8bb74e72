# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Runs whole frames on a device that holds no values, and tells which of them ask for one.

A process of its own, as the device is torch's placeholder for foreign accelerators: tensors there
have shapes and types and no kernels, and whatever moves between it and the host is seen. A frame
that passes waits for no GPU.
"""

from contextlib import suppress
from dataclasses import replace
import json
from pathlib import Path
import tempfile
import warnings

from depth_refiner_ros.backends.capturable import check_capturable
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.memory import FittingSize
from depth_refiner_ros.backends.registry import ModelRunners
from depth_refiner_ros.bench.true_size import prior_of, prior_skeleton, refiner_skeleton
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.noise import KeptNoise
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.priors import depth_anything_v2_network
from depth_refiner_ros.priors.bundled import write_prior_bundle
from depth_refiner_ros.priors.depth_anything_3_network import ARCHITECTURES, METRIC
from depth_refiner_ros.priors.import_checkpoint import (
    import_infinidepth,
    import_pixel_perfect_depth,
    import_prior_depth_anything,
)
from depth_refiner_ros.priors.infinidepth_network import ARCHITECTURES as INFINIDEPTH
from depth_refiner_ros.priors.infinidepth_weights import PRIORS as INFINIDEPTHS
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.refiner.frame import frame_result
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from tests.priors import official_infinidepth as tiny_infinidepth
from tests.priors import official_pixel_perfect_depth as tiny_on_pixels
from tests.priors import official_prior_depth_anything as tiny_conditioned
from tests.priors import tiny_models, tiny_moge2
from tests.priors.official_depth_anything_3 import published
from tests.priors.official_depth_anything_3 import TINY_ANY_VIEW as ANY_VIEW
from tests.priors.official_depth_anything_3 import TINY_SINGLE as SINGLE
from tests.tiny_networks import LITE, lotus, metric_network, small, tiny_of

WIDTH, HEIGHT = 53, 37
CAMERA = Intrinsics.from_fov(WIDTH, HEIGHT, 60.0)
GRAPH = 'one graph'
NAMES = {'depth_anything_3_metric': METRIC, 'depth_anything_3': 'da3-small'}


class NoDevice:
    """The interface that torch requires of a device."""

    @staticmethod
    def is_available():
        return False

    is_initialized = is_available

    @staticmethod
    def get_amp_supported_dtype():
        return [torch.float16]


class Priors:
    """Tiny priors by name, one folder each."""

    def __init__(self, folder):
        self.folder = folder
        self.makers = {
            'depth_anything_v2_metric': tiny_models.depth_anything,
            'depth_anything_v2': lambda: tiny_models.depth_anything('relative', 1),
            'zoedepth': tiny_models.zoedepth,
            'depth_pro': tiny_models.depth_pro,
            'zoedepth of rooms': lambda: tiny_models.zoedepth(('nyu',)),
            'prompt_depth_anything': tiny_models.prompt_depth_anything,
            'moge2': tiny_moge2.tiny,
        }
        for name, one in (('depth_anything_3_metric', SINGLE), ('depth_anything_3', ANY_VIEW)):
            ARCHITECTURES[NAMES[name]] = one
            published(folder / name, NAMES[name], one)
        depth_anything_v2_network.ARCHITECTURES['small'] = tiny_conditioned.TINY
        file = tiny_conditioned.published(folder / 'files', tiny_conditioned.TINY)
        import_prior_depth_anything(file, folder / 'prior_depth_anything')
        INFINIDEPTH['large'] = tiny_infinidepth.TINY
        for name in INFINIDEPTHS:
            file = tiny_infinidepth.published(folder / 'files', tiny_infinidepth.TINY, name)
            import_infinidepth(file, folder / name)
        tiny_on_pixels.shrink(pytest.MonkeyPatch())  # for good, in a process of its own
        file = tiny_on_pixels.published(folder / 'files', 'depth_anything_v2')
        import_pixel_perfect_depth(file, folder / 'pixel_perfect_depth')
        write_prior_bundle(folder / 'bundled', metric_network(), {'name': 'tiny'})
        looks = replace(LITE, mirror=True, scales=(1.0, 2.0))
        write_prior_bundle(folder / 'bundled of looks', metric_network(config=looks), {})

    def __call__(self, name, **options):
        where = self.folder / name
        if name in self.makers and not where.exists():
            saved = tiny_moge2.saved if name == 'moge2' else tiny_models.saved
            saved(self.makers[name](), where)
        if name.startswith(('depth_anything', 'prompt', 'prior', 'infinidepth', 'pixel')):
            options['short_side'] = 28
        return build_prior(name.split()[0], str(where), **options)


def true_size(mode, method, codec):
    """Return prior and refiner as in the benchmark."""
    network, prior = refiner_skeleton(method, codec), prior_skeleton('S')
    with mode:
        network, prior = (part.to_empty(device='absent').eval() for part in (network, prior))
    return prior_of(prior.forward), network


def cases(priors, mode):
    """Return prior, refiner, scale prior and settings of each frame."""
    disparity = ('depth_anything_v2', 'bundled')
    return {
        **{
            f'{name} to apdepth': (priors(name), small())
            for name in (
                'sensor',
                'bundled',
                'smeared',
                'depth_anything_v2_metric',
                'zoedepth',
                'depth_pro',
                'zoedepth of rooms',
                'prompt_depth_anything',
                'prior_depth_anything',
                'infinidepth_sensor',
                'moge2',
                'depth_anything_3_metric',
            )
        },
        'relative depth to apdepth': (priors('depth_anything_3'), small(), priors('bundled')),
        'disparity at points, aligned': (priors('infinidepth'), None, priors('bundled')),
        'log depth to apdepth': (priors('pixel_perfect_depth'), small(), priors('bundled')),
        'bundled alone': (priors('bundled'), None),
        'bundled of looks to apdepth': (priors('bundled of looks'), small()),
        'bundled to apdepth, unaligned': (priors('bundled'), small(), None, {'align': 'none'}),
        'sensor to sharpdepth': (priors('sensor'), tiny_of(sharpdepth_spec('official_code'))),
        'bundled to a small sharpdepth': (priors('bundled'), lotus()),
        **{
            f'disparity to apdepth {name}': (
                priors(disparity[0]),
                tiny_of(apdepth_spec(name)),
                priors(disparity[1]),
            )
            for name in ('official_compat', 'normalized')
        },
        'bundled to Lotus': (priors('bundled'), tiny_of(lotus_spec('g'))),
        'sensor to Marigold': (priors('sensor'), tiny_of(marigold_spec('v1-1'))),
        'true size': true_size(mode, 'sharpdepth', 'vae'),
        'drawn anew': (priors('sensor'), lotus(), None, {'kept': False}),
    }


def outcome(mode, prior, network, scale_prior=None, options=None):
    """Return whether a frame is one graph, or why not."""
    options = dict(options or {})
    kept = options.pop('kept', True)
    how = Execution(device=torch.device('absent'), precision='fp32')
    networks = ModelRunners(how)
    assert network is None or 0.0 <= network.alpha_bar <= 1.0  # kept from the first frame on
    with mode:
        if network is not None:
            network.attach_backend(networks)
    prior.attach_backend(networks, 'prior')
    if scale_prior is not None:
        scale_prior.attach_backend(networks, 'scale_prior')
    refiner = DepthRefiner(
        prior,
        network and SharpEstimator(network, max_edge_px=64),
        how,
        ModelSettings(**options),
        scale_prior,
    )
    noise = KeptNoise(0).rewound if kept else lambda: torch.Generator().manual_seed(0)
    method = refiner._method(noise, FittingSize(False))
    with mode:
        rgb = torch.zeros(1, 3, HEIGHT, WIDTH, dtype=torch.uint8, device=how.device)
        sensor = torch.ones(1, 1, HEIGHT, WIDTH, device=how.device)
        cloud = CloudBuilder(CAMERA, device=how.device)

    def frame(rgb, sensor):
        return frame_result(method, CAMERA, cloud, rgb, sensor).tensors()

    with mode, suppress(RuntimeError):
        method(rgb, CAMERA, sensor)  # prepares the networks; what fails here fails below
    try:
        check_capturable(frame, rgb, sensor)
    except BackendError as error:
        return str(error)
    return GRAPH


def main():
    """Print every frame's outcome as a line of JSON."""
    warnings.simplefilter('ignore')
    _setup_privateuseone_for_python_backend('absent', backend_module=NoDevice)
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases(Priors(Path(folder)), mode).items():
            print(json.dumps([name, outcome(mode, *case)]), flush=True)
