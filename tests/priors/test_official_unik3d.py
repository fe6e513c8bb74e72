# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""UniK3D as written here against its authors' code (``make official``)."""

import json
from pathlib import Path
import sys
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors.unik3d import UniK3DPrior
from depth_refiner_ros.priors.unik3d_names import renamed
from depth_refiner_ros.priors.unik3d_network import ARCHITECTURES, UniK3DNetwork
import pytest
import torch

from tests.priors import official_unik3d as support
from tests.priors.official_unik3d import official_shapes, TINY
from tests.priors.photograph import corridor
from tests.priors.test_unik3d import EXPECTED, numbers

CHECKOUT = Path(sys.prefix) / 'unik3d'
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
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import unik3d.models
    yield unik3d
    sys.path.remove(str(CHECKOUT))


def published(size, one=None):
    """Build a network from the authors' own configuration, or with a tiny shape."""
    from unik3d.models import UniK3D
    from unik3d.models.backbones.dinov2 import DinoVisionTransformer

    config = json.loads((CHECKOUT / f'configs/eval/{size}.json').read_text())
    config['training']['losses'] = {}
    network = UniK3D(config)
    if one is not None:
        from unik3d.models.decoder import Decoder

        encoder = DinoVisionTransformer(
            img_size=518,
            patch_size=14,
            embed_dim=one.width,
            depth=one.layers,
            num_heads=one.heads,
            init_values=1.0,
            block_chunks=0,
            output_idx=[tap + 1 for tap in one.taps],
        )
        config['model']['pixel_encoder'] |= {
            'embed_dims': encoder.embed_dims,
            'depths': encoder.depths,
        }
        config['model']['pixel_decoder'] |= {'hidden_dim': one.features, 'out_dim': 4}
        network.pixel_encoder, network.pixel_decoder = encoder, Decoder(config)
        depths = encoder.depths
        network.slices_encoder_range = list(zip([0, *depths[:-1]], depths))
    return network.eval()


def both(theirs, one):
    """Give both networks the same random weights."""
    state = support.weights(one)
    theirs.load_state_dict(state)
    ours = UniK3DNetwork(one).eval()
    ours.load_state_dict(renamed(state))
    return ours.requires_grad_(False), theirs.requires_grad_(False)


def their_depth(network, rgb, camera):
    """Run the authors' ``infer``, whose principal point counts from the corner of a pixel."""
    from unik3d.utils.camera import Pinhole

    lens = None
    if camera is not None:
        matrix = torch.from_numpy(camera.matrix()).float()[None]
        matrix[:, :2, 2] += 0.5
        lens = Pinhole(K=matrix)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return network.infer((rgb * 255.0).round(), lens)['depth']


@pytest.mark.parametrize('size', ARCHITECTURES)
def test_names_and_shapes_of_all_weights(size):
    theirs = {name: tuple(value.shape) for name, value in published(size).state_dict().items()}
    assert theirs == official_shapes(ARCHITECTURES[size])
    millions = sum(torch.Size(shape).numel() for shape in theirs.values()) / 1e6
    print(f'{size}: {millions:.2f} M parameters')


@pytest.mark.parametrize('camera', [True, False], ids=['camera', 'no camera'])
@pytest.mark.parametrize('size', [(480, 640), (1080, 1920), (300, 900)])
def test_depth_at_true_size(size, camera):
    ours, theirs = both(published('vits'), ARCHITECTURES['vits'])
    rgb = (corridor(*size) * 255.0).round() / 255.0
    known = Intrinsics(
        fx=0.8 * size[1],
        fy=0.9 * size[1],
        cx=0.45 * size[1],
        cy=0.55 * size[0],
        width=size[1],
        height=size[0],
    )
    known = known if camera else None
    wanted = their_depth(theirs, rgb, known)
    with torch.inference_mode():
        found = UniK3DPrior(ours).predict(rgb, known).depth_B1HW
    seen = wanted > 0.0
    error = float(((found - wanted).abs() / wanted.abs().mean())[seen].max())
    print(
        f'{size[1]} x {size[0]}: {100.0 * float(seen.float().mean()):.1f} % in front, depth '
        f'{float(wanted[seen].min()):.3f} to {float(wanted.max()):.3f}, greatest difference '
        f'{error:.1e} of the mean'
    )
    assert float(seen.float().mean()) > 0.5
    assert float(wanted.std()) > 0.01 * float(wanted.mean()), 'a flat map would compare nothing'
    assert error < 1e-4


@pytest.mark.parametrize('kind', EXPECTED)
def test_the_numbers_of_the_ordinary_tests_are_the_authors(kind):
    ours, theirs = both(published('vits', TINY), TINY)
    camera = Intrinsics.from_fov(support.WIDTH, support.HEIGHT, 70.0) if kind else None
    depth = their_depth(theirs, support.image(), camera)
    print(f'{kind or "own rays"}: {[float(f"{value:.7g}") for value in numbers(depth)]}')
    found = UniK3DPrior(ours).predict(support.image(), camera).depth_B1HW
    torch.testing.assert_close(found.nan_to_num(0.0), depth.clamp_min(0.0), rtol=1e-4, atol=1e-4)
    assert numbers(depth) == pytest.approx(EXPECTED[kind], rel=1e-4)
