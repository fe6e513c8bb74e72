# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""UniK3D as written here against its authors' code (``make official``)."""

import json
from pathlib import Path
import sys
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.priors.unik3d import UniK3DPrior
from depth_refiner_ros.priors.unik3d_camera import lens_rays
from depth_refiner_ros.priors.unik3d_names import renamed
from depth_refiner_ros.priors.unik3d_network import ARCHITECTURES, UniK3DNetwork
import pytest
import torch

from tests.priors import official_unik3d as support
from tests.priors.official_unik3d import CAMERAS, fisheye, official_shapes, TINY
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


def their_camera(camera):
    """Return the authors' camera, whose principal point counts from the corner of a pixel."""
    from unik3d.utils.camera import Fisheye624, OPENCV, Pinhole, Spherical

    if isinstance(camera, Intrinsics):
        matrix = torch.from_numpy(camera.matrix()).float()[None]
        matrix[:, :2, 2] += 0.5
        return Pinhole(K=matrix)
    matrix = camera.matrix
    first = [matrix.fx, matrix.fy, matrix.cx + 0.5, matrix.cy + 0.5]
    if camera.model == 'equirectangular':
        halves = [0.5 * matrix.width / matrix.fx, 0.5 * matrix.height / matrix.fy]
        return Spherical(torch.tensor([1.0] * 4 + [matrix.width, matrix.height] + halves))
    if camera.model == 'equidistant':
        return Fisheye624(torch.tensor([*first, *camera.coefficients, *([0.0] * 8)]))
    k1, k2, p1, p2, k3 = camera.coefficients
    return OPENCV(torch.tensor([*first, k1, k2, k3, 0, 0, 0, p1, p2, 0, 0, 0, 0]))


def their_maps(network, rgb, camera=None, **given):
    """Run the authors' ``infer``."""
    lens = None if camera is None else their_camera(camera)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return network.infer((rgb * 255.0).round(), lens, **given)


def their_depth(network, rgb, camera):
    """Return the authors' distance for a lens, their depth for other cameras."""
    kind = 'distance' if isinstance(camera, Lens) else 'depth'
    return their_maps(network, rgb, camera)[kind]


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


SIZE = (490, 644)
"""At which the network sees images as they are."""
MATRIX = Intrinsics(fx=190.0, fy=191.0, cx=318.2, cy=241.1, width=644, height=490)
LENSES = {
    'fisheye of 192 deg': fisheye(MATRIX, 0.01, -0.003, 0.0004, -0.0001),
    'panorama': Lens.panorama(644, 490),
    'plumb_bob': Lens(
        model='plumb_bob',
        matrix=Intrinsics(fx=500.0, fy=505.0, cx=318.2, cy=241.1, width=644, height=490),
        coefficients=(-0.3, 0.1, 0.0, 0.0, 0.0),
        view=MATRIX,
    ),
}


@pytest.mark.parametrize('kind', LENSES)
def test_distance_along_given_rays_at_true_size(kind):
    ours, theirs = both(published('vits'), ARCHITECTURES['vits'])
    lens, rgb = LENSES[kind], (corridor(*SIZE) * 255.0).round() / 255.0
    wanted = their_maps(theirs, rgb, rays=torch.tensor(lens.rays()))['distance']
    with torch.inference_mode():
        found = UniK3DPrior(ours).predict(rgb, lens).depth_B1HW
    error = float(((found - wanted).abs() / wanted.mean()).max())
    print(
        f'{kind}: distance {float(wanted.min()):.3f} to {float(wanted.max()):.3f}, greatest '
        f'difference {error:.1e} of the mean'
    )
    assert float(wanted.std()) > 0.01 * float(wanted.mean()), 'a flat map would compare nothing'
    assert error < 1e-4


@pytest.mark.parametrize(
    ('kind', 'most'),
    # Their search for the ray of a lens ends at an error of 1e-3, and beyond 180 degrees a fisheye
    # has none. Their panorama has a whole turn between its first and last column, and counts
    # from the corner of a pixel: a pixel is 0.01. The tangential terms of their OPENCV are not
    # those of OpenCV, so there are none here.
    [('fisheye of 192 deg', 1e-3), ('panorama', 0.012), ('plumb_bob', 1.5e-3)],
)
def test_rays_of_lenses_are_the_authors(kind, most):
    lens = LENSES[kind]
    wanted = their_camera(lens).get_rays((1, *SIZE))
    found = lens_rays(lens, SIZE, 1.0, 0, 0, wanted.device)
    compared = found[:, 2:] > 0.05 if lens.model == 'equidistant' else found[:, 2:] < 2.0
    error = float(((found - wanted).norm(dim=1, keepdim=True))[compared].max())
    print(f'{kind}: greatest difference of a ray {error:.1e}')
    assert error < most


@pytest.mark.parametrize('kind', EXPECTED)
def test_the_numbers_of_the_ordinary_tests_are_the_authors(kind):
    ours, theirs = both(published('vits', TINY), TINY)
    camera = CAMERAS[kind]
    depth = their_depth(theirs, support.image(), camera)
    print(f'{kind or "own rays"}: {[float(f"{value:.7g}") for value in numbers(depth)]}')
    found = UniK3DPrior(ours).predict(support.image(), camera).depth_B1HW
    torch.testing.assert_close(found.nan_to_num(0.0), depth.clamp_min(0.0), rtol=1e-4, atol=1e-4)
    assert numbers(depth) == pytest.approx(EXPECTED[kind], rel=1e-4)
