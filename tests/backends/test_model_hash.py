# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from depth_refiner_ros.backends.model_hash import model_hash
from depth_refiner_ros.diffusion import pixel_unet
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
import torch

from tests.backends.networks import block, network, ready
from tests.tiny_networks import small, TASK, tiny_lotus


def folded_unet():
    torch.manual_seed(0)
    unet = ready(tiny_lotus())
    return ready(FoldedUnet(unet, 999, torch.randn(1, 2, 12), torch.tensor(TASK)))


def test_the_same_network_has_the_same_hash_in_every_process():
    code = (
        'import torch; from depth_refiner_ros.backends.model_hash import model_hash; '
        'torch.manual_seed(0); print(model_hash(torch.nn.Conv2d(3, 4, 3)))'
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, check=True
    )
    torch.manual_seed(0)
    assert done.stdout.strip() == model_hash(torch.nn.Conv2d(3, 4, 3))
    assert model_hash(block()) == model_hash(block())


def test_a_weight_a_buffer_an_attribute_and_code_count():
    base = model_hash(block())
    weight, attribute, code = block(), block(), block()
    weight.conv.weight[0, 0, 0, 0] += 1e-6
    attribute.gain = 1.25

    class Other(type(code)):
        def forward(self, image, rays):
            return super().forward(image, rays) + 1.0

    code.__class__ = Other
    buffer = block()
    buffer.register_buffer('offset', torch.zeros(1), persistent=False)
    found = {model_hash(other) for other in (weight, attribute, code, buffer)}
    assert len(found) == 4
    assert base not in found


def once(value):
    return value + 1.0


def twice(value):
    return value + 2.0


class Calling(torch.nn.Module):
    def forward(self, value):
        return called(value)


def called(value):
    return once(value)


def test_functions_that_forward_calls_count(monkeypatch):
    base = model_hash(Calling())
    assert model_hash(Calling()) == base
    monkeypatch.setitem(globals(), 'once', twice)
    assert model_hash(Calling()) != base


def test_functions_within_generator_expressions_count(monkeypatch):
    module = network('on_pixels')[0]
    base = model_hash(module)
    monkeypatch.setattr(pixel_unet, 'packed', pixel_unet.unpacked)
    assert model_hash(module) != base


def test_number_format_counts_and_training_does_not():
    assert model_hash(block().half()) != model_hash(block())
    assert model_hash(block().train()) == model_hash(block())


def test_the_timestep_of_a_folded_unet_counts():
    one, other = folded_unet(), folded_unet()
    assert model_hash(one) == model_hash(other)
    other.timestep += 1
    assert model_hash(one) != model_hash(other)
    assert model_hash(small(0).unet) != model_hash(small(1).unet)
