# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos: each frame has its presentation time from the file."""

from fractions import Fraction
from pathlib import Path
import struct

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.video import VideoSource
import numpy as np
import pytest

from tests.sources.videos import level, MILLISECONDS, SIZE, write_video

EVERY_40_MS = tuple(range(0, 400, 40))
CAMERA = Intrinsics(fx=60, fy=60, cx=32, cy=24, width=64, height=48)


def stamps_ms(source):
    return [frame.stamp_ns / 1e6 for frame in source]


def reds(frames):
    return [int(frame.rgb_HW3[30, 30, 0]) for frame in frames]


@pytest.mark.parametrize(
    ('name', 'codec', 'b_frames', 'times_ms'),
    [
        ('a.mp4', 'libx264', 0, MILLISECONDS),
        ('a.mp4', 'libx264', 2, MILLISECONDS),
        ('a.mkv', 'libx264', 2, MILLISECONDS),
        ('a.mov', 'mpeg4', 0, MILLISECONDS),
        ('late.mkv', 'libx264', 0, [5000 + time_ms for time_ms in MILLISECONDS]),
        ('late.mp4', 'libx264', 2, [5000 + time_ms for time_ms in MILLISECONDS]),
    ],
)
def test_every_frame_comes_at_its_own_time(tmp_path, name, codec, b_frames, times_ms):
    path = write_video(tmp_path / name, times_ms, codec=codec, b_frames=b_frames)
    source = VideoSource(path)
    assert isinstance(source, FrameSource)
    assert (source.name, len(source)) == (path.stem, len(times_ms))
    for _ in range(2):  # a source can be read again
        frames = list(source)
        assert stamps_ms(frames) == list(times_ms)
        np.testing.assert_allclose(reds(frames), [level(n) for n in range(10)], atol=6)
        for frame in frames:
            assert frame.rgb_HW3.shape == (48, 64, 3)
            assert frame.rgb_HW3.dtype == np.uint8
            assert frame.depth_m_HW is None
    assert frames[3].name == f'{path.stem}_000003'


@pytest.mark.parametrize(('codec', 'b_frames'), [('mjpeg', 0), ('libx264', 2)])
def test_avi_has_no_presentation_times_and_loses_no_frame(tmp_path, codec, b_frames):
    path = write_video(tmp_path / 'a.avi', range(10), rate=25, codec=codec, b_frames=b_frames)
    source = VideoSource(path)
    assert stamps_ms(source) == list(EVERY_40_MS)
    np.testing.assert_allclose(reds(source), [level(n) for n in range(10)], atol=6)


def with_frame_count(path: Path, count: int) -> Path:
    """Write another number of frames into the header of an AVI."""
    data = bytearray(path.read_bytes())
    struct.pack_into('<I', data, data.index(b'avih') + 8 + 16, count)
    struct.pack_into('<I', data, data.index(b'strh') + 8 + 32, count)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('count', [0, 3, 1000])
def test_a_wrong_frame_count_loses_no_frame(tmp_path, count):
    path = write_video(tmp_path / 'a.avi', range(10), rate=25, codec='mjpeg')
    source = VideoSource(with_frame_count(path, count))
    assert len(source) == 10
    assert stamps_ms(source) == list(EVERY_40_MS)


def test_edit_list_moves_and_cuts(tmp_path):
    path = write_video(tmp_path / 'a.mp4', EVERY_40_MS)
    data = bytearray(path.read_bytes())
    entry = data.index(b'elst') + 12
    duration, start = struct.unpack_from('>II', data, entry)
    assert (duration, start) == (361, 0)
    struct.pack_into('>II', data, entry, 200, 1280)  # 200 ms, from 80 ms of 16000 per second on
    path.write_bytes(data)
    source = VideoSource(path)
    assert stamps_ms(source) == [0.0, 40.0, 80.0, 120.0, 160.0]
    assert len(source) == 5
    np.testing.assert_allclose(reds(source), [level(n) for n in range(2, 7)], atol=6)


@pytest.mark.parametrize('name', ['rec-2024-11-14T22:57:44.mp4', 'concat:a.mp4', 'größe.mp4'])
def test_a_name_is_no_protocol(tmp_path, monkeypatch, name):
    write_video(tmp_path / 'a.mp4').rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(VideoSource(name))) == 10


@pytest.mark.parametrize(('degrees', 'corner'), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_frames_are_turned_upright_unless_their_intrinsics_are_known(tmp_path, degrees, corner):
    path = write_video(tmp_path / 'a.mp4', turned_deg=degrees)
    frame = next(iter(VideoSource(path)))
    assert frame.rgb_HW3.shape == ((48, 64, 3) if degrees == 180 else (64, 48, 3))
    assert frame.rgb_HW3[corner].min() > 200
    assert frame.rgb_HW3[0, 0, 1] < 50
    known = next(iter(VideoSource(path, CAMERA)))
    assert known.rgb_HW3[0, 0].min() > 200
    assert known.intrinsics == CAMERA
    wide = next(iter(VideoSource(path, horizontal_fov_deg=90.0)))
    assert wide.intrinsics.fx == pytest.approx(frame.rgb_HW3.shape[1] / 2)


def test_camera_from_intrinsics_or_field_of_view(tmp_path):
    path = write_video(tmp_path / 'a.mp4')
    assert next(iter(VideoSource(path, CAMERA))).intrinsics == CAMERA
    fov = next(iter(VideoSource(path, horizontal_fov_deg=90.0)))
    assert fov.intrinsics.fx == pytest.approx(SIZE[0] / 2)
    assert next(iter(VideoSource(path))).intrinsics is None
    with pytest.raises(SourceError, match='64x48 does not fit the camera of 32x24'):
        VideoSource(path, CAMERA.resized(32, 24))
    with pytest.raises(SourceError, match='not both'):
        VideoSource(path, CAMERA, 90.0)


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path, lines = write_video(tmp_path / 'dv.mp4', pixel_aspect=Fraction(64, 45)), []
    frame = next(iter(VideoSource(path, horizontal_fov_deg=90.0, log=lines.append)))
    assert frame.rgb_HW3.shape == (48, 91, 3)
    assert (frame.intrinsics.fx, frame.intrinsics.fy) == pytest.approx((45.5, 45.5))
    assert frame.rgb_HW3[:8, :9].min() > 200, 'the corner is wider, too'
    assert len(lines) == 1
    assert 'are 1.422 times as wide as high; making frames of 64x48 91 px wide' in lines[0]
    assert next(iter(VideoSource(path, CAMERA))).rgb_HW3.shape == (48, 64, 3), 'it has fx and fy'


def test_what_is_no_video_is_named(tmp_path, subtests):
    whole = write_video(tmp_path / 'whole.mp4').read_bytes()
    with pytest.raises(SourceError, match=r'cannot open video .*none\.mp4: No such file'):
        VideoSource(tmp_path / 'none.mp4')
    (tmp_path / 'cut.mp4').write_bytes(b'')
    with pytest.raises(
        SourceError, match=r'cut\.mp4 cannot be opened .*it is empty; copy it again'
    ):
        VideoSource(tmp_path / 'cut.mp4')
    for content in (b'no video', whole[: len(whole) // 2], whole[: len(whole) - 100]):
        with subtests.test(bytes=len(content)):
            (tmp_path / 'cut.mp4').write_bytes(content)
            with pytest.raises(
                SourceError,
                match=r'cut\.mp4 c.*(FFmpeg: |stream).* cut short, .*ffmpeg -i .*cut\.mp4 -c copy',
            ):
                VideoSource(tmp_path / 'cut.mp4')


@pytest.mark.parametrize('name', ['video', 'video.mp4.part', 'video.xyz'])
def test_a_video_is_known_by_its_content_whatever_its_name(tmp_path, name):
    whole = write_video(tmp_path / 'whole.mp4').read_bytes()
    (tmp_path / name).write_bytes(whole)
    assert isinstance(open_source(str(tmp_path / name)), VideoSource)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match='it is cut short, damaged or no video'):
        open_source(str(tmp_path / name))


def test_a_video_without_decoder_is_named(tmp_path):
    path = write_video(tmp_path / 'a.mp4')
    path.write_bytes(path.read_bytes().replace(b'avc1', b'zzzz'))
    with pytest.raises(SourceError, match=r'a\.mp4 uses a codec that FFmpeg does not decode'):
        VideoSource(path)


def test_the_frames_before_a_cut_come(tmp_path):
    path = write_video(tmp_path / 'a.mkv')
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b'\xa3') - 40])
    frames = [frame for frame in VideoSource(path) if not isinstance(frame, LostFrame)]
    assert 5 <= len(frames) < 10
    assert stamps_ms(frames) == list(MILLISECONDS[: len(frames)])


def test_a_damaged_frame_is_lost_alone(tmp_path):
    path = write_video(tmp_path / 'a.avi', range(10), rate=25, codec='mjpeg')
    data = bytearray(path.read_bytes())
    starts = [at for at in range(data.index(b'movi'), len(data)) if data[at : at + 4] == b'00dc']
    data[starts[4] + 100 : starts[4] + 400] = bytes(300)
    path.write_bytes(data)
    frames = list(VideoSource(path))
    assert [isinstance(frame, LostFrame) for frame in frames] == [n == 4 for n in range(10)]
    assert (frames[4].name, frames[4].reason) == ('a_000004', 'unreadable image')
    rest = frames[:4] + frames[5:]
    assert stamps_ms(rest) == [*EVERY_40_MS[:4], *EVERY_40_MS[5:]]


def test_foreign_metadata_does_no_harm(tmp_path):
    path = write_video(tmp_path / 'a.mp4', title='x' * 40)
    path.write_bytes(path.read_bytes().replace(b'x' * 40, b'\xff' * 40))
    assert len(list(VideoSource(path))) == 10
