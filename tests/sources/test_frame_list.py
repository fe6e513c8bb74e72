# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""JSON lists of frames."""

import json
from pathlib import Path

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame_list import FrameListSource
import numpy as np
from PIL import ExifTags
import pytest

from tests.sources.photographs import COLORS, corners, jpeg

SENSOR_GRID = ['red', 'green', 'blue', 'white']
FILM = (ExifTags.Base.FocalLengthIn35mmFilm, 26)


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ('a.png', 'b.png'):
        cv2.imwrite(str(tmp_path / name), COLORS[..., ::-1])
    return tmp_path


def write_list(folder: Path, *entries) -> Path:
    (folder / 'frames.json').write_text(json.dumps(list(entries)))
    return folder / 'frames.json'


def test_depth_camera_and_name_are_those_of_the_list(folder):
    depth = np.zeros((40, 60), np.uint16)
    depth[10:, :] = 512
    cv2.imwrite(str(folder / 'd.png'), depth)
    path = write_list(
        folder,
        {
            'name': 'one',
            'rgb': 'a.png',
            'depth': 'd.png',
            'depth_scale': 256,
            'fx_fy_cx_cy': [50, 51, 30, 20],
        },
        {'rgb': 'b.png', 'fx_fy_cx_cy': None},
    )
    first, second = FrameListSource(path)
    assert first.name == 'one'
    assert first.intrinsics == Intrinsics(fx=50, fy=51, cx=30, cy=20, width=60, height=40)
    assert np.isnan(first.depth_m_HW[:10]).all()
    assert (first.depth_m_HW[10:] == 2.0).all()
    assert (second.name, second.depth_m_HW, second.intrinsics) == ('b', None, None)


def test_depth_of_another_size_is_resampled_without_mixing(folder):
    depth = np.array([[1000, 2000, 3000], [4000, 0, 6000]], np.uint16)
    cv2.imwrite(str(folder / 'd.png'), depth)
    path = write_list(folder, {'rgb': 'a.png', 'depth': 'd.png', 'fx_fy_cx_cy': [50, 50, 30, 20]})
    (frame,) = FrameListSource(path)
    assert frame.depth_m_HW.shape == (40, 60)
    expected = depth.repeat(20, axis=0).repeat(20, axis=1) / 1000
    np.testing.assert_allclose(frame.depth_m_HW, np.where(expected, expected, np.nan), rtol=1e-6)
    assert frame.intrinsics.width == 60


@pytest.mark.parametrize('orientation', [3, 6, 8])
def test_color_stays_on_the_grid_of_its_depth_and_intrinsics(folder, orientation):
    (folder / 'p.jpg').write_bytes(jpeg(orientation=orientation))
    depth = np.full((20, 30), 4000, np.uint16)
    depth[:, :10] = 1000
    cv2.imwrite(str(folder / 'd.png'), depth)
    camera = {'fx_fy_cx_cy': [50, 50, 29.5, 19.5]}
    path = write_list(
        folder,
        {'rgb': 'p.jpg', 'depth': 'd.png', **camera},
        {'rgb': 'p.jpg', 'depth': 'd.png'},
        {'rgb': 'p.jpg', **camera},
        {'rgb': 'p.jpg'},
    )
    *bound, alone = FrameListSource(path)
    for frame in bound:
        assert corners(frame.rgb_HW3) == SENSOR_GRID
    for frame in bound[:2]:
        assert (frame.depth_m_HW[:, :20] == 1.0).all()
        assert (frame.depth_m_HW[:, 20:] == 4.0).all()
    assert corners(alone.rgb_HW3) != SENSOR_GRID


def test_camera_comes_from_exif_where_the_list_has_none(folder):
    (folder / 'p.jpg').write_bytes(jpeg(tags=[FILM]))
    lines = []
    path = write_list(
        folder, {'rgb': 'p.jpg'}, {'rgb': 'p.jpg'}, {'rgb': 'p.jpg', 'fx_fy_cx_cy': [9, 9, 5, 5]}
    )
    focal_px = [frame.intrinsics.fx for frame in FrameListSource(path, log=lines.append)]
    assert focal_px == [pytest.approx(43.33, abs=0.01)] * 2 + [9.0]
    assert len(lines) == 1


def test_frames_of_one_source_can_be_chosen(folder):
    path = write_list(folder, {'rgb': 'a.png', 'source': 'nyu'}, {'rgb': 'b.png', 'source': 'x'})
    assert [frame.name for frame in FrameListSource(path, source='x')] == ['b']
    with pytest.raises(SourceError, match="'kitti'; there are: nyu, x"):
        FrameListSource(path, source='kitti')


def test_broken_list_is_named(tmp_path, subtests):
    cases = [
        (b'{', r'line 1: this is not JSON \(Expecting .*may be cut short'),
        (b'{}', 'must hold a list'),
        (b'{"rgb": "a"}\n{"rgb": "b"}', r'line 2: .* is wanted: put \[ \] around all lines'),
        (b'[]', 'must hold a list'),
        (b'[' * 100_000, 'this is not JSON'),
        (b'\xff\xfe{', 'cannot read'),
    ]
    for content, words in cases:
        with subtests.test(content=content[:9]):
            (tmp_path / 'f.json').write_bytes(content)
            with pytest.raises(SourceError, match=words):
                FrameListSource(tmp_path / 'f.json')


def test_an_entry_without_an_image_is_told_its_keys_and_others_may_be_there(folder):
    path = write_list(folder, {'image': 'a.png'}, {'rgb': 'a.png', 'median_m': 2, 'K_source': ''})
    lost, whole = FrameListSource(path)
    assert lost.detail.endswith("rgb, the file of the image, is missing; the keys are 'image'")
    assert whole.name == 'a'


def test_byte_order_mark_is_no_content(folder):
    path = write_list(folder, {'rgb': 'a.png'})
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert [frame.name for frame in FrameListSource(path)] == ['a']


def test_broken_entry_is_lost_alone(folder, subtests):
    depth = np.full((40, 60), 1000, np.uint16)
    cv2.imwrite(str(folder / 'd.png'), depth)
    cv2.imwrite(str(folder / 'turned.png'), depth.T)
    cases = [
        (7, 'unreadable entry', 'entry 1 is not an object that gives rgb'),
        ({'rgb': None}, 'unreadable entry', 'entry 1: rgb = None must name a file'),
        ({'dpeth': 'd.png'}, 'unreadable entry', "'dpeth' is not read; did you mean depth?"),
        ({'Depth': 'd.png'}, 'unreadable entry', 'did you mean depth?'),
        ({'depthScale': 5000}, 'unreadable entry', 'did you mean depth_scale?'),
        ({'rgb': 'a\0.png'}, 'unreadable entry', 'must name a file'),
        ({'name': ['x']}, 'unreadable entry', r"name = \['x'\] must be a text"),
        ({'fx_fy_cx_cy': [1, 2]}, 'unreadable entry', 'must be a list of 4 numbers'),
        ({'fx_fy_cx_cy': 'wide'}, 'unreadable entry', 'must be a list of 4 numbers'),
        ({'fx_fy_cx_cy': [0, 1, 1, 1]}, 'unreadable entry', 'fx_fy_cx_cy: .*fx = 0'),
        ({'fx_fy_cx_cy': [1, 1, None, 1]}, 'unreadable entry', 'fx_fy_cx_cy: cx = None'),
        ({'fx_fy_cx_cy': [1, 10**400, 1, 1]}, 'unreadable entry', 'must be a number'),
        ({'depth': 'none.png'}, 'unreadable depth', r'none\.png'),
        ({'depth': 'b.png'}, 'unreadable depth', 'one channel'),
        ({'depth': 'turned.png'}, 'wrong size', r'turned\.png is 40x60, its image 60x40'),
        ({'depth': 'd.png', 'depth_scale': 0}, 'unreadable entry', 'depth_scale = 0'),
        ({'depth': 'd.png', 'depth_scale': 'k'}, 'unreadable entry', "depth_scale = 'k'"),
        ({'depth': 'd.png', 'depth_scale': True}, 'unreadable entry', 'depth_scale = True'),
        ({'depth': 'd.png', 'depth_size': [60, '²']}, 'unreadable entry', "depth_size = '²'"),
        ({'depth': 'd.png', 'depth_size': [3000, 2000]}, 'wrong size', 'not a reduced size'),
    ]
    for entry, reason, words in cases:
        with subtests.test(entry=entry):
            broken = {'rgb': 'a.png', **entry} if isinstance(entry, dict) else entry
            source = FrameListSource(write_list(folder, {'rgb': 'a.png'}, broken))
            whole, lost = source
            assert (whole.name, len(source)) == ('a', 2)
            assert lost.reason == reason
            with pytest.raises(SourceError, match=words):
                raise SourceError(lost.detail)


@pytest.mark.data
def test_real_frames():
    path = Path(__file__).parents[3] / 'shared' / 'data' / 'frames.json'
    if not path.is_file():
        pytest.skip(f'no sample data at {path}')
    known = json.loads(path.read_text())
    source = FrameListSource(path)
    assert len(source) == len(known)
    for frame, entry in zip(source, known):
        assert frame.rgb_HW3.shape[1::-1] == tuple(entry['rgb_size'])
        assert frame.depth_m_HW.shape == frame.rgb_HW3.shape[:2]
        assert np.nanmedian(frame.depth_m_HW) == pytest.approx(entry['median_m'], rel=0.01)
        assert np.isfinite(frame.depth_m_HW).mean() == pytest.approx(
            entry['valid_fraction'], abs=1e-3
        )


def test_a_wrong_camera_names_file_entry_and_value(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((24, 32, 3), np.uint8))
    entry = {'rgb': 'a.png', 'name': 'hall', 'fx_fy_cx_cy': [0.0, 60.0, 15.5, 11.5]}
    (tmp_path / 'frames.json').write_text(json.dumps([entry]))
    (lost,) = FrameListSource(tmp_path / 'frames.json')
    assert lost.detail.startswith(
        f'{tmp_path}/frames.json, entry 0 (hall): fx_fy_cx_cy: intrinsics: fx = 0.0 must be'
    )


def test_an_object_in_place_of_the_list_is_told_what_a_list_gives(folder):
    (folder / 'frames.json').write_text('{"frames": []}')
    with pytest.raises(SourceError, match=r'list, \[\{"rgb": .* give rgb \(a file\), and opt'):
        FrameListSource(folder / 'frames.json')


def test_a_decimal_comma_in_a_camera_is_pointed_out(folder):
    (lost,) = FrameListSource(
        write_list(folder, {'rgb': 'a.png', 'fx_fy_cx_cy': ['526,4', 1, 1, 1]})
    )
    assert "fx_fy_cx_cy: fx = '526,4' must be a number above 0" in lost.detail
    assert lost.detail.endswith('; write it with a point: 526.4')
