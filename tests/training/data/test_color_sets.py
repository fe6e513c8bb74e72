# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets of color images: which are found, and their cameras."""

import io
import math

from depth_refiner_ros.core.errors import SourceError
import numpy as np
from PIL import ExifTags, Image
import pytest

from tests.training.data.trees import rgb, write_rgb, write_text


def pinhole(sample):
    camera = sample.intrinsics
    return camera.fx, camera.fy, camera.cx, camera.cy


def test_images_come_in_natural_order_without_companions(open_tree, names_of):
    assert names_of(open_tree('images')) == ['IMG_2.png', 'IMG_10.png', 'more/a.jpg']
    assert open_tree('images')[0].intrinsics is None


def test_an_image_is_turned_and_its_camera_is_that_of_its_exif(open_tree, tmp_path):
    open_tree('images')
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # a quarter turn
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 26
    data = io.BytesIO()
    Image.fromarray(rgb(16, 12)).save(data, 'JPEG', exif=exif)
    (tmp_path / 'set/IMG_1.jpg').write_bytes(data.getvalue())
    sample = open_tree('images')[0]
    assert sample.rgb_HW3.shape == (16, 12, 3)
    assert sample.intrinsics.fx == pytest.approx(26.0 / math.hypot(36, 24) * math.hypot(16, 12))


def test_a_16_bit_image_does_not_depend_on_those_before_it(open_tree, tmp_path):
    import cv2

    samples = open_tree('images')
    assert cv2.imwrite(str(tmp_path / 'set/IMG_2.png'), np.full((12, 16), 1023, np.uint16))
    assert cv2.imwrite(str(tmp_path / 'set/IMG_10.png'), np.full((12, 16), 65535, np.uint16))
    assert samples[1].rgb_HW3.max() == 255
    assert samples[0].rgb_HW3.max() == 255


def test_a_folder_without_images_is_refused(open_tree, tmp_path):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set' / 'a.txt').write_text('x')
    with pytest.raises(SourceError, match='contains no image'):
        open_tree('images')


def test_argoverse_ring_cameras_of_a_part(open_tree, names_of):
    samples = open_tree('argoverse2', split='val')
    assert names_of(samples) == [
        f'val/log-b/sensors/cameras/ring_front_center/{stamp}.jpg' for stamp in (315, 316)
    ]
    assert pinhole(samples[0]) == (14.0, 15.0, 5.0, 7.0)
    assert len(open_tree('argoverse2')) == 4


def test_waymo_cameras_by_the_end_of_the_name(open_tree):
    samples = open_tree('waymo')
    assert len(samples) == 4
    assert [pinhole(samples[index])[0] for index in range(2)] == [20.0, 21.0]


def test_pandaset_cameras(open_tree):
    assert pinhole(open_tree('pandaset')[3]) == (18.0, 19.0, 8.0, 6.0)


def test_arkitscenes_takes_the_largest_images(open_tree, tmp_path, names_of):
    assert pinhole(open_tree('arkitscenes')[0]) == (13.5, 13.25, 7.75, 6.0)
    assert len(open_tree('arkitscenes', split='validation')) == 2
    video = tmp_path / 'set/Training/40753679'
    write_rgb(video / 'vga_wide/40753679_1.5.png', 32, 24)
    write_text(video / 'vga_wide_intrinsics/40753679_1.5.pincam', '32 24 27 27 16 12')
    assert names_of(open_tree('arkitscenes')) == ['Training/40753679/vga_wide/40753679_1.5.png']


def test_taskonomy_field_of_view(open_tree):
    sample = open_tree('taskonomy')[0]
    assert sample.intrinsics.fx == pytest.approx(8.0 / math.tan(0.5))


def test_scannet_depth_and_camera_belong_to_the_color_image(open_tree, names_of):
    samples = open_tree('scannet')
    assert [name.rpartition('/')[2] for name in names_of(samples)] == ['0.jpg', '2.jpg', '10.jpg']
    sample = samples[0]
    assert sample.depth_m_HW.shape == (968, 1296)
    assert sample.depth_m_HW[0, 0] == 1.5
    assert sample.depth_m_HW[967, 1295] == 2.5
    assert pinhole(sample) == (1170.2, 1170.3, 647.8, 483.8)


def test_scannet_cameras_follow_images_exported_smaller(open_tree, tmp_path):
    open_tree('scannet')
    write_rgb(tmp_path / 'set/scene0000_00/color/0.jpg', 648, 484)
    sample = open_tree('scannet')[0]
    assert sample.intrinsics.fx == pytest.approx(585.1)
    assert sample.intrinsics.cx == pytest.approx((647.8 + 0.5) / 2 - 0.5)
