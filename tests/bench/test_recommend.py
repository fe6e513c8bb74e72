# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``models recommend``: the best that a licence allows and a device has time for."""

import json

from depth_refiner_ros.bench import recommend
from depth_refiner_ros.bench.count import count
from depth_refiner_ros.bench.devices import DEVICES
from depth_refiner_ros.bench.networks import count_calls, FrameSize, network_calls
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.models.catalogue import MODELS
from depth_refiner_ros.models.recommended import (
    best,
    BUNDLED_PAIR,
    PRIORS,
    QUICK_PAIR,
    REFINERS,
    SPECIAL,
    special,
    Speeds,
)
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.infinidepth import InfiniDepthSensorPrior
from depth_refiner_ros.priors.infinidepth_network import ARCHITECTURES as INFINIDEPTH
from depth_refiner_ros.priors.infinidepth_network import InfiniDepthNetworks
from depth_refiner_ros.priors.infinidepth_prompt import POINTS
from depth_refiner_ros.priors.moge2_network import MoGe2Network
from depth_refiner_ros.priors.moge2_official import config_of
from depth_refiner_ros.priors.prior_depth_anything_network import PriorDepthAnythingNetworks
from depth_refiner_ros.priors.unik3d_network import ARCHITECTURES as ALONG_RAYS
from depth_refiner_ros.priors.unik3d_network import UniK3DNetwork
from depth_refiner_ros.priors.video_depth_anything_memory import Memory
from depth_refiner_ros.priors.video_depth_anything_network import VideoDepthAnythingNetwork
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.priors import tiny_moge2

SPECIALS = [choice for choices in SPECIAL.values() for choice in choices]


def speeds_of(device):
    return Speeds(peak=lambda precision: DEVICES[device].peak(precision or 'fp16'))


TWO_CORES = Speeds(peak=lambda precision: 1e11)
ORIN, DESKTOP, SERVER = (speeds_of(name) for name in ('agx-orin', 'rtx4090', 'h100'))


def names(*arguments, **options):
    pair = best(*arguments, **options)
    return pair.prior.name, pair.refiner.name


def test_every_choice_can_be_typed_and_has_a_licence():
    for choice in (*PRIORS, *REFINERS, *SPECIALS):
        assert set(choice.options) <= set(vars(ModelSettings()))
        assert not choice.id or choice.id in {model.id for model in MODELS}
        assert choice.licence
    assert PRIORS[-1].id == REFINERS[-1].id == '', 'the cheapest is always at hand'


@pytest.mark.parametrize('commercial', [False, True])
@pytest.mark.parametrize(
    'speeds', [TWO_CORES, ORIN, DESKTOP, SERVER], ids=['cores', 'orin', 'desktop', 'server']
)
@pytest.mark.parametrize('rate_hz', [0.1, 5.0, 30.0])
def test_what_is_recommended_keeps_the_rate_and_the_licence(speeds, rate_hz, commercial):
    pair = best(speeds, rate_hz, commercial=commercial)
    cheapest = (PRIORS[-1], REFINERS[-1])
    assert pair.rate_hz >= rate_hz or (pair.prior, pair.refiner) == cheapest
    if commercial:
        assert not pair.prior.non_commercial
        assert not pair.refiner.non_commercial


def test_more_time_or_a_freer_licence_gets_more():
    assert names(TWO_CORES, 10.0, commercial=False) == ('quick bundled prior', 'quick ApDepth')
    assert names(TWO_CORES, 4.5, commercial=False) == ('bundled prior', 'quick ApDepth')
    assert names(TWO_CORES, 3.0, commercial=False) == ('bundled prior', 'bundled ApDepth')
    assert names(TWO_CORES, 0.1, commercial=False)[0] == 'MoGe-2 S at 392 px'
    assert names(ORIN, 10.0, commercial=True) == ('MoGe-2 L at 392 px', 'bundled ApDepth')
    assert names(SERVER, 10.0, commercial=True) == ('MoGe-2 L', 'SharpDepth')
    assert names(SERVER, 10.0, commercial=False) == ('Metric3D v2 L', 'SharpDepth')


@pytest.mark.parametrize('choice', PRIORS[1:4], ids=lambda choice: choice.name)
def test_operations_are_those_of_the_networks(choice):
    short_side = int(choice.options.get('prior_short_side', 0))
    size = choice.name.split()[1]
    with FakeTensorMode():
        network = MoGe2Network(config_of(tiny_moge2.official_config(size, normals=True), 'm'))
        image = torch.zeros(1, 3, 480, 640, dtype=torch.uint8)
        pixels = preprocess.moge2(short_side=short_side).prepare(image)
        cost = count(lambda: network(pixels, torch.rand(1, 2)), network.parameters())
    assert cost.flops / 1e9 == pytest.approx(choice.gflop, rel=0.01)
    assert cost.weight_bytes / 2e6 == pytest.approx(choice.weights_mb, rel=0.01)


def pixels_of(rule):
    return rule.prepare(torch.zeros(1, 3, 480, 640))


def conditioned(size):
    one = ARCHITECTURES[size]
    networks, pixels = PriorDepthAnythingNetworks(one, one), pixels_of(preprocess.depth_anything())
    return networks, lambda: (networks.relative(pixels), networks.fine(pixels, pixels))


def with_points(size):
    networks = InfiniDepthNetworks(INFINIDEPTH[size], prompted=True)
    points = torch.zeros(1, POINTS), torch.zeros(1, POINTS, 2)
    prior = InfiniDepthSensorPrior(networks)
    return networks, lambda: prior.disparity(torch.zeros(1, 3, 480, 640), *points)


def next_of_video(size):
    network = VideoDepthAnythingNetwork(ARCHITECTURES[size])
    pixels, memory = pixels_of(preprocess.video_depth_anything()), Memory()
    for _ in range(2):
        _, *kept = network(pixels, *memory.window())
        memory.add(kept)
    return network, lambda: network(pixels, *memory.window())


def along_rays(size):
    network = UniK3DNetwork(ALONG_RAYS[f'vit{size[0]}'])
    pixels = pixels_of(preprocess.unik3d())
    return network, lambda: network(pixels, pixels)


BUILT = dict(zip(SPECIAL, (conditioned, with_points, next_of_video, along_rays), strict=True))
LETTERS = {'S': 'small', 'B': 'base', 'L': 'large'}


@pytest.mark.parametrize('purpose', SPECIAL)
def test_operations_for_special_purposes_are_those_of_the_networks(purpose):
    choice = SPECIAL[purpose][-1]
    with FakeTensorMode():
        network, call = BUILT[purpose](LETTERS[choice.name.removesuffix(' with points')[-1]])
        cost = count(call, network.parameters())
    assert cost.flops / 1e9 == pytest.approx(choice.gflop, rel=0.01)
    assert cost.weight_bytes / 2e6 == pytest.approx(choice.weights_mb, rel=0.01)


def test_special_purposes_follow_rate_and_licence():
    measured, detail, video, camera = SPECIAL
    free = special(ORIN, 10.0, commercial=False)
    assert [pair.prior.name for pair in free.values()] == [
        'Prior Depth Anything S',  # its search for neighbours alone takes longer than 0.1 s
        'InfiniDepth L with points',
        'Video Depth Anything B',
        'UniK3D L',
    ]
    assert free[measured].rate_hz < 1e3 / free[measured].prior.host_ms < 10.0
    assert special(ORIN, 2.0, commercial=False)[measured].prior.name == 'Prior Depth Anything B'
    bound = special(ORIN, 10.0, commercial=True)
    assert bound[measured].prior.name == 'Prior Depth Anything S'
    assert bound[detail].prior.name == 'InfiniDepth L with points'
    assert bound[video].prior.name == 'Video Depth Anything S'
    assert camera not in bound
    assert special(TWO_CORES, 30.0, commercial=False)[camera].prior.name == 'UniK3D S'


def test_the_answer_says_what_it_costs_and_what_to_type(capsys, tmp_path):
    from depth_refiner_ros.bench.recommend import run

    run('orin', 10.0, commercial=True, json_file=tmp_path / 'r.json')
    said = capsys.readouterr().out
    assert said.startswith('Jetson AGX Orin 64 GB: 42.5 TFLOP/s in fp16')
    assert 'Live, 10 frames/s: MoGe-2 L at 392 px (MIT) and bundled ApDepth (Apache-2.0)' in said
    assert (
        'at 640x480 about 46 ms a frame, 22 frames/s (computed: twice the time of the mult' in said
    )
    assert '-p prior_short_side:=392 -p refiner:=apdepth -p backend:=tensorrt' in said
    assert 'refine photo.jpg --prior moge2' in said
    assert '--backend tensorrt --assume-fov-deg 0\n' in said, 'its own field of view'
    assert 'If some depth is measured: Prior Depth Anything S (Apache-2.0) and quick' in said
    assert (
        ' 3.8 frames/s (computed: twice the time of the multiplications and 250 ms of a CPU'
        in said
    )
    assert 'CPU core); nothing keeps the rate here' in said
    assert 'once:  depth-refiner models import Rain729/Prior-Depth-Anything:vits priorda' in said
    assert 'UniK3D' not in said, 'its licence forbids commercial use'
    written = json.loads((tmp_path / 'r.json').read_text())
    assert written['special']['If some depth is measured']['prior_licence'] == 'Apache-2.0'
    live, offline = written['choices'].values()
    assert live['rate_hz'] > 10.0 > offline['rate_hz']
    run('H100', 1.0, commercial=True, json_file=None)
    assert 'Offline, a frame in 10 s: the same' in capsys.readouterr().out
    with pytest.raises(InputError, match='--device xx is unknown; use one of cpu, orin, 4090'):
        run('xx', 10.0, commercial=False, json_file=None)
    for rate_hz in (0.0, float('inf'), float('nan')):
        with pytest.raises(InputError, match=f'--rate-hz {rate_hz:g} must be above 0'):
            run('', rate_hz, commercial=False, json_file=None)


def test_a_prior_that_stays_in_torch_is_counted_in_fp32():
    pair = best(SERVER, 0.1, commercial=False)
    assert pair.prior.name == 'Metric3D v2 L'
    assert pair.frame_ms == pytest.approx(2.0 * (3120e12 / 494.7e12 + 10_464e12 / 989.4e12))


def test_what_the_bundled_networks_cost_is_counted_from_them():
    for pair in (BUNDLED_PAIR, QUICK_PAIR):
        options = {**pair[0].options, **pair[1].options}
        refiner = DepthRefiner.load(device='cpu', precision='fp32', **options)
        calls = network_calls(refiner.runners, lambda made=refiner: made.warm_up(640, 480))
        counted = count_calls(calls, refiner.runners.execution)
        for choice, name in zip(pair, ('prior', 'unet'), strict=True):
            cost = counted[name].operations
            assert cost.flops / 1e9 == pytest.approx(choice.gflop, rel=0.02)
            assert cost.weight_bytes / 2e6 == pytest.approx(choice.weights_mb, rel=0.03)


def test_on_this_cpu_the_bundled_networks_are_measured(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(recommend, 'SIZE', FrameSize(width=64, height=48))
    recommend.run('cpu', 1e3, commercial=True, json_file=tmp_path / 'r.json')
    live, offline = json.loads((tmp_path / 'r.json').read_text())['choices'].values()
    assert (live['prior'], live['refiner']) == ('quick bundled prior', 'quick ApDepth')
    assert live['computed'] == []
    assert offline['computed'][0] == offline['prior'] != 'bundled prior'
    assert live['frame_ms'] == pytest.approx(1e3 / live['rate_hz'])
    assert '(measured now)' in capsys.readouterr().out
