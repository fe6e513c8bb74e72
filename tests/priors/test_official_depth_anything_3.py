# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 as written here against its authors' code (``make official``)."""

import importlib
import os
from pathlib import Path
import sys
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors.depth_anything_3 import DepthAnything3Prior, with_sky
from depth_refiner_ros.priors.depth_anything_3_names import renamed
from depth_refiner_ros.priors.depth_anything_3_network import (
    ARCHITECTURES,
    DepthAnything3Network,
    METRIC,
)
from depth_refiner_ros.priors.stepped_rule import depth_anything_3
import numpy as np
import pytest
import torch

from tests.priors.official_depth_anything_3 import (
    official_shapes,
    patterned,
    TINY_ANY_VIEW,
    TINY_SINGLE,
)
from tests.priors.photograph import corridor
from tests.priors.test_depth_anything_3 import EXPECTED, golden

CHECKOUT = Path(sys.prefix) / 'depth_anything_3'
pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(
        not CHECKOUT.is_dir(), reason="needs the authors' code; run: make official"
    ),
]
SIZES = ((378, 504), (504, 280), (518, 518), (126, 504))


@pytest.fixture(scope='module', autouse=True)
def official():
    """Make the authors' code importable."""
    sys.path.insert(0, str(CHECKOUT / 'src'))
    os.environ['DA3_LOG_LEVEL'] = 'WARN'
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import depth_anything_3.model.da3
    yield depth_anything_3
    sys.path.remove(str(CHECKOUT / 'src'))


def published(name):
    """Build a network from the authors' own configuration."""
    from depth_anything_3.cfg import create_object, load_config
    from depth_anything_3.registry import MODEL_REGISTRY

    return create_object(load_config(MODEL_REGISTRY[name])).eval()


def tiny(one):
    """Build encoder and head of the authors with a tiny shape."""
    from depth_anything_3.model.da3 import DepthAnything3Net
    from depth_anything_3.model.dinov2.dinov2 import DinoV2
    from depth_anything_3.model.dinov2.vision_transformer import DinoVisionTransformer
    from depth_anything_3.model.dpt import DPT
    from depth_anything_3.model.dualdpt import DualDPT

    start, any_view = one.views_from, one.views_from is not None
    start = start if any_view else -1
    starts = {'alt_start': start, 'qknorm_start': start, 'rope_start': start}
    encoder = DinoV2('vits', list(one.taps), cat_token=any_view, **starts)
    encoder.pretrained = DinoVisionTransformer(
        img_size=518,
        patch_size=14,
        embed_dim=one.width,
        depth=one.layers,
        num_heads=one.heads,
        cat_token=any_view,
        **starts,
    )
    head = (DualDPT if any_view else DPT)(
        one.width * (2 if any_view else 1),
        output_dim=2 if any_view else 1,
        features=one.features,
        out_channels=one.levels,
    )
    return DepthAnything3Net(encoder, head).eval()


def needed(network):
    """Return the names and shapes of the authors' weights that depth depends on."""
    return {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if not name.startswith('cam_') and '_aux.' not in name
    }


def both(theirs, one):
    """Give both networks the same random weights."""
    shapes = needed(theirs)
    state = patterned(shapes)
    theirs.load_state_dict(state, strict=False)
    ours = DepthAnything3Network(one).eval()
    ours.load_state_dict(renamed(state))
    return ours.requires_grad_(False), theirs.requires_grad_(False)


def their_maps(network, pixels):
    """Run encoder and head of the authors on each image as the only view of its scene."""
    tokens, _ = network.backbone(pixels[:, None])
    maps = network.head(tokens, *pixels.shape[-2:], patch_start_idx=0)
    second = maps.get('sky', maps.get('depth_conf'))
    shape = (len(pixels), 1, *pixels.shape[-2:])
    return tokens, maps['depth'].reshape(shape), second.reshape(shape)


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_the_published_models_tensor_by_tensor(name):
    one = ARCHITECTURES[name]
    theirs = published(name)
    assert needed(theirs) == official_shapes(one), 'names and shapes of all weights'
    ours, theirs = both(theirs, one)
    count = sum(value.numel() for value in ours.parameters()) / 1e6
    total = sum(value.numel() for value in theirs.parameters()) / 1e6
    print(f'{name}: {count:.2f} M parameters of its {total:.2f} M')
    for size in SIZES if name != 'da3mono-large' else SIZES[:1]:
        pixels = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
        tokens, depth, second = their_maps(theirs, pixels)
        worst = 0.0
        for found, (wanted, _) in zip(ours.encoder(pixels), tokens, strict=True):
            difference = (found[:, 1:] - wanted[:, 0]).abs().max() / wanted.std()
            worst = max(worst, float(difference))
        found_depth, found_second = ours(pixels)
        errors = [(found_depth / depth - 1.0).abs().max(), (found_second - second).abs().max()]
        depth_error, second_error = (float(error) for error in errors)
        print(
            f'  {size[1]} x {size[0]}: tokens {worst:.1e} of their deviation, depth '
            f'{float(depth.min()):.3f} to {float(depth.max()):.3f}, relative {depth_error:.1e}, '
            f'{"sky" if ours.finds_sky else "confidence"} {second_error:.1e}'
        )
        assert float(depth.std()) > 0.01 * float(depth.mean()), 'a flat map would compare nothing'
        assert worst < 1e-4
        assert depth_error < 1e-4
        assert second_error < 1e-4 * max(1.0, float(second.max()))


@pytest.mark.parametrize('one', [TINY_ANY_VIEW, TINY_SINGLE], ids=['any-view', 'single'])
def test_the_numbers_of_the_ordinary_tests_are_the_authors(one):
    ours, theirs = both(tiny(one), one)
    kind = 'single' if ours.finds_sky else 'any-view'
    pixels = golden.pixels()
    _, depth, second = their_maps(theirs, pixels)
    found = golden.numbers(depth, second)
    print(f'{kind}: {[float(f"{value:.7g}") for value in found]}')
    assert found == pytest.approx(EXPECTED[kind], rel=1e-4)
    batch = torch.cat((pixels, pixels.flip(-1)))
    torch.testing.assert_close(ours(batch)[0], their_maps(theirs, batch)[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('size', [(480, 640), (1080, 1920), (640, 480), (300, 400), (333, 517)])
def test_the_input_is_that_of_the_authors(size):
    from depth_anything_3.utils.io.input_processor import InputProcessor

    rgb = corridor(*size)
    picture = (rgb[0].permute(1, 2, 0) * 255.0).round().to(torch.uint8).numpy()
    matrix = np.array([[600.0, 0.0, 320.0], [0.0, 610.0, 240.0], [0.0, 0.0, 1.0]])
    for short_side in (0, 280):
        how = {'process_res': 280, 'process_res_method': 'lower_bound_resize'}
        wanted, _, matrices = InputProcessor()(
            [picture], None, matrix[None], sequential=True, **(how if short_side else {})
        )
        found = depth_anything_3(short_side).prepare(
            torch.from_numpy(picture / 255.0).float().permute(2, 0, 1)[None]
        )
        levels = (found - wanted).abs() * torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1) * 255.0
        print(
            f'{size[1]} x {size[0]} to {wanted.shape[-1]} x {wanted.shape[-2]}: greatest '
            f'difference {float(levels.max()):.2f} of 255, mean {float(levels.mean()):.4f}'
        )
        assert found.shape == wanted.shape
        assert float(levels.max()) < 2.5
        assert float(levels.mean()) < 0.05
        seen = Intrinsics(fx=600.0, fy=610.0, cx=319.5, cy=239.5, width=size[1], height=size[0])
        seen = seen.resized(wanted.shape[-1], wanted.shape[-2])
        assert (seen.fx, seen.fy) == pytest.approx(tuple(np.diag(matrices[0])[:2]), rel=1e-5)


def test_metres_follow_the_focal_length_at_the_networks_input():
    """The nested model of the authors scales the metric one's output by its own intrinsics."""
    from depth_anything_3.model.utils.transform import pose_encoding_to_extri_intri
    from depth_anything_3.utils.alignment import apply_metric_scaling

    ours, theirs = both(published(METRIC), ARCHITECTURES[METRIC])
    rgb = corridor(480, 640)
    camera = Intrinsics(fx=525.0, fy=530.0, cx=319.5, cy=239.5, width=640, height=480)
    # Small: of more than 100,000 pixels beside the sky, theirs takes the quantile of a sample.
    rule = depth_anything_3(280)
    prior = DepthAnything3Prior(ours, metric=True, rule=rule)
    pixels = rule.prepare(rgb)
    _, raw, sky = their_maps(theirs, pixels)
    fields = 2.0 * np.arctan([240.0 / camera.fy, 320.0 / camera.fx])
    encoding = torch.tensor([[[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, *fields]]]).float()
    _, matrices = pose_encoding_to_extri_intri(encoding, pixels.shape[-2:])
    output = importlib.import_module('addict').Dict(depth=raw[:, 0], sky=sky[:, 0])
    filled = theirs._process_mono_sky_estimation(output).depth
    metres = apply_metric_scaling(filled[:, None], matrices)
    found = prior.predict(rgb, camera)
    wanted = rule.restore(metres, (480, 640))
    error = float((found.depth_B1HW / wanted - 1.0).abs().max())
    share = float(found.filled_B1HW.float().mean())
    print(
        f'focal length {float(matrices[0, 0, 0, 0]):.2f} px at the network, 525 px in the image; '
        f'{float(wanted.min()):.3f} to {float(wanted.max()):.3f} m, {100.0 * share:.1f} % sky, '
        f'greatest relative difference {error:.1e}'
    )
    assert 0.05 < share < 0.95
    assert error < 1e-4


def test_the_sky_gets_the_authors_depth():
    theirs = tiny(TINY_SINGLE)
    generator = torch.Generator().manual_seed(0)
    depth = 1.0 + 9.0 * torch.rand(1, 1, 140, 196, generator=generator)
    sky = torch.zeros_like(depth)
    sky[..., :40, :] = 0.3
    sky[..., 40:50, :] = 0.2999
    maps = importlib.import_module('addict').Dict(depth=depth[:, 0], sky=sky[:, 0])
    wanted = theirs._process_mono_sky_estimation(maps).depth
    found, where = with_sky(depth, sky)
    torch.testing.assert_close(found[:, 0], wanted)
    assert int(where.sum()) == 40 * 196
