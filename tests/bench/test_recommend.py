# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``models recommend``: the best that a licence allows and a device has time for."""

import json

from depth_refiner_ros.bench.count import count
from depth_refiner_ros.bench.devices import DEVICES
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.models.catalogue import MODELS
from depth_refiner_ros.models.recommended import best, PRIORS, REFINERS
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.moge2_network import MoGe2Network
from depth_refiner_ros.priors.moge2_official import config_of
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.priors import tiny_moge2


def peak_of(device):
    return lambda precision: DEVICES[device].peak(precision or 'fp16')


def two_cores(precision):
    return 1e11


ORIN, DESKTOP, SERVER = (peak_of(name) for name in ('agx-orin', 'rtx4090', 'h100'))


def names(*arguments, **options):
    pair = best(*arguments, **options)
    return pair.prior.name, pair.refiner.name


def test_every_choice_can_be_typed_and_has_a_licence():
    for choice in (*PRIORS, *REFINERS):
        assert set(choice.options) <= set(vars(ModelSettings()))
        assert not choice.id or choice.id in {model.id for model in MODELS}
        assert choice.licence
    assert PRIORS[-1].id == REFINERS[-1].id == '', 'the cheapest is always at hand'


@pytest.mark.parametrize('commercial', [False, True])
@pytest.mark.parametrize('peak', [two_cores, ORIN, DESKTOP, SERVER])
@pytest.mark.parametrize('rate_hz', [0.1, 5.0, 30.0])
def test_what_is_recommended_keeps_the_rate_and_the_licence(peak, rate_hz, commercial):
    pair = best(peak, rate_hz, commercial=commercial)
    cheapest = (PRIORS[-1], REFINERS[-1])
    assert pair.expected_hz >= rate_hz or (pair.prior, pair.refiner) == cheapest
    if commercial:
        assert not pair.prior.non_commercial
        assert not pair.refiner.non_commercial


def test_more_time_or_a_freer_licence_gets_more():
    assert names(two_cores, 10.0, commercial=False) == ('bundled prior', 'bundled ApDepth')
    assert names(two_cores, 0.1, commercial=False)[0] == 'MoGe-2 S at 392 px'
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


def test_the_answer_says_what_it_costs_and_what_to_type(capsys, tmp_path):
    from depth_refiner_ros.bench.recommend import run

    run('orin', 10.0, commercial=True, json_file=tmp_path / 'r.json')
    said = capsys.readouterr().out
    assert said.startswith('Jetson AGX Orin 64 GB: 42.5 TFLOP/s in fp16')
    assert 'Live, 10 frames/s: MoGe-2 L at 392 px (MIT) and bundled ApDepth (Apache-2.0)' in said
    assert 'at least 23 ms a frame (computed, not measured)' in said
    assert '-p prior_short_side:=392 -p refiner:=apdepth -p backend:=tensorrt' in said
    assert 'refine photo.jpg --prior moge2' in said
    assert '--backend tensorrt --assume-fov-deg 0\n' in said, 'its own field of view'
    live, offline = json.loads((tmp_path / 'r.json').read_text())['choices'].values()
    assert live['expected_hz'] > 10.0 > offline['expected_hz']
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
    assert pair.least_ms == pytest.approx(3120e12 / 494.7e12 + 10_464e12 / 989.4e12)
