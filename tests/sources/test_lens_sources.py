# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sources of images of a lens: kept as they are where asked for, else rectified."""

from dataclasses import replace

import cv2
from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.bags.messages import MessageMaker
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.published import PublishedSettings
from depth_refiner_ros.sources.images import ImageFolderSource
from depth_refiner_ros.sources.rectify import camera_of, Rectifier
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.ros.bag import RosbagSource
from depth_refiner_ros.sources.ros.bag_files import usual_types
import numpy as np
import pytest
import torch

from tests.sources.ros import bags
from tests.sources.videos import write_video

K4 = (0.01, -0.003, 0.0004, -0.0001)
MATRIX = Intrinsics(fx=10.0, fy=10.2, cx=15.8, cy=11.7, width=32, height=24)
LENS = Lens(model='equidistant', matrix=MATRIX, coefficients=K4, view=MATRIX)
FILE = f"""width: 32
height: 24
fx: 10.0
fy: 10.2
cx: 15.8
cy: 11.7
distortion_model: equidistant
distortion: {list(K4)}
"""
START = 1_000_000_000
RGB = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


def kept(lens):
    return True


def fisheye_bag(path, model='equidistant', d=K4, k=(10.0, 10.2, 15.8, 11.7)):
    depth = np.full((24, 32), 2000, np.uint16)
    info = bags.camera_info(START, 32, 24, k, d=d, model=model)
    messages = [
        ('/image_raw', START, bags.image(START, RGB, 'rgb8')),
        ('/depth', START, bags.image(START, depth, '16UC1')),
        ('/info', START, info),
    ]
    return bags.write_bag(path / 'bag', messages)


def test_a_bag_of_a_fisheye_lens_is_kept_and_its_depth_becomes_distance(tmp_path):
    lines = []
    (frame,) = RosbagSource(fisheye_bag(tmp_path), keep=kept, log=lines.append)
    assert (frame.lens, frame.intrinsics, frame.camera) == (LENS, None, LENS)
    np.testing.assert_array_equal(frame.rgb_HW3, RGB)
    ahead_HW = LENS.rays()[2]
    wanted_m_HW = np.where(ahead_HW > 0.02, 2.0 / ahead_HW, np.nan)
    assert 0.1 < np.isnan(wanted_m_HW).mean() < 0.5
    np.testing.assert_allclose(frame.depth_m_HW, wanted_m_HW, rtol=1e-6)
    assert (
        lines[-1]
        == 'images of /image_raw are 182 deg across (equidistant); using them as they are'
    )
    (rectified,) = RosbagSource(tmp_path / 'bag')
    assert (rectified.lens, rectified.intrinsics) == (None, MATRIX)
    assert not np.array_equal(rectified.rgb_HW3, RGB)


def test_a_bag_may_hold_panoramas(tmp_path):
    bag = fisheye_bag(tmp_path, model='equirectangular', d=(), k=(0.0,) * 4)
    (frame,) = RosbagSource(bag, keep=kept)
    assert frame.lens == Lens.panorama(32, 24)
    (ahead,) = RosbagSource(bag)
    assert ahead.intrinsics == Intrinsics.from_fov(8, 8, 90.0)
    assert ahead.rgb_HW3.shape == (8, 8, 3)


def test_messages_of_a_lens_are_its_pinhole_view_and_a_cloud_of_all_around():
    types = usual_types()
    maker = MessageMaker(types, PublishedSettings(), clouds=True)
    distance_m_HW = torch.full((24, 32), 2.0)
    depth, info, points = (
        types.deserialize_cdr(data, kind)
        for data, kind in zip(
            maker.messages(bags.header(START), LENS, RGB, distance_m_HW),
            ('Image', 'CameraInfo', 'PointCloud2'),
            strict=False,
        )
        for kind in [f'sensor_msgs/msg/{kind}']
    )
    assert (depth.width, depth.height, info.k[0], info.distortion_model) == (
        32,
        24,
        10.0,
        'plumb_bob',
    )
    depth_m_HW = depth.data.view(np.float32).reshape(24, 32)
    assert depth_m_HW[12, 16] == pytest.approx(2.0, rel=0.01)
    assert depth_m_HW[12, 31] == pytest.approx(2.0 * 10.0 / np.hypot(10.0, 15.2), rel=0.05)
    points_m_HW3 = points.data.view(np.float32).reshape(24, 32, 4)[..., :3]
    np.testing.assert_allclose(points_m_HW3, 2.0 * LENS.rays().transpose(1, 2, 0), rtol=1e-5)


@pytest.mark.parametrize('out_of_range', ['inf', 'zero'])
def test_what_a_lens_does_not_show_is_unknown_as_the_settings_say(out_of_range):
    types, wide = usual_types(), Intrinsics.from_fov(32, 24, 170.0)
    published = PublishedSettings(out_of_range=out_of_range)
    maker = MessageMaker(types, published, clouds=False)
    header, lens = bags.header(START), replace(LENS, view=wide)
    image = maker.messages(header, lens, RGB, torch.full((24, 32), 2.0))[0]
    depth = types.deserialize_cdr(image, 'sensor_msgs/msg/Image').data.view(np.float32)
    shown_HW = np.isfinite(depth.reshape(24, 32)) & (depth.reshape(24, 32) > 0)
    assert shown_HW[12, 16]
    assert not shown_HW[0, 16]
    assert np.array_equal(
        depth[~shown_HW.ravel()],
        np.full((~shown_HW).sum(), published.unknown_m, np.float32),
        equal_nan=True,
    )


@pytest.fixture
def folder(tmp_path):
    cv2.imwrite(str(tmp_path / 'one.png'), RGB[..., ::-1])
    (tmp_path / 'camera.yaml').write_text(FILE)
    return tmp_path


def test_images_take_their_camera_from_a_file(folder):
    file = str(folder / 'camera.yaml')
    (frame,) = open_source(str(folder), camera_file=file, keep=kept)
    assert frame.camera == LENS
    np.testing.assert_array_equal(frame.rgb_HW3, RGB)
    (rectified,) = open_source(str(folder / 'one.png'), camera_file=file)
    assert rectified.camera == MATRIX
    assert not np.array_equal(rectified.rgb_HW3, RGB)
    cv2.imwrite(str(folder / 'one.png'), np.zeros((48, 64, 3), np.uint8))
    (larger,) = ImageFolderSource(folder, camera_file=file, keep=kept)
    assert larger.lens == LENS.resized(64, 48)


def test_a_panorama_has_a_file_of_its_size_alone(folder):
    (folder / 'camera.yaml').write_text(
        'width: 32\nheight: 24\ndistortion_model: equirectangular\ndown_deg: 120\n'
    )
    (frame,) = ImageFolderSource(folder, camera_file=str(folder / 'camera.yaml'), keep=kept)
    assert frame.lens == Lens.panorama(32, 24, 360.0, 120.0)


def test_a_video_takes_its_camera_from_a_file(folder):
    video = write_video(folder / 'drive.mkv', (0, 33))
    file = folder / 'camera.yaml'
    file.write_text(FILE.replace('width: 32', 'width: 64').replace('height: 24', 'height: 48'))
    frames = list(open_source(str(video), camera_file=str(file), keep=kept))
    wanted = replace(MATRIX, width=64, height=48)
    assert [frame.camera.matrix for frame in frames] == [wanted, wanted]
    rectified = next(iter(open_source(str(video), camera_file=str(file))))
    assert rectified.camera == wanted


PINCUSHION = (0.3, 0.0, 0.0, 0.0)
BLACK_CORNERS = FILE.replace('equidistant', 'plumb_bob').replace(
    str(list(K4)), str(list(PINCUSHION))
)


@pytest.mark.parametrize('kind', ['bag', 'tum', 'image', 'video'])
def test_no_depth_is_guessed_where_a_rectified_image_shows_nothing(folder, kind):
    matrix, text = MATRIX, BLACK_CORNERS
    if kind == 'video':
        matrix = replace(MATRIX, width=64, height=48)
        text = text.replace('width: 32', 'width: 64').replace('height: 24', 'height: 48')
    camera = folder / 'camera.yaml'
    camera.write_text(text)
    if kind == 'bag':
        source = fisheye_bag(folder, model='plumb_bob', d=PINCUSHION)
    elif kind == 'video':
        source = write_video(folder / 'drive.mkv', (0, 33))
    elif kind == 'image':
        source = folder / 'one.png'
    else:
        source = folder
        camera.rename(folder / 'calibration.yaml')
        (folder / 'rgb.txt').write_text('1.0 one.png\n')
    file = str(camera) if kind in ('image', 'video') else ''
    frame = next(iter(open_source(str(source), camera_file=file)))
    seen_HW = Rectifier(camera_of(matrix, PINCUSHION)).seen_HW
    assert 0.2 < seen_HW.mean() < 0.9
    np.testing.assert_array_equal(frame.seen_HW, seen_HW)
    settings = ModelSettings(refiner='none', fill_holes=True)
    depths = infer(DepthRefiner.from_settings(settings), settings, frame)
    np.testing.assert_array_equal(np.isfinite(depths.refined_m_HW), seen_HW)
    np.testing.assert_array_equal(np.isfinite(depths.prior_m_HW), seen_HW)
    np.testing.assert_array_equal(depths.confidence_HW > 0, seen_HW)


def test_a_camera_file_without_effect_or_place_is_named(folder, tmp_path):
    with pytest.raises(SourceError, match=r'no calibration nowhere\.yaml; correct camera_file'):
        open_source(str(folder), camera_file='nowhere.yaml')
    with pytest.raises(
        SourceError, match=r"has its own camera, so camera_file = 'a\.yaml' has no"
    ):
        open_source('sim:1', camera_file='a.yaml')
