# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""LPIPS as its authors define it, on weights of the published names and shapes."""

from depth_refiner_ros.apps.lpips import ALEXNET, CONVOLUTIONS, LAYERS, load_lpips, Lpips
from depth_refiner_ros.core.errors import WeightsError
import numpy as np
import pytest
import torch
from torch import nn


def published(folder):
    """Write random weights as torchvision and lpips publish them."""
    draw = torch.Generator().manual_seed(0)
    alexnet = {}
    for name, (inside, outside, kernel, *_) in CONVOLUTIONS.items():
        shape = (outside, inside, kernel, kernel)
        spread = (2.0 / (inside * kernel**2)) ** 0.5
        alexnet[f'{name}.weight'] = spread * torch.randn(shape, generator=draw)
        alexnet[f'{name}.bias'] = 0.1 * torch.randn(outside, generator=draw)
    alexnet['classifier.6.bias'] = torch.zeros(1000)  # there, and not used
    layers = {
        f'lin{index}.model.1.weight': torch.rand((1, size, 1, 1), generator=draw)
        for index, (_, size, *_) in enumerate(CONVOLUTIONS.values())
    }
    torch.save(alexnet, folder / ALEXNET)
    torch.save(layers, folder / LAYERS)
    return alexnet, layers


def plainly(alexnet, layers, one, other) -> float:
    """Restate equation 1 of Zhang et al. with torchvision's list of layers, in float64."""
    stages = [
        *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1)),
        *(nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]
    network = nn.ModuleDict({'features': nn.Sequential(*stages)})
    network.load_state_dict({k: v for k, v in alexnet.items() if k.startswith('features')})
    network.double()
    maps = [torch.from_numpy(image).permute(2, 0, 1) * 2 - 1 for image in (one, other)]
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    maps = [((image - shift.view(3, 1, 1)) / scale.view(3, 1, 1))[None] for image in maps]
    total, taken = 0.0, 0
    for stage in network['features']:
        maps = [stage(image) for image in maps]
        if isinstance(stage, nn.ReLU):
            a, b = (image / image.norm(dim=1, keepdim=True) for image in maps)
            weight = layers[f'lin{taken}.model.1.weight'].double()
            total += float((weight * (a - b) ** 2).sum(dim=1).mean())
            taken += 1
    assert taken == 5
    return total


@pytest.fixture
def images():
    draw = np.random.default_rng(0)
    return draw.random((48, 64, 3)), draw.random((48, 64, 3))


def test_the_distance_is_that_of_the_definition(tmp_path, images):
    state = published(tmp_path)
    lpips = load_lpips(str(tmp_path))
    one, other = images
    with torch.no_grad():
        expected = plainly(*state, one, other)
    assert lpips(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(
        expected, rel=1e-4
    )
    assert lpips(torch.from_numpy(one), torch.from_numpy(one)) == 0.0


def test_missing_weights_are_told_with_the_command_that_gets_them(tmp_path):
    line = load_lpips(str(tmp_path))
    assert line.startswith(f'LPIPS is left out, because {ALEXNET} and {LAYERS} of its weights')
    assert f'wget -P {tmp_path} https://download.pytorch.org/models/{ALEXNET} https://' in line
    published(tmp_path)
    (tmp_path / LAYERS).unlink()
    line = load_lpips(str(tmp_path))
    assert f'because {LAYERS} of' in line
    assert 'pytorch.org' not in line


def test_reports_do_not_name_the_home_of_who_made_them(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    line = load_lpips(str(tmp_path / 'my weights'))
    assert str(tmp_path) not in line
    assert "wget -P ~/'my weights' https://" in line


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    alexnet, layers = published(tmp_path)
    with pytest.raises(WeightsError, match=r"'features\.6\.bias' is missing, not \(384,\)"):
        Lpips({k: v for k, v in alexnet.items() if k != 'features.6.bias'}, layers)
    (tmp_path / ALEXNET).write_bytes(b'<html>')
    with pytest.raises(WeightsError, match='is broken'):
        load_lpips(str(tmp_path))
