import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.video import VideoSource
import numpy as np
import pytest

LEVELS = (40, 90, 140, 190, 240)


@pytest.fixture(params=['mp4', 'avi'])
def video(tmp_path, request):
    path = tmp_path / f'clip.{request.param}'
    codec = cv2.VideoWriter_fourcc(*{'mp4': 'mp4v', 'avi': 'MJPG'}[request.param])
    writer = cv2.VideoWriter(str(path), codec, 10.0, (64, 48))
    for level in LEVELS:
        image = np.zeros((48, 64, 3), np.uint8)
        image[..., 2] = level
        writer.write(image)
    writer.release()
    return path


def test_frames_come_in_order_with_their_times(video):
    source = VideoSource(video)
    assert isinstance(source, FrameSource)
    assert (source.name, len(source)) == ('clip', 5)
    for _ in range(2):
        frames = list(source)
        assert [frame.stamp_ns for frame in frames] == [n * 10**8 for n in range(5)]
        for frame, level in zip(frames, LEVELS):
            assert frame.rgb_HW3.shape == (48, 64, 3)
            np.testing.assert_allclose(frame.rgb_HW3[24, 32], [level, 0, 0], atol=12)
            assert frame.depth_m_HW is None
    assert frames[3].name == 'clip_000003'


def test_camera_from_intrinsics_or_field_of_view(video):
    camera = Intrinsics(fx=60, fy=60, cx=32, cy=24, width=64, height=48)
    assert next(iter(VideoSource(video, camera))).intrinsics == camera
    assert VideoSource(video, horizontal_fov_deg=90.0).intrinsics.fx == pytest.approx(32.0)
    assert VideoSource(video).intrinsics is None
    with pytest.raises(SourceError, match='64x48 does not fit the camera of 32x24'):
        VideoSource(video, camera.resized(32, 24))
    with pytest.raises(SourceError, match='not both'):
        VideoSource(video, camera, 90.0)


def test_missing_foreign_and_truncated_files_are_named(video, tmp_path):
    with pytest.raises(SourceError, match=r'no video file .*none\.mp4'):
        VideoSource(tmp_path / 'none.mp4')
    data = video.read_bytes()
    cut = tmp_path / f'cut{video.suffix}'
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r'cut\.'):
        list(VideoSource(cut))
    cut.write_text('no video')
    with pytest.raises(SourceError, match='no video'):
        VideoSource(cut)
