# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A release becomes a bundle that gives the same depth, or nothing is written."""

import json

from depth_refiner_ros.core.errors import OutputError, WeightsError
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.releases import convert as converting
from depth_refiner_ros.diffusion.releases.convert import convert, depth_of_test_image, STEPS
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.diffusion.releases.refiner_weights import read_refiner_weights
from depth_refiner_ros.models.bundle import open_bundle
import pytest
import torch

from tests.diffusion.releases import official_folders as official

LAYOUTS = (
    official.sharpdepth,
    official.lotus_g,
    official.lotus_d,
    official.apdepth,
    official.marigold,
    official.marigold_zero_snr,
)


@pytest.mark.parametrize('write', LAYOUTS, ids=lambda write: write.__name__)
@pytest.mark.parametrize(('precision', 'bound'), [('fp32', 0.0), ('fp16', 0.02)])
def test_the_bundle_gives_what_the_release_gave(tmp_path, write, precision, bound):
    folder = write(tmp_path)
    release = load_release(folder)
    steps = []
    made = convert(release, tmp_path / 'out', precision=precision, log=steps.append)
    assert tuple(steps) == STEPS
    assert made.difference <= bound
    assert (made.difference > 0.0) is (precision == 'fp16'), 'the comparison compares'
    bundle = open_bundle(tmp_path / 'out', 'refiner')
    assert bundle.manifest == made.bundle.manifest
    network = read_refiner(bundle)
    assert network.spec == release.network.spec
    before, after = (depth_of_test_image(one) for one in (release.network, network))
    assert torch.allclose(after, before, atol=bound * float(before.max() - before.min()) + 1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {'out', folder.name}


def test_the_bundle_needs_no_text_encoder(tmp_path):
    bundle = convert(load_release(official.apdepth(tmp_path)), tmp_path / 'out').bundle
    assert sorted(bundle.manifest['sha256']) == [
        'text/empty_prompt.safetensors',
        'unet/config.json',
        'unet/diffusion_pytorch_model.safetensors',
        'vae/config.json',
        'vae/diffusion_pytorch_model.safetensors',
    ]
    assert bundle.tensors('text/empty_prompt.safetensors')['text_1LC'].shape == (1, 2, 12)


def test_licence_and_source_stay_with_the_weights(tmp_path):
    folder = official.lotus_g(tmp_path, 'mine')
    (folder / 'README.md').write_text('---\nlicense: cc-by-nc-4.0\n---\n')
    bundle = convert(load_release(folder), tmp_path / 'out').bundle
    assert bundle.manifest['licence'] == 'cc-by-nc-4.0'
    assert bundle.manifest['source'] == 'the folder mine'
    assert bundle.non_commercial
    assert 'cc-by-nc-4.0 (no commercial use)' in bundle.describe()
    assert bundle.describe().endswith('from the folder mine')
    known = convert(load_release(official.apdepth(tmp_path)), tmp_path / 'other').bundle
    assert not known.non_commercial
    assert known.describe().endswith('from a copy of developy/ApDepth')


def test_pickles_end_as_safetensors(tmp_path):
    folder = official.apdepth(tmp_path)
    before = depth_of_test_image(load_release(folder).network)
    for part in ('unet', 'vae', 'text_encoder'):
        official.pickled(folder, part)
    convert(load_release(folder, pickles=True), tmp_path / 'out', precision='fp32')
    after = depth_of_test_image(read_refiner(open_bundle(tmp_path / 'out', 'refiner')))
    assert torch.equal(after, before)
    assert not list((tmp_path / 'out').rglob('*.bin'))


def test_a_widened_start_says_eight_channels(tmp_path):
    release = load_release(official.stable_diffusion(tmp_path), method='apdepth', widen=True)
    bundle = convert(release, tmp_path / 'out').bundle
    assert bundle.json('unet/config.json')['in_channels'] == 8
    assert read_refiner(bundle).unet.conv_in.in_channels == 8


def test_an_older_bundle_is_replaced_only_by_a_sound_one(tmp_path, monkeypatch):
    release = load_release(official.apdepth(tmp_path))
    first = convert(release, tmp_path / 'out', precision='fp32').bundle
    before = (first.path / 'bundle.json').read_text()
    monkeypatch.setattr(converting, 'BOUNDS', {'fp16': 1e-9, 'fp32': -1.0})
    with pytest.raises(WeightsError, match=r'differs by .* of its range.* --precision fp32'):
        convert(release, tmp_path / 'out')
    assert (tmp_path / 'out/bundle.json').read_text() == before
    monkeypatch.undo()
    convert(release, tmp_path / 'out')
    assert json.loads((tmp_path / 'out/bundle.json').read_text()) != json.loads(before)
    assert {path.name for path in tmp_path.iterdir()} == {'out', 'ApDepth'}


def test_something_else_is_never_replaced(tmp_path):
    release = load_release(official.apdepth(tmp_path))
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos/me.jpg').touch()
    with pytest.raises(WeightsError, match='exists and is not a bundle'):
        convert(release, tmp_path / 'photos')
    assert (tmp_path / 'photos/me.jpg').exists()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OutputError, match='file is no folder, so that'):
        convert(load_release(official.apdepth(tmp_path)), tmp_path / 'file' / 'out')


def test_weights_that_overflow_in_half_precision(tmp_path):
    release = load_release(official.apdepth(tmp_path))
    release.network.unet.conv_in.bias[0] = 1e6
    with pytest.raises(WeightsError, match=r'conv_in\.bias is not finite'):
        convert(release, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_depth_that_is_not_finite(tmp_path):
    release = load_release(official.apdepth(tmp_path))
    release.network.unet.conv_out.bias[0] = float('inf')
    with pytest.raises(WeightsError, match='not finite for a plain image'):
        convert(release, tmp_path / 'out')


@pytest.mark.parametrize(
    ('write', 'refiner'),
    [
        (official.sharpdepth, 'sharpdepth'),
        (official.apdepth, 'apdepth'),
        (official.marigold, 'aligned'),
        (official.lotus_d, 'aligned'),
    ],
)
def test_refiner_weights_may_be_a_release_or_a_bundle(tmp_path, write, refiner):
    folder = write(tmp_path)
    network, line = read_refiner_weights(str(folder), refiner)
    assert network.spec.method == refiner
    assert line.startswith('refiner ')
    convert(load_release(folder), tmp_path / 'out', precision='fp32')
    bundled, _ = read_refiner_weights(str(tmp_path / 'out'), refiner)
    assert torch.equal(depth_of_test_image(network), depth_of_test_image(bundled))


def test_refiner_weights_of_the_package():
    network, line = read_refiner_weights('bundled', 'apdepth')
    assert network.spec.codec == 'unshuffle'
    assert line.endswith('bundled')


@pytest.mark.parametrize('where', ['nowhere', './no/where'])
def test_refiner_weights_that_are_nowhere(where):
    with pytest.raises(WeightsError, match=r'neither a folder nor a hub id .* give a bundle'):
        read_refiner_weights(where, 'apdepth')


def test_refiner_weights_in_a_folder_of_something_else(tmp_path):
    with pytest.raises(WeightsError, match=r'neither bundle\.json nor unet/config\.json; give'):
        read_refiner_weights(str(tmp_path), 'apdepth')


def test_a_release_for_another_refiner(tmp_path):
    with pytest.raises(
        WeightsError,
        match=r'is known as apdepth; read as sharpdepth it would '
        r'give wrong depth\. Use refiner:=apdepth',
    ):
        read_refiner_weights(str(official.apdepth(tmp_path)), 'sharpdepth')
