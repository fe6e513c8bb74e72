import json
from pathlib import Path
import struct
import zlib

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.images import FrameListSource, ImageFolderSource
import numpy as np
import pytest

RED = np.zeros((40, 60, 3), np.uint8)
RED[..., 0] = 250
CAMERA = Intrinsics(fx=30.0, fy=30.0, cx=14.5, cy=9.5, width=30, height=20)


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ('b.png', 'a.PNG', 'c.bmp'):
        cv2.imwrite(str(tmp_path / name), RED[..., ::-1])
    (tmp_path / 'notes.txt').write_text('no image')
    return tmp_path


def write_list(folder: Path, *entries: dict) -> Path:
    (folder / 'frames.json').write_text(json.dumps(list(entries)))
    return folder / 'frames.json'


def test_images_come_in_order_of_name_as_rgb(folder):
    source = ImageFolderSource(folder)
    assert isinstance(source, FrameSource)
    assert len(source) == 3
    frames = list(source)
    assert [frame.name for frame in frames] == ['a', 'b', 'c']
    assert frames[0].stamp_ns < frames[1].stamp_ns < frames[2].stamp_ns
    np.testing.assert_array_equal(frames[0].rgb_HW3, RED)
    assert frames[0].intrinsics is None
    assert [frame.name for frame in ImageFolderSource(folder / 'b.png')] == ['b']


def test_camera_follows_the_size_of_the_image(folder):
    frame = next(iter(ImageFolderSource(folder, CAMERA)))
    assert frame.intrinsics == CAMERA.resized(60, 40)
    wide = next(iter(ImageFolderSource(folder, horizontal_fov_deg=90.0)))
    assert wide.intrinsics.fx == pytest.approx(30.0)
    assert wide.intrinsics.cx == 29.5
    with pytest.raises(SourceError, match=r'60x40 is no resize of .* 40x40'):
        next(
            iter(
                ImageFolderSource(folder, Intrinsics(fx=1, fy=1, cx=1, cy=1, width=40, height=40))
            )
        )
    with pytest.raises(SourceError, match='not both'):
        ImageFolderSource(folder, CAMERA, 90.0)


def test_grey_deep_and_transparent_images_become_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.full((4, 5), 51, np.uint8))
    cv2.imwrite(str(tmp_path / '2.png'), np.full((4, 5), 51 * 257, np.uint16))
    cv2.imwrite(str(tmp_path / '3.png'), np.full((4, 5, 4), 51, np.uint8))
    for frame in ImageFolderSource(tmp_path):
        assert frame.rgb_HW3.dtype == np.uint8
        np.testing.assert_array_equal(frame.rgb_HW3, np.full((4, 5, 3), 51))


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp'])
def test_truncated_image_is_named(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    (tmp_path / f'cut{suffix}').write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(SourceError, match=f'cut{suffix}.*cut short'):
        next(iter(ImageFolderSource(tmp_path)))


def test_nothing_to_read_is_named(tmp_path):
    with pytest.raises(SourceError, match='holds no image'):
        ImageFolderSource(tmp_path)
    with pytest.raises(SourceError, match=r'no image or folder .*none'):
        ImageFolderSource(tmp_path / 'none')
    (tmp_path / 'empty.png').write_bytes(b'')
    with pytest.raises(SourceError, match=r'empty\.png \(0 bytes\)'):
        next(iter(ImageFolderSource(tmp_path / 'empty.png')))


def test_frame_list_gives_depth_camera_and_name(folder):
    depth = np.zeros((40, 60), np.uint16)
    depth[10:, :] = 512
    cv2.imwrite(str(folder / 'd.png'), depth)
    path = write_list(
        folder,
        {
            'name': 'one',
            'rgb': 'a.PNG',
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
    path = write_list(folder, {'rgb': 'a.PNG', 'depth': 'd.png', 'fx_fy_cx_cy': [50, 50, 30, 20]})
    (frame,) = FrameListSource(path)
    assert frame.depth_m_HW.shape == (40, 60)
    expected = depth.repeat(20, axis=0).repeat(20, axis=1) / 1000
    np.testing.assert_allclose(frame.depth_m_HW, np.where(expected, expected, np.nan), rtol=1e-6)
    assert frame.intrinsics.width == 60


def test_frames_of_one_source_can_be_chosen(folder):
    path = write_list(folder, {'rgb': 'a.PNG', 'source': 'nyu'}, {'rgb': 'b.png', 'source': 'x'})
    assert [frame.name for frame in FrameListSource(path, source='x')] == ['b']
    with pytest.raises(SourceError, match="'kitti'; there are: nyu, x"):
        FrameListSource(path, source='kitti')


def test_broken_list_is_named(tmp_path, subtests):
    cases = [
        ('{', 'is not JSON'),
        ('{}', 'must hold a list'),
        ('[]', 'must hold a list'),
        ('[1]', 'must hold a list'),
        ('[{"depth": "d"}]', 'entry 0 names no rgb'),
    ]
    for text, words in cases:
        with subtests.test(text=text):
            (tmp_path / 'f.json').write_text(text)
            with pytest.raises(SourceError, match=words):
                FrameListSource(tmp_path / 'f.json')


@pytest.mark.parametrize(
    ('entry', 'words'),
    [
        ({'fx_fy_cx_cy': [1, 2]}, 'is no camera'),
        ({'fx_fy_cx_cy': [0, 1, 1, 1]}, 'is no camera'),
        ({'depth': 'none.png'}, r'none\.png'),
        ({'depth': 'b.png'}, 'one channel'),
        ({'depth': 'b.png', 'depth_scale': 0}, 'depth_scale = 0'),
        ({'depth': 'b.png', 'depth_scale': 'k'}, "depth_scale = 'k'"),
    ],
)
def test_broken_entry_is_named(folder, entry, words):
    path = write_list(folder, {'rgb': 'a.PNG', **entry})
    with pytest.raises(SourceError, match=words):
        next(iter(FrameListSource(path)))


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


def test_image_of_more_pixels_than_the_decoder_takes_is_named(tmp_path):
    def part(kind, content):
        return (
            struct.pack('>I', len(content))
            + kind
            + content
            + struct.pack('>I', zlib.crc32(kind + content))
        )

    header = part(b'IHDR', struct.pack('>IIBBBBB', 100_000, 100_000, 8, 2, 0, 0, 0))
    (tmp_path / 'huge.png').write_bytes(
        b'\x89PNG\r\n\x1a\n' + header + part(b'IDAT', b'x') + part(b'IEND', b'')
    )
    with pytest.raises(SourceError, match=r'huge\.png cannot be decoded: .*smaller'):
        list(ImageFolderSource(tmp_path))
