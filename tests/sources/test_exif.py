# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera of a photograph from its EXIF record."""

import io
import math

from depth_refiner_ros.sources.exif import exif_camera, ExifCameras
import numpy as np
from PIL import ExifTags, Image
import pytest

from tests.sources.photographs import COLORS, jpeg

FILM, FOCAL = ExifTags.Base.FocalLengthIn35mmFilm, ExifTags.Base.FocalLength
WIDTH, HEIGHT = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
RESOLUTION = ExifTags.Base.FocalPlaneXResolution
UNIT = ExifTags.Base.FocalPlaneResolutionUnit
SIZE = ((WIDTH, 600), (HEIGHT, 400))


def test_focal_length_of_35_mm_film_is_of_its_diagonal():
    camera = exif_camera(jpeg(tags=[(FILM, 26), *SIZE]), 60, 40).intrinsics
    assert camera.fx == camera.fy == pytest.approx(26 / math.hypot(36, 24) * math.hypot(60, 40))
    assert (camera.cx, camera.cy, camera.width, camera.height) == (29.5, 19.5, 60, 40)


def test_turning_the_image_keeps_its_focal_length():
    data = jpeg(tags=[(FILM, 26), *SIZE], orientation=6)
    turned = exif_camera(data, 40, 60)
    assert turned.intrinsics.fx == exif_camera(data, 60, 40).intrinsics.fx
    assert turned.origin == 'focal length of 26 mm on 35 mm film, 50 deg across'


@pytest.mark.parametrize(('unit', 'mm'), [(2, 25.4), (3, 10.0), (4, 1.0)])
def test_focal_length_and_resolution_of_the_sensor(unit, mm):
    # 6 mm wide sensor of 600 pixels, lens of 9 mm: 900 pixels, of which a tenth are left.
    tags = [(FOCAL, 9.0), (RESOLUTION, 100.0 * mm), (UNIT, unit), *SIZE]
    assert exif_camera(jpeg(tags=tags), 60, 40).intrinsics.fx == pytest.approx(90.0)


@pytest.mark.parametrize(
    'tags',
    [
        [],
        [(FILM, 0)],
        [(FILM, 26), (WIDTH, 600), (HEIGHT, 600)],
        [(FOCAL, 9.0), *SIZE],
        [(FOCAL, 9.0), (RESOLUTION, 100.0)],
        [(FOCAL, 9.0), (RESOLUTION, 0.0), (UNIT, 3), *SIZE],
        [(FOCAL, 9.0), (RESOLUTION, 1000.0), (UNIT, 7), *SIZE],
    ],
    ids=['empty', 'zero', 'cropped', 'no resolution', 'no size', 'zero resolution', 'unit'],
)
def test_record_that_does_not_tell_gives_no_camera(tags):
    assert exif_camera(jpeg(tags=tags), 60, 40) is None


def test_files_without_a_record_give_no_camera():
    stream = io.BytesIO()
    Image.fromarray(COLORS).save(stream, 'PNG')
    for data in (stream.getvalue(), b'', b'no image', jpeg(tags=[(FILM, 26)])[:40]):
        assert exif_camera(data, 60, 40) is None


def test_the_first_camera_is_logged(tmp_path):
    lines = []
    cameras = ExifCameras(lines.append)
    rgb_HW3 = np.zeros((40, 60, 3), np.uint8)
    assert cameras.of(tmp_path / 'a.jpg', jpeg(), rgb_HW3) is None
    for name in ('b.jpg', 'c.jpg'):
        assert cameras.of(tmp_path / name, jpeg(tags=[(FILM, 26)]), rgb_HW3).fx > 0
    assert len(lines) == 1
    assert 'b.jpg: camera from EXIF, focal length of 26 mm' in lines[0]
