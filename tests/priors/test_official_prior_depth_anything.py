# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Prior Depth Anything as written here against its authors' code (``make official``).

That code needs a GPU and the compiled package torch_cluster, of which it takes the search for the
nearest points. Here it runs on the CPU, and finds them by the search of this package, as several
points may be equally far away; an ordinary test compares that one with all distances. Left out,
but where a test prints what they do, are the noise that it adds to the relative map before each
fit, 1e-5 at most, and the single precision of its least squares.
"""

from contextlib import nullcontext
from pathlib import Path
import sys
from types import ModuleType, SimpleNamespace
import warnings

from depth_refiner_ros.priors import prior_depth_anything
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.prior_depth_anything import PriorDepthAnythingPrior
from depth_refiner_ros.priors.prior_depth_anything_alignment import align, Aligned, by_all, nearest
from depth_refiner_ros.priors.prior_depth_anything_names import renamed
from depth_refiner_ros.priors.prior_depth_anything_network import PriorDepthAnythingNetworks
import pytest
import torch

from tests.priors import official_prior_depth_anything as support
from tests.priors.official_prior_depth_anything import points_m, sloping_m, TINY
from tests.priors.photograph import corridor
from tests.priors.test_prior_depth_anything import EXPECTED, numbers

CHECKOUT = Path(sys.prefix) / 'prior_depth_anything'
VERSIONS = {'mask': ('1.1', support.FINE), 'error': ('1.0', support.OLD_FINE)}
pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(
        not CHECKOUT.is_dir(), reason="needs the authors' code; run: make official"
    ),
]


def found_points(x, y, k, batch_x, batch_y):
    """Return what ``torch_cluster.knn`` does of one image: for each of y the nearest of x."""
    assert not batch_x.any()
    assert k == 5
    columns, rows = (1 + int(torch.cat((x, y))[:, axis].max()) for axis in (0, 1))
    known = torch.zeros(rows, columns, dtype=torch.bool)
    known[x[:, 1].long(), x[:, 0].long()] = True
    index, _ = nearest(known)
    return torch.stack((torch.arange(len(y)).repeat_interleave(k), index.flatten()))


@pytest.fixture(scope='module', autouse=True)
def official():
    """Make the authors' code importable, and able to run without a GPU."""
    cluster = ModuleType('torch_cluster')
    cluster.knn = found_points
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, 'torch_cluster', cluster)
        patch.setattr(torch.cuda, 'device', lambda device: nullcontext())
        patch.syspath_prepend(str(CHECKOUT))
        yield


SOLVE = torch.linalg.lstsq


@pytest.fixture
def exact(monkeypatch):
    """Take noise and single precision out of the authors' least squares and their weights."""
    from prior_depth_anything.depth_completion import DepthCompletion

    weighted = DepthCompletion.perform_weighted
    monkeypatch.setattr(
        DepthCompletion,
        'perform_weighted',
        lambda self, *parts: weighted(self, *(part.double() for part in parts)),
    )
    monkeypatch.setattr(torch, 'rand', torch.zeros)
    monkeypatch.setattr(
        torch.linalg, 'lstsq', lambda a, b: (SOLVE(a.double(), b.double()).solution.float(),)
    )


def published(folder, one, condition='mask'):
    """Build the authors' own pipeline from files of weights."""
    from prior_depth_anything import PriorDepthAnything

    version, file = VERSIONS[condition]
    support.published(folder, one, fine=file)
    return PriorDepthAnything(
        device='cpu',
        version=version,
        mde_dir=str(folder),
        ckpt_dir=str(folder),
        frozen_model_size='vits',
        conditioned_model_size='vits',
    ).eval()


def shrink(monkeypatch):
    """Give the authors' small networks the tiny shape."""
    from prior_depth_anything import depth_anything_v2
    from prior_depth_anything.depth_anything_v2 import dpt
    from prior_depth_anything.depth_anything_v2.dinov2 import DinoVisionTransformer

    def encoder(model_name):
        return DinoVisionTransformer(
            img_size=518,
            patch_size=14,
            embed_dim=TINY.width,
            depth=TINY.layers,
            num_heads=TINY.heads,
            init_values=1.0,
            block_chunks=0,
        )

    sizes = {'encoder': 'vits', 'features': TINY.features, 'out_channels': list(TINY.levels)}
    monkeypatch.setattr(dpt, 'DINOv2', encoder)
    monkeypatch.setitem(depth_anything_v2.model_configs, 'vits', sizes)


def ours(one, condition='mask'):
    networks = PriorDepthAnythingNetworks(one, one)
    relative, fine = map(renamed, support.weights(one))
    networks.relative.load_state_dict(relative)
    networks.fine.load_state_dict(fine)
    networks.eval().requires_grad_(False)
    return PriorDepthAnythingPrior(networks.relative, networks.fine, condition=condition)


def their_depth(pipeline, rgb, sensor_m):
    """Run the authors' entry point, which takes 0 for unknown depth."""
    image = (rgb[0] * 255.0).round().byte().permute(1, 2, 0).numpy()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that measured depth is kept
        depth = pipeline.infer_one_sample(image, sensor_m[0, 0].nan_to_num(0.0).numpy())
    return depth[None, None]


@pytest.mark.parametrize('size', ['small', 'base', 'large'])
def test_names_and_shapes_of_all_weights(size):
    from prior_depth_anything.depth_anything_v2 import build_backbone

    letters, one = f'vit{size[0]}', ARCHITECTURES[size]
    for conditions, shapes in ((-1, support.relative_shapes), (3, support.fine_shapes)):
        network = build_backbone(letters, encoder_cond_dim=conditions)
        if conditions > 0:
            network.construct_aux_layers()
        theirs = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        assert theirs == shapes(one)
        millions = sum(torch.Size(shape).numel() for shape in theirs.values()) / 1e6
        print(f'{size}: {millions:.2f} M parameters')


@pytest.mark.parametrize(
    ('size', 'measured', 'condition'),
    [
        ((480, 640), 'points', 'mask'),
        ((480, 640), 'holes', 'mask'),
        ((270, 480), 'low', 'error'),
        ((480, 360), 'points', 'error'),
    ],
)
def test_depth_at_true_size(tmp_path, monkeypatch, exact, size, measured, condition):
    """
    Compare stage by stage, each on what theirs was given.

    A difference of rounding between the relative maps grows where the measured pixels around a
    pixel have nearly the same relative disparity, as its line is steep there.
    """
    pipeline = published(tmp_path, ARCHITECTURES['small'], condition)
    relative = kept(monkeypatch, pipeline.completion, 'preprocess', lambda found: found[0])
    maps = kept(
        monkeypatch,
        pipeline.completion,
        'forward',
        lambda found: Aligned(
            globally_B1HW=found['global_preds'][:, None],
            nearby_B1HW=found['scaled_preds'][:, None],
        ),
    )
    rgb = (corridor(*size) * 255.0).round() / 255.0
    sensor_m = {
        'points': points_m(0.01, *size),
        'low': sloping_m(60, 80),
        'holes': sloping_m(*size),
    }[measured]
    if measured == 'holes':
        sensor_m[..., 100:300, 200:420] = torch.nan
    wanted = their_depth(pipeline, rgb, sensor_m)
    seen = []

    def theirs(mine_B1HW, measured_B1HW):
        seen.append((mine_B1HW, measured_B1HW))
        return maps[0]

    prior = ours(ARCHITECTURES['small'], condition)
    with torch.inference_mode():
        found = prior.predict(rgb, None, sensor_m).depth_B1HW
        monkeypatch.setattr(prior_depth_anything, 'align', theirs)
        of_same_maps = prior.predict(rgb, None, sensor_m).depth_B1HW
    [(mine, inverse_m)] = seen
    aligned = align(relative[0][:, None], inverse_m)
    off = {
        'relative': share_off(mine[:, 0], relative[0]),
        'global line': share_off(aligned.globally_B1HW, maps[0].globally_B1HW),
        'lines of 5': share_off(aligned.nearby_B1HW, maps[0].nearby_B1HW),
        'depth': share_off(of_same_maps, wanted),
        'all together': share_off(found, wanted),
    }
    print(
        f'{size[1]} x {size[0]}, {int(sensor_m.isfinite().sum())} {measured}, {condition}: depth '
        f'{float(wanted.min()):.3f} to {float(wanted.max()):.3f}, greatest difference as share of '
        f'the mean: {", ".join(f"{name} {value:.1e}" for name, value in off.items())}'
    )
    assert float(found.isfinite().float().mean()) > 0.9
    assert float(wanted.std()) > 0.01 * float(wanted.mean()), 'a flat map would compare nothing'
    assert max(off[name] for name in ('relative', 'global line', 'lines of 5', 'depth')) < 1e-5


def kept(monkeypatch, owner, method, part):
    """Return a list to which each call of a method adds a part of what it returns."""
    parts, run = [], getattr(owner, method)

    def ran(*arguments, **named):
        found = run(*arguments, **named)
        parts.append(part(found))
        return found

    monkeypatch.setattr(owner, method, ran)
    return parts


def share_off(found, wanted):
    """Return the greatest difference where a value was found, as share of the mean."""
    return float(((found - wanted).abs() / wanted.mean())[found.isfinite()].max())


@pytest.mark.parametrize('condition', VERSIONS)
def test_the_numbers_of_the_ordinary_tests_are_the_authors(
    tmp_path, monkeypatch, exact, condition
):
    shrink(monkeypatch)
    depth = their_depth(published(tmp_path, TINY, condition), support.image(), points_m(0.05))
    print(f'{condition}: {[float(f"{value:.7g}") for value in numbers(depth)]}')
    found = ours(TINY, condition).predict(support.image(), None, points_m(0.05)).depth_B1HW
    torch.testing.assert_close(found, depth, rtol=1e-4, atol=1e-4)
    assert numbers(depth) == pytest.approx(EXPECTED[condition], rel=1e-4)


def test_their_noise_changes_little(tmp_path, monkeypatch):
    shrink(monkeypatch)
    depth = their_depth(published(tmp_path, TINY), support.image(), points_m(0.05))
    found = ours(TINY).predict(support.image(), None, points_m(0.05)).depth_B1HW
    error = float((found - depth).abs().max() / depth.mean())
    print(f'with noise, in single precision: greatest difference {error:.1e} of the mean')
    assert 0.0 < error < 0.01


def test_least_squares_of_many_pixels_are_theirs_in_double_precision():
    from prior_depth_anything.depth_completion import DepthCompletion

    size = (480, 640)
    relative = corridor(*size).mean(dim=1)[0] + 5.0
    measured = sloping_m(*size)[0, 0].reciprocal()
    theirs = DepthCompletion.ss_completer

    def off(dtype):
        holder = SimpleNamespace(
            device='cpu',
            global_aligns=lambda **given: DepthCompletion.global_aligns(None, **given),
            calc_scale_shift=lambda **given: DepthCompletion.calc_scale_shift(holder, **given),
        )
        maps = {'sparse_disparities': measured, 'pred_disparities': relative}
        masks = torch.ones(1, *size, dtype=torch.bool)
        aligned = theirs(
            holder, **{name: one.to(dtype)[None] for name, one in maps.items()}, sparse_masks=masks
        )
        return float((by_all(relative, measured) - aligned[0]).abs().max())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, 'rand', torch.zeros)
        single, double = off(torch.float32), off(torch.float64)
    print(f'fit of {size[0] * size[1]} pixels: greatest difference from theirs {double:.1e} 1/m')
    print(f'  where they solve it in single precision, as they do: {single:.1e} 1/m')
    assert double < 1e-5
