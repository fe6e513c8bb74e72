# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.errors import SettingsError
import pytest
import torch
from torch import nn
from training.config import EmaConfig, OptimizerConfig
from training.data.photometric import photometric
from training.ema import decay_at, Ema
from training.objectives.metric_prior import relative_error
from training.schedule import learning_rate_factor


def factor(step, steps=100, **changes):
    return learning_rate_factor(step, OptimizerConfig(**{'warmup_steps': 0, **changes}), steps)


def test_warm_up_is_a_ramp():
    values = [factor(step, warmup_steps=4) for step in range(5)]
    assert values == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])


def test_cosine_by_hand():
    assert factor(0, final_ratio=0.1) == pytest.approx(1.0)
    assert factor(25, final_ratio=0.1) == pytest.approx(0.1 + 0.45 * (1 + math.sqrt(0.5)))
    assert factor(50, final_ratio=0.1) == pytest.approx(0.55)
    assert factor(100, final_ratio=0.1) == pytest.approx(0.1)
    assert factor(500, final_ratio=0.1) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ('step', 'rate'), [(5_000, 1.21e-5), (10_000, 4.8e-6), (20_000, 7.6e-7), (21_000, 6.3e-7)]
)
def test_iter_exponential_is_apdepths(step, rate):
    value = 3e-5 * factor(
        step, schedule='iter_exponential', warmup_steps=100, total_steps=25_000, final_ratio=0.01
    )
    assert value == pytest.approx(rate, rel=0.02)


def test_constant_and_unknown():
    assert factor(73, schedule='constant') == 1.0
    with pytest.raises(SettingsError, match="schedule = 'linear' must be one of cosine"):
        factor(0, schedule='linear', warmup_steps=10)


def averaged(layer, **changes):
    networks = nn.ModuleDict({'layer': layer})
    return networks, Ema(networks, EmaConfig(**changes))


def value_of(ema):
    return float(ema.networks['layer'].weight.sum())


def test_average_by_hand():
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(1.0)
    networks, ema = averaged(layer, decay=0.5)
    layer.weight.data.fill_(3.0)
    ema.update(networks, 1)  # 1/10 of the past
    assert value_of(ema) == pytest.approx(0.1 + 2.7)
    ema.update(networks, 2)  # 2/11
    assert value_of(ema) == pytest.approx(2.8 * 2 / 11 + 3.0 * 9 / 11)
    before = value_of(ema)
    layer.weight.data.fill_(0.0)
    ema.update(networks, 1000)  # capped at the decay
    assert value_of(ema) == pytest.approx(0.5 * before)


def test_every_average_is_a_copy_until_it_begins():
    config = EmaConfig(decay=0.9, after=20)
    assert [decay_at(step, config) for step in (1, 20)] == [0.0, 0.0]
    assert decay_at(21, config) == decay_at(1, EmaConfig(decay=0.9)) == 0.1


@pytest.mark.parametrize(
    ('step', 'decay'),
    [(50, 0.0), (101, 0.0), (111, 0.798), (200, 0.954), (1000, 0.9893), (5000, 0.9965),
     (13_000, 0.9982), (10**9, 0.9999)],
)  # fmt: skip
def test_the_warm_up_of_sharpdepths_code(step, decay):
    config = EmaConfig(decay=0.9999, curve='ema_pytorch', every=10, after=100)
    assert decay_at(step, config) == pytest.approx(decay, abs=1e-4 if decay > 0.99 else 2e-3)


def test_an_average_of_every_tenth_update_copies_until_it_begins():
    layer = nn.Linear(1, 1, bias=False)
    networks, ema = averaged(layer, decay=0.9999, curve='ema_pytorch', every=10, after=100)
    layer.weight.data.fill_(5.0)
    ema.update(networks, 9)
    assert value_of(ema) != 5.0
    ema.update(networks, 10)
    assert value_of(ema) == 5.0
    layer.weight.data.fill_(6.0)
    ema.update(networks, 120)
    assert 5.0 < value_of(ema) < 6.0


def test_average_is_full_precision_and_apart_from_the_weights():
    layer = nn.Linear(2, 2).bfloat16()
    _, ema = averaged(layer, decay=0.9)
    assert {value.dtype for value in ema.networks.state_dict().values()} == {torch.float32}
    layer.weight.data.zero_()
    assert float(ema.networks['layer'].weight.abs().sum()) > 0.0
    assert not any(value.requires_grad for value in ema.networks.parameters())


def test_without_decay_the_average_is_the_weights():
    layer = nn.Linear(2, 2)
    networks, ema = averaged(layer, decay=0.0)
    layer.weight.data.fill_(7.0)
    ema.update(networks, 6)
    assert ema.networks is networks


def colors(strength, seed=0):
    rgb = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(9))
    return rgb, photometric(rgb, strength, torch.Generator().manual_seed(seed))


def test_photometric_changes_stay_in_range_and_follow_the_generator():
    rgb, changed = colors(1.0)
    assert changed.shape == rgb.shape
    assert 0.0 <= float(changed.min()) <= float(changed.max()) <= 1.0
    assert torch.equal(changed, colors(1.0)[1])
    assert not torch.equal(changed, colors(1.0, seed=1)[1])


def test_photometric_strength_is_a_dial():
    rgb, none = colors(0.0)
    assert torch.equal(none, rgb)
    changes = [float((colors(strength)[1] - rgb).abs().mean()) for strength in (0.01, 0.1, 1.0)]
    assert changes[0] < 0.01 < changes[2]
    assert changes == sorted(changes)


def test_the_relative_loss_is_a_rel():
    true_m = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 1, 2, 2)
    predicted_m = torch.tensor([1.5, 1.0, 4.0, 800.0]).view(1, 1, 2, 2)
    valid = torch.tensor([True, True, True, False]).view(1, 1, 2, 2)
    loss = relative_error(predicted_m.log() - true_m.log(), valid)
    assert float(loss) == pytest.approx((0.5 + 0.5 + 0.0) / 3.0)
    worst = relative_error(torch.full((1, 1, 1, 1), 50.0), torch.ones(1, 1, 1, 1).bool())
    assert float(worst) == pytest.approx(math.exp(2.0) - 1.0)
