# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.apdepth import apdepth, apdepth_inputs
from depth_refiner_ros.diffusion.codec import UnshuffleCodec, VaeCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.unet import size_multiple, small_unet
import pytest
import torch
from torch.nn import functional

from tests.tiny_networks import lotus, lotus_spec, small, TASK, tiny_lotus, tiny_vae


def heard(network):
    """Record the arguments of the UNet."""
    calls = []
    network.unet.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append((args, kwargs)), with_kwargs=True
    )
    return calls


@pytest.mark.parametrize('order', ['depth_rgb', 'rgb_depth'])
def test_channel_order(order):
    network = small(channel_order=order, detail=False, known=False)
    calls = heard(network)
    depth, rgb = torch.full((1, 4, 8, 8), 2.0), torch.full((1, 12, 8, 8), 3.0)
    network(depth, rgb)
    first, second = (depth, rgb) if order == 'depth_rgb' else (rgb, depth)
    stacked = calls[0][0][0]
    assert torch.equal(stacked[:, : first.shape[1]], first)
    assert torch.equal(stacked[:, first.shape[1] :], second)


def test_further_inputs_come_last():
    network = small()
    calls = heard(network)
    extra = torch.full((1, 5, 8, 8), 7.0)
    network(torch.zeros(1, 4, 8, 8), torch.ones(1, 12, 8, 8), extra)
    assert torch.equal(calls[0][0][0][:, 16:], extra)


def test_sample_is_the_output_and_residual_adds_it_to_the_prior():
    depth, rgb, extra = torch.randn(1, 4, 8, 8), torch.randn(1, 12, 8, 8), torch.randn(1, 5, 8, 8)
    sample = small(prediction='sample')(depth, rgb, extra)
    residual = small(prediction='residual', residual_gain=0.25)(depth, rgb, extra)
    assert float(sample.abs().max()) > 0.0
    torch.testing.assert_close(residual, depth + 0.25 * sample)


@pytest.mark.parametrize('precise', [True, False])
def test_timestep_stays_the_integer(precise):
    network = lotus()
    calls = heard(network)
    with torch.autocast('cpu', torch.bfloat16, enabled=not precise):
        network(torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8))
    step = calls[0][0][1]
    assert step.dtype == torch.int64
    assert int(step) == 999  # bfloat16 would make it 1000


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_timestep_stays_the_integer_in_a_network_of_half_precision(dtype):
    network = lotus().to(dtype)
    calls = heard(network)
    latents = (torch.randn(1, 4, 8, 8, dtype=dtype) for _ in range(2))
    assert network(*latents).dtype == dtype
    step = calls[0][0][1]
    assert step.dtype == torch.int64
    assert int(step) == 999


def test_task_reaches_the_unet_and_changes_its_output():
    latents = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    network = lotus()
    calls = heard(network)
    depth = network(*latents)
    torch.testing.assert_close(calls[0][1]['class_labels'], torch.tensor([TASK, TASK]))
    other = lotus(task_embedding=(0.0, 0.8414709848, 1.0, 0.5403023059))
    assert float((other(*latents) - depth).abs().max()) > 1e-4


def test_text_reaches_every_image_of_the_batch():
    network = lotus()
    calls = heard(network)
    network(torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8))
    text = calls[0][0][2]
    assert text.shape == (3, 2, 12)
    assert torch.equal(text[2], network.text_1LC[0])


def build_lotus(unet=None, text_width=12, **changes):
    text = torch.zeros(1, 2, text_width) if text_width else None
    return OneStepNetwork(unet or tiny_lotus(), VaeCodec(tiny_vae()), lotus_spec(**changes), text)


def test_parts_of_different_models_are_refused_by_name(subtests):
    cases = [
        ({'unet': tiny_lotus(channels=4)}, 'input channels has width 4, the spec needs 8'),
        ({'unet': tiny_lotus(out_channels=3)}, 'output channels has width 3, the spec needs 4'),
        (
            {
                'unet': tiny_lotus(
                    class_embed_type=None, projection_class_embeddings_input_dim=None
                )
            },
            'task embedding has width 0, the spec needs 4',
        ),
        ({'task_embedding': ()}, 'task embedding has width 4, the spec needs 0'),
        ({'text_width': 0}, 'text embedding has width 0, the spec needs 12'),
        ({'text_width': 16}, 'text embedding has width 16, the spec needs 12'),
    ]
    for wrong, message in cases:
        with subtests.test(message), pytest.raises(WeightsError, match=message):
            build_lotus(**wrong)


def test_a_spec_with_more_inputs_than_the_unet_is_refused():
    unet = small_unet(
        ModelSpec(detail=False), depth_channels=16, rgb_channels=48, block_channels=(8,)
    )
    with pytest.raises(WeightsError, match='input channels'):
        OneStepNetwork(unet, UnshuffleCodec(4), ModelSpec(detail=True))


def test_detail_is_zero_for_constant_depth_and_sees_a_step():
    network = small(known=False, detail_gain=8.0)
    flat = torch.full((1, 1, 32, 32), 0.37)
    everywhere = torch.ones(1, 1, 32, 32, dtype=torch.bool)
    assert float(network.condition(flat, everywhere).abs().max()) < 1e-5
    step = flat.clone()
    step[..., 16:] += 1.0
    detail = network.codec.decode_depth(network.condition(step, everywhere))
    # Beside the step, five of nine columns are on the own side: 4/9 of the step is missing.
    assert float(detail[0, 0, 16, 15]) == pytest.approx(-8.0 * 4 / 9, rel=1e-4)
    assert float(detail[0, 0, 16, 16]) == pytest.approx(8.0 * 4 / 9, rel=1e-4)
    assert float(detail[0, 0, 16, 2].abs()) < 1e-5


def test_detail_does_not_depend_on_scale_in_log_space():
    network = small(known=False)
    unit = torch.randn(1, 1, 16, 16)
    known = torch.ones_like(unit).bool()
    torch.testing.assert_close(
        network.condition(unit + 1.5, known), network.condition(unit, known), atol=2e-5, rtol=1e-4
    )


def test_the_layout_is_the_local_mean_and_the_base_of_the_residual():
    network = small(layout=True, detail=False, known=False, residual_gain=0.0)
    unit = torch.randn(1, 1, 32, 32)
    layout = network.condition(unit, torch.ones_like(unit).bool())
    cell = network.codec.factor
    cells = unit.unfold(2, cell, cell).unfold(3, cell, cell).mean((-1, -2))
    assert layout.shape == cells.shape
    assert float(layout[0, 0, 3, 4]) == pytest.approx(
        float(cells[0, 0, 2:5, 3:6].mean()), abs=1e-6
    )
    # Whatever the depth latent holds, an output of zero leaves the layout, smoothly enlarged.
    noise, image = (
        network.codec.encode_depth(unit),
        network.codec.encode_rgb(unit.expand(1, 3, -1, -1)),
    )
    base = network.codec.decode_depth(network(noise, image, layout))
    smooth = functional.interpolate(layout, scale_factor=float(cell), mode='bilinear')
    torch.testing.assert_close(base, smooth)


def test_known_is_the_share_of_each_cell():
    known = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    known[0, 0, 0, :3] = False
    share = small(detail=False).condition(torch.zeros(1, 1, 4, 4), known)
    torch.testing.assert_close(share, torch.tensor([[[[0.5, 0.75], [1.0, 1.0]]]]))


def test_no_further_inputs_give_none():
    network = small(detail=False, known=False)
    assert network.condition(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4).bool()) is None


def test_untrained_residual_of_zero_gives_the_prior_back():
    network = small(residual_gain=0.0)
    unit = torch.randn(2, 1, 16, 16)
    refined = apdepth(network, torch.rand(2, 3, 16, 16), unit, torch.ones_like(unit).bool())
    assert torch.equal(refined, unit)


def test_apdepth_inputs_are_prior_image_and_extra_latents():
    network = small()
    rgb, unit = torch.rand(1, 3, 8, 8), torch.randn(1, 1, 8, 8)
    known = torch.ones_like(unit).bool()
    prior, image, extra = apdepth_inputs(network, rgb, unit, known)
    assert torch.equal(network.codec.decode_depth(prior), unit)
    assert torch.equal(image, network.codec.encode_rgb(rgb))
    assert extra.shape == (1, 5, 4, 4)


def test_size_multiple_is_cell_times_halvings():
    assert size_multiple(small().unet, 2) == 4
    assert size_multiple(tiny_lotus(), 8) == 16


PIXELWISE = [
    {},
    {'channel_order': 'rgb_depth'},
    {'detail': False},
    {'known': False, 'clip': 'depth'},
    {'detail': False, 'known': False, 'residual_gain': 3.0},
]


@pytest.mark.parametrize('spec', PIXELWISE)
def test_a_backend_that_packs_cells_gives_the_same_depth(spec):
    network = small(**spec)
    rgb, unit = torch.rand(2, 3, 16, 24), torch.randn(2, 1, 16, 24)
    for known in (torch.ones_like(unit).bool(), torch.rand_like(unit) > 0.3):
        expected = apdepth(network, rgb, unit, known)
        assert not torch.allclose(expected, unit)
        backed, shapes = small(**spec), []
        backed.load_state_dict(network.state_dict())

        def prepare(module, key, shapes=shapes):
            assert key == 'unet'
            module.register_forward_pre_hook(
                lambda _, maps: shapes.append([tuple(one.shape[1:]) for one in maps])
            )
            return module.eval()

        backed.attach_backend(prepare)
        torch.testing.assert_close(apdepth(backed, rgb, unit, known), expected)
        pixels = 2 + spec.get('detail', True)
        cells = [(1, 8, 12)] * spec.get('known', True)
        assert [one[1:] for one in shapes[0][:pixels]] == [(16, 24)] * pixels
        assert shapes[0][pixels:] == cells


@pytest.mark.parametrize(
    'spec', [{'prediction': 'sample'}, {'clip': 'channels'}, {'layout': True}]
)
def test_other_networks_are_given_cells(spec):
    network = small(**spec)
    rgb, unit = torch.rand(1, 3, 16, 24), torch.randn(1, 1, 16, 24)
    known = torch.ones_like(unit).bool()
    expected = apdepth(network, rgb, unit, known)
    network.attach_backend(lambda module, key: module.eval())
    assert network.on_pixels(rgb, unit, known) is None
    torch.testing.assert_close(apdepth(network, rgb, unit, known), expected)
