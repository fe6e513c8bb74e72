# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of fisheye lenses and panoramas as they are: depth along rays, cloud and pinhole view."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.priors.base import LensPrior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.unik3d import UniK3DPrior
from depth_refiner_ros.refiner.checks import kept_lenses
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import LENS_PRIORS, ModelSettings
from depth_refiner_ros.sources.rectify import view_of
from depth_refiner_ros.sources.simulated.render.renderer import RoomRenderer
from depth_refiner_ros.sources.simulated.source import SimulatedSource
import numpy as np
import open3d as o3d
import pytest
import torch

MATRIX = Intrinsics(fx=48.0, fy=48.5, cx=79.0, cy=60.5, width=160, height=120)
FISHEYE = Lens(
    model='equidistant',
    matrix=MATRIX,
    coefficients=(0.01, -0.003, 0.0004, -0.0001),
    view=Intrinsics.from_fov(120, 90, 90.0),
)
BENT = Lens(model='plumb_bob', matrix=MATRIX, coefficients=(-0.1, 0.0, 0.0, 0.0), view=MATRIX)
LENSES = {'fisheye of 191 deg': FISHEYE, 'panorama': Lens.panorama(160, 80)}


@pytest.fixture(scope='module')
def room():
    source = SimulatedSource(seed=900009, frames=1)
    return source, RoomRenderer(source.room), source.poses[0]


def sensor_only() -> DepthRefiner:
    return DepthRefiner.load(prior='sensor', refiner='none', device='cpu')


@pytest.mark.parametrize('kind', LENSES)
def test_points_lie_on_the_true_surfaces_all_around(room, kind):
    source, renderer, map_from_camera = room
    lens = LENSES[kind]
    seen = renderer.render(lens, map_from_camera)
    rgb_HW3 = np.zeros((lens.height, lens.width, 3), np.uint8)
    found_m_HW = sensor_only()(rgb_HW3, lens, sensor_depth_m_HW=seen.depth_m_HW)
    cloud = CloudBuilder(lens).build(torch.from_numpy(found_m_HW), torch.from_numpy(rgb_HW3))
    points_m_N3 = cloud[..., :3].reshape(-1, 3).numpy()
    points_m_N3 = points_m_N3[np.isfinite(points_m_N3[:, 2])]
    assert len(points_m_N3) > 0.95 * lens.width * lens.height
    assert (points_m_N3[:, 2] < 0.0).mean() > 0.05, 'some of the room is behind the camera'
    in_room_m_N3 = points_m_N3 @ map_from_camera[:3, :3].T + map_from_camera[:3, 3]
    vertices_m_N3, triangles_M3 = source.mesh()
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(vertices_m_N3.astype(np.float32)),
        o3d.core.Tensor(triangles_M3.astype(np.uint32)),
    )
    off_m_N = scene.compute_distance(o3d.core.Tensor(in_room_m_N3.astype(np.float32))).numpy()
    print(f'{kind}: {len(off_m_N)} points, at most {1e6 * off_m_N.max():.1f} um off')
    # Embree meets some edges a few mm off, of rays of a pinhole camera just as often.
    assert np.quantile(off_m_N, 0.99) < 2e-5
    assert off_m_N.max() < 5e-3


def test_the_pinhole_view_is_what_a_pinhole_camera_sees(room):
    _, renderer, map_from_camera = room
    for lens in LENSES.values():
        view = view_of(lens)
        found_m_HW = view.depth(renderer.depth(lens, map_from_camera))
        wanted_m_HW = renderer.depth(view.camera, map_from_camera)
        assert found_m_HW.shape == (view.camera.height, view.camera.width)
        # It takes the nearest pixel, and there are one or two degrees from one to the next.
        assert np.nanmedian(np.abs(found_m_HW / wanted_m_HW - 1.0)) < 0.02


def test_the_pinhole_view_of_a_pinhole_camera_is_its_image():
    depth_m_HW = np.ones((120, 160), np.float32)
    view = view_of(MATRIX)
    assert view.camera == MATRIX
    assert view.depth(depth_m_HW) is depth_m_HW


def test_what_the_lens_does_not_show_has_no_depth_and_no_confidence_in_the_view():
    wide = Lens(
        model='equidistant',
        matrix=MATRIX,
        coefficients=(-0.02, 0.003, -0.001, 0.0),
        view=Intrinsics.from_fov(120, 90, 160.0),
    )
    view = view_of(wide)
    depth_m_HW = view.depth(np.full((120, 160), 2.0, np.float32))
    assert depth_m_HW[45, 60] == pytest.approx(2.0, abs=0.05)
    confidence_HW = view.confidence(np.ones((120, 160), np.float32))
    np.testing.assert_array_equal(confidence_HW > 0.0, np.isfinite(depth_m_HW))
    assert 0.02 < np.isnan(depth_m_HW).mean() < 0.5


def test_priors_that_take_lenses_are_those_of_the_table():
    built = [build_prior(name) for name in LENS_PRIORS if name != 'unik3d']
    assert all(isinstance(prior, LensPrior) for prior in (*built, UniK3DPrior(torch.nn.ReLU())))
    assert not isinstance(build_prior('bundled'), LensPrior)


def test_other_priors_refuse_a_lens_by_name():
    refiner = DepthRefiner.load(refiner='none', device='cpu')
    words = r'BundledPrior takes images of a pinhole camera, not of a lens \(equidistant\); rect'
    with pytest.raises(InputError, match=words):
        refiner(np.zeros((120, 160, 3), np.uint8), FISHEYE)


@pytest.mark.parametrize(
    ('prior', 'scale_prior', 'rectify', 'kept'),
    [
        ('unik3d', 'none', 'auto', (True, False)),
        ('unik3d', 'sensor', 'auto', (True, False)),
        ('unik3d', 'bundled', 'auto', (False, False)),
        ('unik3d', 'none', 'always', (False, False)),
        ('unik3d', 'none', 'never', (True, True)),
        ('sensor', 'none', 'auto', (False, False)),
        ('sensor', 'none', 'never', (True, True)),
        ('bundled', 'none', 'auto', (False, False)),
    ],
)
def test_which_lenses_are_kept(prior, scale_prior, rectify, kept):
    keep = kept_lenses(ModelSettings(prior=prior, scale_prior=scale_prior), rectify)
    assert (keep(FISHEYE), keep(BENT)) == kept
    assert keep(LENSES['panorama']) == kept[0]


@pytest.mark.parametrize(
    ('priors', 'name'),
    [({}, 'bundled'), ({'prior': 'unik3d', 'scale_prior': 'zoedepth'}, 'zoedepth')],
)
def test_priors_that_need_rectified_images_are_named(priors, name):
    with pytest.raises(SettingsError, match=f'rectify = never, but prior {name} takes rectified'):
        kept_lenses(ModelSettings(**priors), 'never')
