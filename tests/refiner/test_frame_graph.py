# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A whole frame as one CUDA graph: checks without a GPU, and the capture on one."""

from dataclasses import replace
import json
import os
from pathlib import Path

from depth_refiner_ros.backends import cuda_graph
from depth_refiner_ros.backends.cuda_graph import FrameGraph, FrameGraphs
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.backends.selfcheck import check_image
from depth_refiner_ros.core import checks, confidence, fill
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError, InputError
from depth_refiner_ros.core.noise import KeptNoise
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.diffusion.bundles import write_refiner_bundle
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.priors import prompt_depth_anything, sensor
from depth_refiner_ros.priors.bundled import write_prior_bundle
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner import method
from depth_refiner_ros.refiner import refiner as refiner_module
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from tests.tiny_networks import lotus, metric_network, small
from tests.warm_server import start

ROOT = Path(__file__).resolve().parents[2]
CAMERA = Intrinsics.from_fov(64, 48, 60.0)
CLOUD = CloudBuilder(CAMERA)
SEEN = check_image(64, 48)
REFUSED = {
    'zoedepth to apdepth': 'needs the value of a tensor on the host',  # which head has spoken
    'prior_depth_anything to apdepth': 'needs the value of a tensor on the host',
    'smeared to apdepth': 'copies a tensor of shape (1, 37, 53) between host and device',
    'drawn anew': 'copies a tensor of shape (1, 4, 22, 32) between host and device',
}


def print_outcomes(words):
    from tests.refiner import frame_without_values  # only there: it takes a device of torch's

    frame_without_values.main()


@pytest.fixture(scope='module')
def outcomes():
    process, output = start(print_outcomes, [], ROOT, dict(os.environ))
    with output:
        lines = output.read().splitlines()
    process.join()
    assert process.exitcode == 0, lines
    return dict(json.loads(line) for line in lines)


def test_no_frame_waits_for_a_gpu_but_those_that_must(outcomes):
    assert len(outcomes) == 26
    refused = {name: why for name, why in outcomes.items() if why != 'one graph'}
    assert set(refused) == set(REFUSED)
    for name, why in refused.items():
        assert why.startswith('the frame cannot be one CUDA graph: it ')
        assert REFUSED[name] in why, name


def image(seed):
    return torch.randint(
        0, 256, (1, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def measured(seed, holes=True):
    generator = torch.Generator().manual_seed(seed)
    depth = (
        torch.linspace(1.0, 4.0, 64).expand(1, 1, 48, 64)
        + torch.rand(1, 1, 48, 64, generator=generator) * 0.1
    )
    depth[..., 24:, 32:] *= 0.6
    if holes:
        depth[..., 10 + seed : 20, 5:40] = torch.nan
    return depth


class Traced:
    """What a captured graph is: the operations of one run, played back on other values."""

    made = 0

    def __init__(self, frame, inputs, alive=None):
        Traced.made += 1
        with torch.inference_mode():
            frame(*inputs)
            self.graph = make_fx(frame)(*inputs)

    def __call__(self, *inputs):
        with torch.inference_mode():
            return tuple(self.graph(*inputs))


@pytest.fixture
def traced(monkeypatch):
    """Make graphs on the CPU, without the shortcuts that exist only there."""
    for module in (checks, confidence, fill, method, sensor):
        monkeypatch.setattr(module, 'surely_everywhere', lambda mask: False)
    monkeypatch.setattr(checks, 'surely_finite', lambda values: False)
    monkeypatch.setattr(prompt_depth_anything, 'surely_somewhere', lambda mask: False)
    monkeypatch.setattr(refiner_module, 'FrameGraph', Traced)
    monkeypatch.setattr(Traced, 'made', 0)


def refiner(network, told=None, **options):
    chosen = ModelSettings(**{'prior': 'sensor', 'device': 'cpu', 'precision': 'fp32', **options})
    made = DepthRefiner(SensorPrior(), SharpEstimator(network), choose('cpu', 'fp32'), chosen)
    made._graphs = FrameGraphs([].append if told is None else told.append)
    return made


@pytest.mark.parametrize(('make', 'align'), [(small, 'auto'), (small, 'none'), (lotus, 'auto')])
def test_what_was_captured_gives_other_images_their_own_depth(traced, make, align):
    graphed, staged = refiner(make(), align=align), refiner(make(), align=align)
    staged._graphs = None
    for seed in range(5):
        inputs = {'sensor_depth_m_B1HW': measured(seed, holes=seed != 3)}
        result = graphed.refine(image(seed), CAMERA, **inputs, cloud=CLOUD)
        expected = staged.refine(image(seed), CAMERA, **inputs, cloud=CloudBuilder(CAMERA))
        assert len(result.tensors()) == 11
        for got, wanted in zip(result.tensors(), expected.tensors(), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5, equal_nan=True)
        stages = {'prior', 'refiner', 'align', 'cloud'} if seed == 0 else {'frame'}
        assert set(result.timings_ms) == stages
    assert Traced.made == 1


def test_whatever_is_fixed_in_a_graph_makes_a_new_one(traced):
    made = refiner(small())
    wider = Intrinsics.from_fov(64, 48, 80.0)

    def stages(camera=CAMERA, batch=1):
        rgb, depth = image(0).expand(batch, -1, -1, -1), measured(0).expand(batch, -1, -1, -1)
        return set(made.refine(rgb, camera, sensor_depth_m_B1HW=depth).timings_ms)

    first = {'prior', 'refiner', 'align'}
    assert [stages(), stages(), stages()] == [first, {'frame'}, {'frame'}]
    assert [stages(wider), stages(wider)] == [first, {'frame'}]
    assert made.update_settings(replace(made._settings, agree_below=0.2))
    assert [stages(), stages(batch=2), stages(batch=2)] == [first, first, {'frame'}]
    assert Traced.made == 3
    assert len(made._graphs._graphs) == cuda_graph.MAX_GRAPHS
    assert made.update_settings(replace(made._settings, agree_below=0.0))
    assert [stages(), stages(wider)] == [first, {'frame'}], 'the oldest has gone'


def test_alternating_cameras_are_not_captured_again_and_again(traced):
    made = refiner(small())
    for turn in range(6):
        camera = Intrinsics.from_fov(64, 48, 60.0 + turn % 3)
        result = made.refine(image(turn), camera, sensor_depth_m_B1HW=measured(turn))
        assert 'frame' not in result.timings_ms
    assert Traced.made == 0


def test_what_cannot_be_captured_runs_by_stages_and_says_so_once(monkeypatch):
    def refuse(*_, **__):
        raise BackendError('the frame cannot be one CUDA graph: it asks')

    monkeypatch.setattr(refiner_module, 'FrameGraph', refuse)
    told = []
    made = refiner(small(), told)
    for size in (1, 1, 1, 2, 2):
        rgb, depth = image(0).expand(size, -1, -1, -1), measured(0).expand(size, -1, -1, -1)
        result = made.refine(rgb, CAMERA, sensor_depth_m_B1HW=depth)
        assert set(result.timings_ms) == {'prior', 'refiner', 'align'}
    (line,) = told
    assert line == (
        'the frame cannot be one CUDA graph: it asks; its stages run one by one, more slowly'
    )


@pytest.mark.parametrize(
    ('backend', 'device', 'whole'),
    [
        ('compiled', 'cuda', True),
        ('compiled', 'cpu', False),
        ('torch', 'cuda', False),
        ('tensorrt', 'cuda', True),
        ('onnx', 'cuda', False),
    ],
)
def test_only_compiled_networks_and_engines_on_cuda_make_whole_frames(backend, device, whole):
    how = Execution(device=torch.device(device), precision='fp32', backend=backend)
    assert how.whole_frames is whole
    made = DepthRefiner(SensorPrior(), None, how, ModelSettings(prior='sensor'))
    assert (made._graphs is not None) is whole


def test_a_cloud_is_of_the_refined_depth_and_of_one_image():
    made = refiner(small())
    result = made.refine(image(0), CAMERA, sensor_depth_m_B1HW=measured(0), cloud=CLOUD)
    torch.testing.assert_close(
        result.cloud_hw4[..., 2], result.depth_m_B1HW[0, 0], rtol=0, atol=0, equal_nan=True
    )
    colors = result.cloud_hw4.view(torch.uint8)[..., 12:15].flip(-1)
    assert torch.equal(colors, image(0)[0].permute(1, 2, 0))
    two = image(0).expand(2, -1, -1, -1)
    with pytest.raises(InputError, match='a cloud needs a batch of one image, not 2'):
        made.refine(two, CAMERA, sensor_depth_m_B1HW=measured(0), cloud=CLOUD)
    with pytest.raises(InputError, match='expected uint8 colors'):
        made.refine(image(0) / 255.0, CAMERA, sensor_depth_m_B1HW=measured(0), cloud=CLOUD)


def test_depth_on_its_way_to_a_gpu_is_looked_at_before():
    how = Execution(device=torch.device('cuda'), precision='fp32', backend='compiled')
    made = DepthRefiner(SensorPrior(), None, how, ModelSettings(prior='sensor'))
    with pytest.raises(InputError, match='the depth image has no valid pixel'):
        made.refine(image(0), CAMERA, sensor_depth_m_B1HW=torch.full((1, 1, 48, 64), torch.nan))


def test_kept_noise_is_the_generators():
    like = torch.zeros(1, 4, 3, 5)
    noise, generator = KeptNoise(7), torch.Generator().manual_seed(7)
    drawn = [torch.randn(like.shape, generator=generator) for _ in range(2)]
    for _ in range(3):
        frame = noise.rewound()
        again = [frame.like(like) for _ in range(2)]
        assert all(torch.equal(one, other) for one, other in zip(again, drawn))
    assert again[0] is noise.rewound().like(like), 'memory that a graph may read for ever'


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
def test_a_graph_gives_what_its_frame_gives_from_host_and_device():
    weight = torch.randn(4, 3, 3, 3, device='cuda')

    def frame(rgb, depth):
        maps = torch.nn.functional.conv2d(rgb.float(), weight)
        return maps, maps.mean(dim=1) + depth.mean()

    pairs = [(image(seed), measured(seed, holes=False)) for seed in range(6)]
    graph = FrameGraph(frame, pairs[0])
    results = [
        graph(*(value.cuda() if seed % 2 else value for value in pair))
        for seed, pair in enumerate(pairs)
    ]  # all on their way before one is read
    for pair, got in zip(pairs, results, strict=True):
        for one, other in zip(got, frame(*(value.cuda() for value in pair)), strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
def test_a_frame_that_asks_the_host_is_refused_before_its_capture():
    with pytest.raises(BackendError, match='the value of a tensor on the host'):
        FrameGraph(lambda rgb: (rgb * int(rgb.sum()),), (image(0),))
    with pytest.raises(BackendError, match='the frame cannot be one CUDA graph'):
        FrameGraph(
            lambda rgb: (rgb + torch.tensor([1.0, 2.0], device='cuda').mean(),), (image(0),)
        )
    assert float(torch.ones(3, device='cuda').sum()) == 3.0, 'CUDA goes on'


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
@pytest.mark.parametrize('method', ['apdepth', 'sharpdepth'])
@pytest.mark.parametrize('prior', ['bundled', 'sensor'])
def test_captured_frames_are_the_staged_ones(tmp_path, method, prior):
    bundle = write_prior_bundle(tmp_path / 'prior', metric_network(), {'name': 'tiny-prior'})
    network = small() if method == 'apdepth' else lotus()
    weights = write_refiner_bundle(
        tmp_path / 'refiner', network, name=method, licence='Apache-2.0', source='random weights'
    )
    told = []
    compiled, staged = (
        DepthRefiner.from_settings(
            ModelSettings(
                device='cuda',
                precision='fp16',
                backend=backend,
                prior=prior,
                refiner=method,
                prior_weights=str(bundle.path),
                refiner_weights=str(weights.path),
            ),
            told.append,
        )
        for backend in ('compiled', 'torch')
    )
    compiled.warm_up(64, 48)
    for seed in range(4):
        depth = measured(seed)
        result, expected = (
            made.refine(SEEN.roll(seed, 3), CAMERA, sensor_depth_m_B1HW=depth)
            for made in (compiled, staged)
        )
        assert result.depth_m_B1HW.is_cuda
        assert ('frame' in result.timings_ms) is (seed > 0)
        torch.testing.assert_close(
            result.depth_m_B1HW, expected.depth_m_B1HW, rtol=0.02, atol=0.02
        )
        assert torch.equal(result.prior_m_B1HW.isnan(), expected.prior_m_B1HW.isnan())
    assert told == []
