"""Networks of the benchmark with tiny weights: every call that is timed is run, none is timed."""

from dataclasses import replace
import time

from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.bench.full import attention, frame_calls, unchecked_networks
from depth_refiner_ros.bench.marigold import assemble, frame_call
from depth_refiner_ros.bench.networks import (
    build_network,
    FrameSize,
    materialize,
    META,
    place,
    refiner_calls,
    spec_of,
)
from depth_refiner_ros.bench.opened import weights_of, working_image
from depth_refiner_ros.bench.priors import DepthAnything, RandomPrior
from depth_refiner_ros.bench.timing import clock, MemoryPeak, timed_ms
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.settings.networks import ModelSettings
from diffusers import AutoencoderTiny
import pytest
import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from tests.tiny_networks import tiny_lotus, tiny_vae

CPU = torch.device('cpu')
SIZE = FrameSize(width=64, height=48)


def tiny_prior():
    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    with META:
        network = DepthAnything(
            DepthAnythingForDepthEstimation(
                DepthAnythingConfig(
                    backbone_config=backbone,
                    reassemble_hidden_size=16,
                    neck_hidden_sizes=[8] * 4,
                    fusion_hidden_size=8,
                    depth_estimation_type='metric',
                    max_depth=20,
                )
            )
        )
    return RandomPrior(materialize(network, CPU, torch.float32), 56)


def tiny_network(method):
    spec = replace(spec_of(method), text_width=12)
    labels = (
        {}
        if spec.task_embedding
        else {'class_embed_type': None, 'projection_class_embeddings_input_dim': None}
    )
    network = OneStepNetwork(
        tiny_lotus(**labels), VaeCodec(tiny_vae()), spec, torch.zeros(1, 2, 12)
    )
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize('method', ['apdepth', 'sharpdepth'])
def test_every_stage_of_a_frame_runs(method, precision):
    execution, prior, network = choose('cpu', precision), tiny_prior(), tiny_network(method)
    networks = unchecked_networks(execution, ModelSettings())
    prior.network = networks(prior.network, 'prior')
    network.attach_backend(networks)
    calls = frame_calls(prior, network, execution, ModelSettings(), SIZE)
    assert list(calls) == ['prior', 'encode', 'unet', 'decode', 'cloud', 'frame']
    for name in ('prior', 'encode', 'unet', 'decode', 'cloud'):
        calls[name]()
    parts_ms = calls['frame']()
    assert {'prior', 'refiner', 'align'} <= set(parts_ms)


def test_calls_are_those_of_the_method():
    network = tiny_network('apdepth')
    rgb = torch.rand(1, 3, 48, 64)
    with torch.no_grad():
        made = {name: call() for name, call in refiner_calls(network, rgb).items()}
    image, prior, extra = made['encode']
    assert image.shape == prior.shape == made['unet'].shape == (1, 4, 24, 32)
    assert extra is None
    assert made['decode'].shape == (1, 1, 48, 64)
    assert attention(network) == 'AttnProcessor2_0'


@pytest.mark.parametrize(('method', 'codec'), [('apdepth', 'vae'), ('sharpdepth', 'tiny')])
def test_true_size_is_built_without_memory(method, codec):
    network = build_network(method, codec)
    assert all(weight.device == META for weight in network.parameters())
    assert network.unet.config.block_out_channels == (320, 640, 1280, 1280)
    assert isinstance(network.codec.vae, AutoencoderTiny) is (codec == 'tiny')
    assert spec_of(method).max_edge_px == 0, 'the timed size is the asked one'


def test_weights_get_memory_in_the_asked_format_and_stay_finite():
    with META:
        unet = tiny_lotus()
    unet = materialize(unet, CPU, torch.bfloat16, seed=3)
    assert {weight.dtype for weight in unet.parameters()} == {torch.bfloat16}
    assert unet.conv_norm_out.weight.eq(1).all()
    assert unet.conv_in.bias.eq(0).all()
    assert unet.conv_in.weight.float().std() == pytest.approx(0.02, rel=0.1)
    with torch.no_grad():
        made = unet(
            torch.rand(1, 8, 8, 8).bfloat16(),
            1,
            torch.zeros(1, 2, 12).bfloat16(),
            class_labels=torch.zeros(1, 4).bfloat16(),
        ).sample
    assert made.isfinite().all()
    assert made.std() > 0


@pytest.mark.parametrize(
    ('backend', 'dtype'), [('torch', torch.bfloat16), ('onnx', torch.float32)]
)
def test_networks_are_placed_as_their_backend_wants_them(backend, dtype):
    with META:
        unet = tiny_lotus()
    place(unet, Execution(device=CPU, precision='bf16', backend=backend))
    assert unet.conv_in.weight.dtype == dtype
    assert unet.conv_norm_out.weight.dtype == torch.float32
    assert unet.conv_in.weight.device == CPU


def test_prior_of_random_weights_is_metric_and_varies():
    depth = tiny_prior().predict(torch.rand(1, 3, 48, 64), None)
    assert depth.kind == 'metric'
    assert depth.depth_B1HW.shape == (1, 1, 48, 64)
    assert depth.depth_B1HW.min() >= 1.0
    assert depth.depth_B1HW.std() > 0.5


@pytest.mark.parametrize('vae', [tiny_vae, AutoencoderTiny])
@pytest.mark.parametrize('steps', [1, 4])
def test_pipeline_of_diffusers_takes_the_asked_steps(vae, steps):
    unet = tiny_lotus(class_embed_type=None, projection_class_embeddings_input_dim=None)
    evaluations = []
    unet.register_forward_hook(lambda *_: evaluations.append(1))
    image = torch.randint(0, 256, (1, 3, 48, 64), dtype=torch.uint8)
    depth = frame_call(assemble(unet, vae().eval(), 12), image, steps)()
    assert depth.shape == (1, 1, 48, 64)
    assert 0.0 <= depth.min() <= depth.max() <= 1.0
    assert len(evaluations) == steps


def test_warm_up_is_not_counted():
    called = []
    taken_ms = timed_ms(lambda: called.append(1), CPU, frames=3, warm_up=2)
    assert (len(called), len(taken_ms)) == (5, 3)
    assert min(taken_ms) >= 0.0


def test_one_thread_is_timed_by_its_own_time():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        (asleep_ms,) = timed_ms(lambda: time.sleep(0.05), CPU, frames=1, warm_up=0)
        assert (clock(CPU), asleep_ms < 25.0) == ('CPU time of one thread', True)
        torch.set_num_threads(2)
        (asleep_ms,) = timed_ms(lambda: time.sleep(0.05), CPU, frames=1, warm_up=0)
        assert (clock(CPU), asleep_ms >= 50.0) == ('wall clock', True)
    finally:
        torch.set_num_threads(threads)


def test_memory_of_a_process_is_some_megabytes():
    with MemoryPeak(CPU) as peak:
        pass
    assert 50 < peak.mib < 1e6


def test_working_image_has_the_recipes_edge_and_can_be_halved():
    image = torch.rand(1, 3, 45, 60)
    assert working_image(image, 0, 8).shape == (1, 3, 48, 64)
    assert working_image(image, 120, 8).shape == (1, 3, 96, 120)
    assert working_image(image, 0, 8)[0, :, 45:, :60].eq(image[0, :, 44:45]).all()


def test_weights_of_an_object_are_those_of_its_modules():
    prior = tiny_prior()
    inside = tuple(prior.network.parameters())
    for owner in (prior, AnchoredPrior(prior)):
        assert len(weights_of(owner)) == len(inside) > 0
    assert weights_of({'not': 'ours'}) == ()
