# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.models.bundle import open_bundle, write_bundle
from diffusers import AutoencoderTiny
import pytest
import torch

from tests.tiny_networks import lotus, lotus_spec, small, tiny_lotus, tiny_vae

UNET, VAE, TEXT = (
    ('unet/config.json', 'unet/diffusion_pytorch_model.safetensors'),
    ('vae/config.json', 'vae/diffusion_pytorch_model.safetensors'),
    'text/empty_prompt.safetensors',
)


def write(folder, network, **changes):
    return write_refiner_bundle(
        folder,
        network,
        **{
            'name': 'tiny',
            'licence': 'Apache-2.0',
            'source': 'random weights',
            'dtype': torch.float32,
            **changes,
        },
    )


def tiny_autoencoder(out_channels=3):
    return AutoencoderTiny(
        out_channels=out_channels,
        latent_channels=4,
        num_encoder_blocks=(1, 1),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_decoder_blocks=(1, 1),
    ).eval()


def with_tiny_codec(out_channels=3):
    torch.manual_seed(2)
    return (
        OneStepNetwork(
            tiny_lotus(),
            VaeCodec(tiny_autoencoder(out_channels)),
            lotus_spec(),
            torch.randn(1, 2, 12),
        )
        .eval()
        .requires_grad_(False)
    )


def two_unets():
    return lotus(guess='frozen', unet_guess=lotus(seed=8).unet)


@pytest.mark.parametrize('make', [small, lotus, with_tiny_codec, two_unets])
def test_what_is_read_is_what_was_written(tmp_path, make):
    network = make()
    read = read_refiner(write(tmp_path / 'one', network))
    assert read.spec == network.spec
    mine, theirs = network.state_dict(), read.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    if network.text_1LC is None:
        assert read.text_1LC is None
    else:
        assert torch.equal(read.text_1LC, network.text_1LC)
    latents = torch.randn(1, network.codec.depth_channels, 4, 4)
    assert torch.equal(read.codec.decode_depth(latents), network.codec.decode_depth(latents))
    rgb = torch.rand(1, 3, 8, 8)
    assert torch.equal(read.codec.encode_rgb(rgb), network.codec.encode_rgb(rgb))
    assert not read.training
    assert not any(value.requires_grad for value in read.parameters())


def test_files_and_manifest_are_the_agreed_ones(tmp_path):
    bundle = write(tmp_path / 'one', lotus(), record={'steps': 3})
    assert set(bundle.manifest['sha256']) == {*UNET, *VAE, TEXT}
    assert bundle.manifest['source'] == 'random weights'
    assert bundle.manifest['training'] == {'steps': 3}
    assert bundle.json('unet/config.json')['_class_name'] == 'UNet2DConditionModel'
    assert bundle.json('vae/config.json')['_class_name'] == 'AutoencoderKL'
    text = bundle.tensors(TEXT)
    assert list(text) == ['text_1LC']
    assert text['text_1LC'].shape == (1, 2, 12)
    assert 'training' not in write(tmp_path / 'two', small()).manifest


def test_half_precision_is_the_default_and_comes_back_as_float32(tmp_path):
    network = lotus()
    bundle = write_refiner_bundle(
        tmp_path / 'one', network, name='tiny', licence='none', source='random'
    )
    assert {value.dtype for value in bundle.tensors(UNET[1]).values()} == {torch.float16}
    read = read_refiner(bundle)
    assert {value.dtype for value in read.parameters()} == {torch.float32}
    expected = network.unet.conv_in.weight.half().float()
    assert torch.equal(read.unet.conv_in.weight, expected)


def test_the_bundled_refiner_can_be_read():
    network = read_refiner(open_bundle('bundled', 'refiner'))
    assert network.spec.codec == 'unshuffle'


def test_moving_the_network_moves_its_autoencoder():
    network = lotus().to('meta')
    assert network.codec.vae.decoder.conv_in.weight.device.type == 'meta'
    assert network.unet.conv_in.weight.device.type == 'meta'


def test_a_weight_beyond_half_precision_is_refused_by_name(tmp_path):
    network = lotus()
    network.codec.vae.decoder.conv_in.bias[0] = 7e4
    with pytest.raises(
        WeightsError,
        match=r'vae: decoder.conv_in.bias is not finite in '
        r'torch.float16; write the bundle in torch.float32',
    ):
        write(tmp_path / 'one', network, dtype=torch.float16)
    assert not (tmp_path / 'one').exists()
    write(tmp_path / 'one', network)


def test_a_configuration_that_tells_of_another_network_is_refused(tmp_path):
    network = small()
    unet = network.unet
    unet.conv_in = torch.nn.Conv2d(40, 8, 3, padding=1)
    with pytest.raises(
        WeightsError,
        match=r'unet: conv_in.weight has shape \(8, 40, 3, 3\), its '
        r'configuration says \(8, 21, 3, 3\)',
    ):
        write(tmp_path / 'one', network)


def rewritten(tmp_path, bundle, *, spec=None, without=(), tensors=None, configs=None):
    """Write a bundle again with something changed."""
    files = [name for name in bundle.manifest['sha256'] if name not in without]
    kept = {name: bundle.tensors(name) for name in files if name.endswith('.safetensors')}
    told = {name: bundle.json(name) for name in files if name.endswith('.json')}
    return write_bundle(
        tmp_path / 'changed',
        kind='refiner',
        name='tiny',
        licence='Apache-2.0',
        manifest={'spec': {**bundle.manifest['spec'], **(spec or {})}},
        tensors={**kept, **(tensors or {})},
        configs={**told, **(configs or {})},
    )


def test_a_missing_autoencoder_is_refused(tmp_path):
    bundle = rewritten(tmp_path, write(tmp_path / 'one', lotus()), without=VAE)
    with pytest.raises(
        WeightsError,
        match=r'has no vae/config.json, which its spec needs '
        r'\(codec vae',
    ):
        read_refiner(bundle)


def test_a_second_unet_is_written_and_its_absence_refused(tmp_path):
    bundle = write(tmp_path / 'one', two_unets())
    guess = tuple(file.replace('unet', 'unet_guess') for file in UNET)
    assert set(bundle.manifest['sha256']) == {*UNET, *guess, *VAE, TEXT}
    with pytest.raises(
        WeightsError,
        match=r'has no unet_guess/config.json, which its spec '
        r'needs .*guess frozen',
    ):
        read_refiner(rewritten(tmp_path, bundle, without=guess))
    with pytest.raises(
        WeightsError,
        match=r'holds unet_guess/config.json, which its spec does '
        r'not use .*guess self',
    ):
        read_refiner(rewritten(tmp_path, bundle, spec={'guess': 'self'}))


def test_missing_text_is_refused(tmp_path):
    bundle = rewritten(tmp_path, write(tmp_path / 'one', lotus()), without=(TEXT,))
    with pytest.raises(WeightsError, match=r'has no text/empty_prompt.safetensors'):
        read_refiner(bundle)


@pytest.mark.parametrize(
    ('spec', 'foreign'),
    [({'codec': 'unshuffle'}, 'vae/config.json'), ({'text_width': 0}, 'text/empty_prompt')],
)
def test_parts_that_the_spec_does_not_use_are_refused(tmp_path, spec, foreign):
    bundle = rewritten(tmp_path, write(tmp_path / 'one', lotus()), spec=spec)
    with pytest.raises(WeightsError, match=f'holds {foreign}.* which its spec does not use'):
        read_refiner(bundle)


@pytest.mark.parametrize(
    ('file', 'name'),
    [
        ('vae/config.json', 'AutoencoderOobleck'),
        ('unet/config.json', 'AutoencoderKL'),
        ('unet/config.json', None),
    ],
)
def test_a_foreign_class_is_refused_by_name(tmp_path, file, name):
    bundle = write(tmp_path / 'one', lotus())
    config = {**bundle.json(file), '_class_name': name}
    with pytest.raises(WeightsError, match=f'{file}: _class_name is {name!r}, not one of'):
        read_refiner(rewritten(tmp_path, bundle, configs={file: config}))


@pytest.mark.parametrize('shape', [(2, 12), (3, 2, 12)])
def test_text_of_another_shape_is_refused(tmp_path, shape):
    changed = rewritten(
        tmp_path,
        write(tmp_path / 'one', lotus()),
        tensors={TEXT: {'text_1LC': torch.zeros(shape)}},
    )
    with pytest.raises(WeightsError, match=r'text_1LC has shape .* must be of shape \(1, tokens'):
        read_refiner(changed)


def test_text_of_another_name_is_refused(tmp_path):
    changed = rewritten(
        tmp_path,
        write(tmp_path / 'one', lotus()),
        tensors={TEXT: {'prompt': torch.zeros(1, 2, 12)}},
    )
    with pytest.raises(WeightsError, match='text_1LC is missing'):
        read_refiner(changed)


def test_text_of_another_width_is_refused(tmp_path):
    changed = rewritten(
        tmp_path,
        write(tmp_path / 'one', lotus()),
        tensors={TEXT: {'text_1LC': torch.zeros(1, 2, 16)}},
    )
    with pytest.raises(WeightsError, match='text embedding has width 16, the spec needs 12'):
        read_refiner(changed)


def test_an_autoencoder_of_another_latent_width_is_refused(tmp_path):
    vae = tiny_vae()
    wide = type(vae).from_config({**vae.config, 'latent_channels': 8})
    bundle = write(tmp_path / 'one', lotus())
    changed = rewritten(
        tmp_path,
        bundle,
        tensors={VAE[1]: wide.state_dict()},
        configs={VAE[0]: {**bundle.json(VAE[0]), 'latent_channels': 8}},
    )
    with pytest.raises(WeightsError, match='input channels has width 8, the spec needs 16'):
        read_refiner(changed)


@pytest.mark.parametrize('part', ['unet', 'vae'])
def test_weights_of_another_shape_are_refused(tmp_path, part):
    bundle = write(tmp_path / 'one', lotus())
    file = f'{part}/config.json'
    config = {**bundle.json(file), 'block_out_channels': [16, 16]}
    with pytest.raises(WeightsError, match=f'{file}: configuration and weights do not fit'):
        read_refiner(rewritten(tmp_path, bundle, configs={file: config}))


def test_a_changed_byte_is_refused(tmp_path):
    bundle = write(tmp_path / 'one', lotus())
    file = bundle.path / VAE[1]
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with pytest.raises(WeightsError, match='differs from its sha256'):
        open_bundle(bundle.path, 'refiner')


def test_a_bundle_of_before_the_key_was_named_spec_is_read(tmp_path):
    written = write(tmp_path / 'old', small())
    manifest = tmp_path / 'old' / 'bundle.json'
    tree = json.loads(manifest.read_text())
    tree['recipe'] = tree.pop('spec')
    manifest.write_text(json.dumps(tree))
    read = read_refiner(open_bundle(tmp_path / 'old', 'refiner'))
    assert read.spec == read_refiner(written).spec


@pytest.mark.parametrize('spec', [None, ['apdepth']])
def test_a_bundle_without_a_spec_is_refused(tmp_path, spec):
    bundle = write(tmp_path / 'one', small())
    odd = write_bundle(
        tmp_path / 'odd',
        kind='refiner',
        name='odd',
        licence='none',
        manifest={} if spec is None else {'spec': spec},
        tensors={UNET[1]: bundle.tensors(UNET[1])},
        configs={UNET[0]: bundle.json(UNET[0])},
    )
    with pytest.raises(WeightsError, match=r'bundle.json has no usable spec'):
        read_refiner(odd)


def test_a_wrong_spec_names_its_bundle(tmp_path):
    write(tmp_path / 'one', small())
    manifest = tmp_path / 'one' / 'bundle.json'
    tree = json.loads(manifest.read_text())
    tree['spec']['keep_sharp'] = 25
    manifest.write_text(json.dumps(tree))
    with pytest.raises(WeightsError, match=f'^{manifest}: spec: keep_sharp = 25'):
        read_refiner(open_bundle(tmp_path / 'one', 'refiner'))
