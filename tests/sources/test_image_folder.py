# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Single images and folders of images."""

from pathlib import Path

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import Frame, FrameSource
from depth_refiner_ros.sources.images import ImageFolderSource
import numpy as np
from PIL import ExifTags
import pytest

from tests.sources.photographs import COLORS, corners, jpeg

CAMERA = Intrinsics(fx=30.0, fy=30.0, cx=14.5, cy=9.5, width=30, height=20)
FILM = (ExifTags.Base.FocalLengthIn35mmFilm, 26)


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ('IMG_10.png', 'IMG_2.PNG', 'a.bmp'):
        cv2.imwrite(str(tmp_path / name), COLORS[..., ::-1])
    (tmp_path / 'notes.txt').write_text('no image')
    return tmp_path


def test_images_come_in_natural_order_as_rgb(folder):
    source = ImageFolderSource(folder)
    assert isinstance(source, FrameSource)
    assert len(source) == 3
    frames = list(source)
    assert [frame.name for frame in frames] == ['IMG_2', 'IMG_10', 'a']
    assert frames[0].stamp_ns < frames[1].stamp_ns < frames[2].stamp_ns
    np.testing.assert_array_equal(frames[0].rgb_HW3, COLORS)
    assert frames[0].intrinsics is None
    assert [frame.name for frame in ImageFolderSource(folder / 'IMG_2.PNG')] == ['IMG_2']


@pytest.mark.parametrize('path', ['.', '../photos', 'inside/..', '../link'])
def test_the_source_has_the_name_of_its_folder(tmp_path, monkeypatch, path):
    (tmp_path / 'photos' / 'inside').mkdir(parents=True)
    (tmp_path / 'photos' / 'a.jpg').touch()
    (tmp_path / 'link').symlink_to('photos')
    monkeypatch.chdir(tmp_path / 'photos')
    assert ImageFolderSource(path).name == ('link' if path == '../link' else 'photos')


def test_camera_follows_the_size_of_the_image(folder):
    frame = next(iter(ImageFolderSource(folder, CAMERA)))
    assert frame.intrinsics == CAMERA.resized(60, 40)
    wide = next(iter(ImageFolderSource(folder, horizontal_fov_deg=90.0)))
    assert wide.intrinsics.fx == pytest.approx(30.0)
    assert wide.intrinsics.cx == 29.5
    with pytest.raises(SourceError, match='not both'):
        ImageFolderSource(folder, CAMERA, 90.0)


def test_image_of_another_shape_than_its_camera_is_lost_alone(folder):
    cv2.imwrite(str(folder / 'IMG_3.png'), COLORS[:, :40])
    frames = list(ImageFolderSource(folder, CAMERA))
    assert [isinstance(frame, Frame) for frame in frames] == [True, False, True, True]
    assert frames[1].reason == 'wrong size'
    assert 'IMG_3.png of 40x40 is not a resized version of' in frames[1].detail


def test_what_is_no_image_is_lost_alone(folder):
    (folder / '._IMG_2.PNG').write_bytes(b'\x00\x05\x16\x07Mac OS X')
    (folder / 'IMG_4.jpg').write_bytes(jpeg()[:500])
    (folder / 'IMG_5.heic').write_bytes(b'')
    source = ImageFolderSource(folder)
    for _ in range(2):  # a source can be read again
        frames = list(source)
        assert [(frame.name, getattr(frame, 'reason', None)) for frame in frames] == [
            ('._IMG_2', 'companion file'),
            ('IMG_2', None),
            ('IMG_4', 'unreadable image'),
            ('IMG_5', 'unreadable image'),
            ('IMG_10', None),
            ('a', None),
        ]


def test_photograph_is_turned_upright_unless_its_intrinsics_are_known(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(jpeg(orientation=6))
    (alone,) = ImageFolderSource(tmp_path)
    assert alone.rgb_HW3.shape == (60, 40, 3)
    assert corners(alone.rgb_HW3) == ['blue', 'red', 'white', 'green']
    (known,) = ImageFolderSource(tmp_path, CAMERA)
    assert corners(known.rgb_HW3) == ['red', 'green', 'blue', 'white']
    assert known.intrinsics == CAMERA.resized(60, 40)


def test_camera_of_a_photograph_comes_from_exif_unless_it_is_given(tmp_path):
    lines = []
    (tmp_path / 'a.jpg').write_bytes(jpeg(orientation=6, tags=[FILM]))
    (frame,) = ImageFolderSource(tmp_path, log=lines.append)
    assert frame.intrinsics.fx == pytest.approx(26 / 43.2666 * 72.111, rel=1e-4)
    assert (frame.intrinsics.width, frame.intrinsics.height) == (40, 60)
    assert len(lines) == 1
    (given,) = ImageFolderSource(tmp_path, horizontal_fov_deg=90.0, log=lines.append)
    assert given.intrinsics.fx == pytest.approx(20.0)
    assert len(lines) == 1


def test_nothing_to_read_is_named(tmp_path):
    with pytest.raises(SourceError, match='contains no image: it is empty'):
        ImageFolderSource(tmp_path)
    with pytest.raises(SourceError, match=r'no image or folder .*none'):
        ImageFolderSource(tmp_path / 'none')


def test_a_folder_without_images_says_what_to_give_instead(tmp_path):
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(SourceError, match=r'images are \.png .*, not such as notes\.txt'):
        ImageFolderSource(tmp_path)
    (tmp_path / 'day0').mkdir()
    (tmp_path / 'day1').mkdir()
    (tmp_path / 'day1' / 'a.png').touch()
    with pytest.raises(SourceError, match=r'give a folder inside it, such as .*/day1'):
        ImageFolderSource(tmp_path)
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'metadata.yaml').touch()
    with pytest.raises(SourceError, match=r'give a recording inside it, such as .*/bag'):
        ImageFolderSource(tmp_path)
    for name in ('b10.mp4', 'b9.MOV', '._b1.mp4'):
        (tmp_path / name).touch()
    with pytest.raises(SourceError, match=r'holds 2 videos; give videos one by .* as .*/b9\.MOV'):
        ImageFolderSource(tmp_path)


def test_videos_beside_images_are_passed_over_and_said(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((20, 30, 3), np.uint8))
    (tmp_path / 'b.mp4').touch()
    lines = []
    assert len(ImageFolderSource(tmp_path, log=lines.append)) == 1
    assert lines[0].startswith(f'{tmp_path}: 1 video beside the images passed over')


def test_images_that_cannot_be_read_and_folders_are_passed_over_and_said_once(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), COLORS)
    (tmp_path / '.trashed-1700000000-IMG_1.jpg').write_bytes((tmp_path / 'a.png').read_bytes())
    for name in ('b.gif', 'c.CR2', '._d.gif', 'notes.txt', 'Thumbs.db'):
        (tmp_path / name).touch()
    for folder in ('day1', 'day2', '.trash', '@eaDir', 'empty'):
        (tmp_path / folder).mkdir()
        if folder != 'empty':
            (tmp_path / folder / 'x.png').touch()
    lines = []
    assert len(ImageFolderSource(tmp_path, log=lines.append)) == 1
    advice = 'give them one by one, such as'
    assert lines == [
        (
            f'{tmp_path}: 1 hidden image passed over, such as .trashed-1700000000-IMG_1.jpg; '
            'rename those that are wanted'
        ),
        f'{tmp_path}: 2 images of other kinds passed over, such as b.gif; convert them to PNG',
        f'{tmp_path}: 2 folders of images inside passed over; {advice} {tmp_path}/day1',
    ]


def test_a_folder_of_images_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / 'a.txt').touch()
    (tmp_path / 'b.gif').touch()
    with pytest.raises(SourceError, match=r'b\.gif is of a kind that is not read; convert'):
        ImageFolderSource(tmp_path)
