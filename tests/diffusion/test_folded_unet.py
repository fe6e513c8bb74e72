# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
import pytest
import torch

from tests.tiny_networks import small, TASK, tiny_lotus


def lotus_unet(**changes):
    torch.manual_seed(0)
    return tiny_lotus(**changes).eval().requires_grad_(False)


@pytest.mark.parametrize('batch', [1, 2])
@pytest.mark.parametrize('timestep', [1, 999])
def test_folding_changes_nothing(batch, timestep):
    unet, text, task = lotus_unet(), torch.randn(1, 2, 12), torch.tensor(TASK)
    sample = torch.randn(batch, 8, 8, 8)
    with torch.no_grad():
        plain = unet(
            sample,
            torch.tensor(timestep),
            text.expand(batch, -1, -1),
            class_labels=task.expand(batch, -1),
        ).sample
        folded = FoldedUnet(unet, timestep, text, task)(sample)
    assert float((folded - plain).abs().max()) <= 1e-6 * float(plain.abs().max())


def test_timestep_task_and_text_all_count():
    unet, text, task = lotus_unet(), torch.randn(1, 2, 12), torch.tensor(TASK)
    sample = torch.randn(1, 8, 8, 8)
    base = FoldedUnet(unet, 999, text, task)(sample)
    for other in (
        FoldedUnet(unet, 500, text, task),
        FoldedUnet(unet, 999, -text, task),
        FoldedUnet(unet, 999, text, task.flip(0)),
    ):
        assert float((other(sample) - base).abs().max()) > 1e-3


def test_the_given_unet_stays_and_shares_its_weights():
    unet = lotus_unet()
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    folded = FoldedUnet(unet, 999, torch.randn(1, 2, 12), torch.tensor(TASK))
    assert all(torch.equal(value, before[name]) for name, value in unet.state_dict().items())
    shared = {value.data_ptr() for value in unet.parameters()}
    own = [value for value in folded.parameters() if value.data_ptr() not in shared]
    assert 0 < len(own) <= 8
    assert all(value.ndim == 1 for value in own), 'only biases are new'


def test_a_unet_without_text_and_task_folds_too():
    unet = small().unet
    sample = torch.randn(1, unet.config.in_channels, 8, 8)
    with torch.no_grad():
        plain = unet(sample, torch.tensor(1), None).sample
        assert float((FoldedUnet(unet, 1)(sample) - plain).abs().max()) < 1e-6


def test_half_precision_knows_the_exact_timestep():
    unet, text, task = lotus_unet(), torch.randn(1, 2, 12), torch.tensor(TASK)
    exact = FoldedUnet(unet, 999, text, task)
    with torch.autocast('cpu', torch.bfloat16):
        rounded = FoldedUnet(unet, 999, text, task)
    difference = max(
        float((one - other).abs().max())
        for one, other in zip(exact.parameters(), rounded.parameters())
    )
    assert difference < 1e-6


def test_other_uses_of_the_embedding_are_refused():
    with pytest.raises(WeightsError, match="time_embedding_norm = 'scale_shift' cannot be folded"):
        FoldedUnet(
            lotus_unet(resnet_time_scale_shift='scale_shift'),
            999,
            torch.randn(1, 2, 12),
            torch.tensor(TASK),
        )
