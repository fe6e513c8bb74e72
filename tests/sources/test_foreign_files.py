# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Files of foreign content: a source gives frames, loses some, or refuses the file in one line.

Nothing but a DepthRefinerError may come out of a source, whatever the file holds.
"""

import contextlib
import json

import cv2
from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
from hypothesis import example, given, strategies
import numpy as np
from PIL import ExifTags
import pytest

from tests.foreign_values import fuzzed, NUMBERS, VALUES
from tests.sources.photographs import COLORS, jpeg
from tests.sources.videos import write_video

FIELDS = ('rgb', 'depth', 'depth_scale', 'fx_fy_cx_cy', 'name', 'source', 'scene', 'depth_size')
FILES = strategies.sampled_from(['a.png', 'd.png', '.', 'none.png', '/', 'a\0b', '\ud800'])
WORDS = strategies.one_of(
    NUMBERS.map(str),
    strategies.sampled_from(
        ['a.png', 'd.png', '²', 'nan', '1e999999', '#', '"', '[', '!!binary', '&a *a']
    ),
    strategies.text(max_size=6),
)
PLAIN = fuzzed(150)


def read_all(location):
    """Return the number of frames and losses that a source gives, None if it is refused."""
    lines = []
    try:
        source = open_source(str(location), log=lines.append)
        items = list(source)
    except DepthRefinerError:
        return None
    for item in items:
        assert isinstance(item, Frame | LostFrame)
        if isinstance(item, Frame):
            assert item.rgb_HW3.dtype == np.uint8
            assert item.rgb_HW3.ndim == 3
            assert 0 <= item.stamp_ns < 2**31 * 10**9
            if item.depth_m_HW is not None:
                assert item.depth_m_HW.shape == item.rgb_HW3.shape[:2]
            if item.intrinsics is not None:
                size = item.intrinsics.height, item.intrinsics.width
                assert size == item.rgb_HW3.shape[:2]
    return len(items)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('foreign')
    cv2.imwrite(str(folder / 'a.png'), COLORS[..., ::-1])
    cv2.imwrite(str(folder / 'd.png'), np.full((40, 60), 1000, np.uint16))
    return folder


@PLAIN
@given(entries=strategies.lists(strategies.dictionaries(strategies.sampled_from(FIELDS), VALUES)))
@example(entries=[{'depth_size': [60, None]}, {'depth_scale': True}, {'name': 7}])
@example(entries=[{'fx_fy_cx_cy': [1, 1, 10**400, 1]}, {'fx_fy_cx_cy': 'wide'}])
def test_frame_lists(folder, entries):
    whole = [{'rgb': 'a.png', 'depth': 'd.png', **entry} for entry in entries]
    (folder / 'list.json').write_text(json.dumps([*whole, {'rgb': 'a.png'}]))
    assert read_all(folder / 'list.json') == len(entries) + 1


@PLAIN
@given(content=VALUES, names=strategies.lists(FILES, max_size=3))
def test_frame_lists_of_any_shape(folder, content, names):
    entries = [{'rgb': name, 'depth': name} for name in names]
    (folder / 'any.json').write_text(json.dumps(content if not names else entries))
    read_all(folder / 'any.json')


@PLAIN
@given(lines=strategies.lists(strategies.lists(WORDS, max_size=9)), file=strategies.integers(0, 2))
def test_tum_folders(folder, lines, file):
    kinds = ['rgb.txt', 'depth.txt', 'groundtruth.txt']
    rests = ['a.png', 'd.png', '0 0 0 0 0 0 1']
    tum = folder / 'tum'
    tum.mkdir(exist_ok=True)
    for name in ('a.png', 'd.png'):
        (tum / name).write_bytes((folder / name).read_bytes())
    for name, rest in zip(kinds, rests):
        (tum / name).write_text(f'5.0 {rest}\n5.1 {rest}\n')
    foreign = '\n'.join(' '.join(words) for words in lines)
    with (tum / kinds[file]).open('ab') as stream:
        stream.write(foreign.encode('utf-8', 'surrogatepass'))
    found = read_all(tum)
    assert found is None or found >= 2


@PLAIN
@given(
    words=strategies.dictionaries(
        strategies.sampled_from(['fx', 'width', 'distortion', 'depth_scale', 'x']), WORDS
    )
)
@example(words={'width': '.inf'})
@example(words={'x': '2001-99-99'})
@example(words={'x': '!!bool x'})
@example(words={'distortion': '[1e300, 1, 1, 1]'})
def test_calibrations(folder, words):
    tum = folder / 'calibrated'
    tum.mkdir(exist_ok=True)
    (tum / 'a.png').write_bytes((folder / 'a.png').read_bytes())
    (tum / 'rgb.txt').write_text('5.0 a.png\n')
    known = {'fx': '50', 'fy': '50', 'cx': '30', 'cy': '20', 'width': '60', 'height': '40'}
    text = ''.join(f'{name}: {word}\n' for name, word in {**known, **words}.items())
    (tum / 'calibration.yaml').write_bytes(text.encode('utf-8', 'surrogatepass'))
    read_all(tum)


@PLAIN
@given(
    word=strategies.sampled_from(['sim:', 'rooms:']), numbers=strategies.lists(WORDS, max_size=3)
)
@example(word='sim:', numbers=['²'])
def test_words_of_the_simulated_camera(word, numbers):
    with contextlib.suppress(DepthRefinerError):
        open_source(word + ':'.join(numbers))


def changed(data, changes):
    """Return bytes with some of them changed, and cut."""
    content = bytearray(data)
    for share, value in changes:
        if content:
            content[int(share * (len(content) - 1))] = value
    return bytes(content)


CHANGES = strategies.lists(
    strategies.tuples(strategies.floats(0, 1), strategies.integers(0, 255)), max_size=12
)


@PLAIN
@given(suffix=strategies.sampled_from(['.png', '.jpg', '.tif', '.webp']), changes=CHANGES)
def test_images(folder, suffix, changes):
    images = folder / 'images'
    images.mkdir(exist_ok=True)
    data = cv2.imencode(suffix, COLORS)[1].tobytes()
    if suffix == '.jpg':
        data = jpeg(tags=[(ExifTags.Base.FocalLengthIn35mmFilm, 26)])[:1500]
    path = images / f'image{suffix}'
    path.write_bytes(changed(data, changes))
    assert read_all(path) == 1


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clips')
    return {
        suffix: write_video(folder / f'whole{suffix}').read_bytes() for suffix in ('.mp4', '.mkv')
    }


@fuzzed(80)
@given(
    suffix=strategies.sampled_from(['.mp4', '.mkv']), changes=CHANGES, kept=strategies.floats(0, 1)
)
def test_videos(folder, clips, suffix, changes, kept):
    data = clips[suffix]
    path = folder / f'clip{suffix}'
    path.write_bytes(changed(data, changes)[: int(len(data) * kept)])
    read_all(path)
