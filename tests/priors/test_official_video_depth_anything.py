# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video Depth Anything as written here against its authors' code (``make official``)."""

from pathlib import Path
import sys

from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors import video_depth_anything_memory as memory
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.video_depth_anything import VideoDepthAnythingPrior
from depth_refiner_ros.priors.video_depth_anything_names import COMPUTED, renamed
from depth_refiner_ros.priors.video_depth_anything_network import VideoDepthAnythingNetwork
import numpy as np
import pytest
import torch

from tests.priors import official_video_depth_anything as support
from tests.priors.official_video_depth_anything import official_shapes, TINY
from tests.priors.photograph import corridor
from tests.priors.test_video_depth_anything import EXPECTED, numbers, SHOWN

CHECKOUT = Path(sys.prefix) / 'video_depth_anything'
FRAMES = 60
"""Beyond the 42 after which frames are forgotten."""
pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(
        not CHECKOUT.is_dir(), reason="needs the authors' code; run: make official"
    ),
]


@pytest.fixture(scope='module', autouse=True)
def official():
    """Make the authors' code importable."""
    sys.path.insert(0, str(CHECKOUT))
    yield
    sys.path.remove(str(CHECKOUT))


def published(size):
    """Build the streaming network of the authors as their script does."""
    from video_depth_anything.video_depth_stream import VideoDepthAnything

    one = ARCHITECTURES[size]
    network = VideoDepthAnything(
        encoder=f'vit{size[0]}', features=one.features, out_channels=list(one.levels)
    )
    return network.eval()


def tiny():
    """Build the same with a tiny shape."""
    from video_depth_anything.dinov2 import DinoVisionTransformer
    from video_depth_anything.dinov2_layers import MemEffAttention, NestedTensorBlock
    from video_depth_anything.dpt_temporal import DPTHeadTemporal

    network = published('small')
    network.pretrained = DinoVisionTransformer(
        img_size=518,
        patch_size=14,
        embed_dim=TINY.width,
        depth=TINY.layers,
        num_heads=TINY.heads,
        init_values=1.0,
        ffn_layer='mlp',
        block_chunks=0,
        interpolate_offset=0.1,
        block_fn=lambda **named: NestedTensorBlock(attn_class=MemEffAttention, **named),
    )
    network.intermediate_layer_idx = {'vits': list(TINY.taps)}
    network.head = DPTHeadTemporal(TINY.width, TINY.features, out_channels=list(TINY.levels))
    return network.eval()


def both(theirs, one):
    """Give both networks the same random weights."""
    state = support.weights(one)
    lacking, unknown = theirs.load_state_dict(state, strict=False)
    assert all(name.endswith(COMPUTED) for name in lacking)
    assert not unknown
    ours = VideoDepthAnythingNetwork(one).eval()
    ours.load_state_dict(renamed(state))
    return ours.requires_grad_(False), theirs.requires_grad_(False)


def differences(theirs, prior, images, side):
    """Run a video through both and return the largest relative difference of each image."""
    found = []
    with torch.inference_mode():
        for index, image in enumerate(images):
            wanted = theirs.infer_video_depth_one(image, input_size=side, device='cpu', fp32=True)
            predict = prior.predict_next if index else prior.predict
            depth = predict(support.unit(image), None).depth_B1HW[0, 0].nan_to_num(0.0).numpy()
            found.append(float(np.abs(depth - wanted).max() / wanted.mean()))
    return found


@pytest.mark.parametrize('size', ARCHITECTURES)
def test_names_and_shapes_of_all_weights(size):
    theirs = published(size).state_dict()
    learnt = {
        name: tuple(value.shape) for name, value in theirs.items() if not name.endswith(COMPUTED)
    }
    assert learnt == official_shapes(ARCHITECTURES[size])
    stored = {name: value for name, value in theirs.items() if name.endswith(COMPUTED)}
    computed = support.stored(ARCHITECTURES[size])
    assert len(stored) == 8
    worst = max(float((value - computed[name]).abs().max()) for name, value in stored.items())
    print(f'{size}: {sum(value.numel() for value in theirs.values()) / 1e6:.2f} M numbers')
    print(f'  positions in time differ by {worst:.1e}')
    assert worst < 1e-5


@pytest.mark.parametrize('size', [(480, 640), (270, 480), (480, 270), (300, 900)])
def test_one_image_at_true_size(size):
    ours, theirs = both(published('small'), ARCHITECTURES['small'])
    image = (corridor(*size)[0].permute(1, 2, 0) * 255.0).round().byte().numpy()
    wanted = theirs.infer_video_depth_one(image, device='cpu', fp32=True)
    pixels = preprocess.video_depth_anything().prepare(support.unit(image))
    assert pixels.shape[-2:] == theirs.transform({'image': image / 255.0})['image'].shape[-2:]
    with torch.inference_mode():
        found = VideoDepthAnythingPrior(ours).predict(support.unit(image), None).depth_B1HW
    error = float((found[0, 0] - torch.from_numpy(wanted)).abs().max() / wanted.mean())
    print(
        f'{size[1]} x {size[0]} at {pixels.shape[-1]} x {pixels.shape[-2]}: depth '
        f'{wanted.min():.3f} to {wanted.max():.3f}, greatest difference {error:.1e} of its mean'
    )
    assert wanted.std() > 0.01 * wanted.mean(), 'a flat map would compare nothing'
    assert error < 1e-4


def test_a_video_at_true_size():
    """The small network at a small input, which no image of the window is left out of."""
    ours, theirs = both(published('small'), ARCHITECTURES['small'])
    images = [support.frame(index) for index in range(FRAMES)]
    prior = VideoDepthAnythingPrior(ours, preprocess.video_depth_anything(70))
    errors = differences(theirs, prior, images, 70)
    print(f'{FRAMES} images of a video: greatest difference {max(errors):.1e} of the mean depth')
    for first, last in ((0, 1), (1, 12), (12, 42), (42, FRAMES)):
        print(f'  images {first} to {last - 1}: {max(errors[first:last]):.1e}')
    assert max(errors) < 1e-4


@pytest.mark.parametrize(('name', 'value'), [('FAR', 40), ('NEAR', 28)])
def test_another_window_would_be_seen(monkeypatch, name, value):
    """The comparison must tell the authors' window from others."""
    ours, theirs = both(tiny(), TINY)
    monkeypatch.setattr(memory, name, value)
    if name == 'NEAR':  # the same number of images, the first one twice
        monkeypatch.setattr(memory.Memory, 'window', _one_short(memory.Memory.window))
    prior = VideoDepthAnythingPrior(ours, preprocess.video_depth_anything(70))
    images = [support.frame(index) for index in range(50)]
    errors = differences(theirs, prior, images, 70)
    print(f'{name} = {value}: greatest difference {max(errors):.1e} of the mean depth')
    assert max(errors) > 1e-3


def _one_short(window):
    def shorter(self):
        return tuple(torch.cat((one[:, :1], one), dim=1) for one in window(self))

    return shorter


def test_the_numbers_of_the_ordinary_tests_are_the_authors():
    ours, theirs = both(tiny(), TINY)
    prior = VideoDepthAnythingPrior(ours, preprocess.video_depth_anything(70))
    images = [support.frame(index) for index in range(SHOWN[-1] + 1)]
    assert max(differences(theirs, prior, images, 70)) < 1e-4
    again, found = both(tiny(), TINY)[1], []
    for image in images:
        depth = again.infer_video_depth_one(image, input_size=70, device='cpu', fp32=True)
        found.append(numbers(torch.from_numpy(depth)))
    for index in SHOWN:
        print(f'image {index}: {[float(f"{value:.7g}") for value in found[index]]}')
        assert found[index] == pytest.approx(EXPECTED[index], rel=1e-4)
