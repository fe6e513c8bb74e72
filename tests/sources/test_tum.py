from pathlib import Path

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.tum import TumSource
import numpy as np
import pytest

CAMERA = Intrinsics(fx=50.0, fy=51.0, cx=31.0, cy=23.0, width=64, height=48)
RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
DEPTH = np.linspace(0.5, 4.0, 48 * 64, dtype=np.float32).reshape(48, 64)
DEPTH[5, 7] = np.nan
STEP_NS = 50_000_000
POSES = np.tile(np.eye(4), (3, 1, 1))
POSES[:, 0, 3] = (0.0, 0.1, 0.2)


@pytest.fixture
def folder(tmp_path) -> Path:
    with SequenceWriter(tmp_path / 'walk', CAMERA, depth_scale=2000.0) as writer:
        for step in range(3):
            writer.add(10**18 + step * STEP_NS, RGB, DEPTH + step, POSES[step])
    return tmp_path / 'walk'


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_reads_what_was_recorded(folder):
    source = TumSource(folder)
    assert isinstance(source, FrameSource)
    assert (source.name, len(source), source.intrinsics) == ('walk', 3, CAMERA)
    for _ in range(2):  # a source can be read again
        frames = list(source)
        assert [frame.stamp_ns for frame in frames] == [10**18 + n * STEP_NS for n in range(3)]
    for step, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.rgb_HW3, RGB)
        assert frame.depth_m_HW.dtype == np.float32
        np.testing.assert_allclose(frame.depth_m_HW, DEPTH + step, atol=0.5 / 2000 + 1e-6)
        assert np.isnan(frame.depth_m_HW[5, 7])
        np.testing.assert_allclose(frame.map_from_camera, POSES[step], atol=1e-8)
        assert frame.intrinsics == CAMERA


def test_depth_scale_of_the_user_of_the_file_and_of_the_format(folder):
    assert next(iter(TumSource(folder, depth_scale=1000.0))).depth_m_HW[0, 0] == 1.0
    (folder / 'calibration.yaml').unlink()
    frame = next(iter(TumSource(folder)))
    assert frame.depth_m_HW[0, 0] == pytest.approx(0.2)
    assert frame.intrinsics is None
    assert next(iter(TumSource(folder, intrinsics=CAMERA))).intrinsics == CAMERA


def test_frames_without_depth_or_pose_still_come(folder):
    lines = (folder / 'depth.txt').read_text().splitlines()
    (folder / 'depth.txt').write_text('\n'.join(lines[:2]) + '\n')
    lines = (folder / 'groundtruth.txt').read_text().splitlines()
    (folder / 'groundtruth.txt').write_text('\n'.join(lines[:3]) + '\n')
    frames = list(TumSource(folder))
    assert [frame.depth_m_HW is None for frame in frames] == [False, True, True]
    assert [frame.map_from_camera is None for frame in frames] == [False, False, True]
    (folder / 'depth.txt').unlink()
    (folder / 'groundtruth.txt').unlink()
    frames = list(TumSource(folder))
    assert len(frames) == 3
    assert all(frame.depth_m_HW is None and frame.map_from_camera is None for frame in frames)


def test_nearest_depth_and_interpolated_pose(folder):
    stamps = ['999999999.990', '1000000000.055', '1000000000.099']
    files = [line.split()[1] for line in (folder / 'depth.txt').read_text().splitlines()[1:]]
    (folder / 'depth.txt').write_text(
        ''.join(f'{stamp} {file}\n' for stamp, file in zip(stamps, files))
    )
    (folder / 'groundtruth.txt').write_text(
        '1000000000.04 0 0 0 0 0 0 1\n1000000000.06 1 0 0 0 0 0 1\n'
    )
    frames = list(TumSource(folder))
    for step, frame in enumerate(frames):
        np.testing.assert_allclose(frame.depth_m_HW, DEPTH + step, atol=1e-3)
    assert frames[0].map_from_camera is None
    assert frames[1].map_from_camera[0, 3] == pytest.approx(0.5)
    near = list(TumSource(folder, max_gap_s=0.004))
    assert [frame.depth_m_HW is None for frame in near] == [True, True, False]


@pytest.mark.parametrize(
    ('name', 'text', 'words'),
    [
        ('rgb.txt', '1000000001.0\n', r'rgb\.txt, line 5.*must be a stamp and a file'),
        ('rgb.txt', 'soon rgb/a.png\n', r"rgb\.txt, line 5: 'soon' is not a time"),
        ('depth.txt', '5.0 depth/a.png\n', r'depth\.txt, line 5: time does not move on'),
        ('groundtruth.txt', '1000000001.0 0 0 0 0 0 0\n', r'groundtruth\.txt, line 5'),
        ('groundtruth.txt', '1000000001.0 0 0 0 0 0 0 3\n', r'line 5.*length 3'),
        ('calibration.yaml', 'depth_scale: -1\n', r'calibration\.yaml: depth_scale = -1'),
        ('calibration.yaml', 'fx: wide\n', r'calibration\.yaml: .*wide'),
        ('calibration.yaml', 'fx: [\n', r'cannot read .*calibration\.yaml'),
        ('calibration.yaml', 'distortion: [1, 2]\n', r'2 coefficients is not known'),
    ],
)
def test_broken_text_is_named_with_its_line(folder, name, text, words):
    append(folder / name, text)
    with pytest.raises(SourceError, match=words):
        TumSource(folder)


def test_incomplete_calibration_is_named(folder):
    (folder / 'calibration.yaml').write_text('fx: 1.0\n')
    with pytest.raises(SourceError, match=r"lacks 'fy'"):
        TumSource(folder)
    (folder / 'calibration.yaml').write_text('just words\n')
    with pytest.raises(SourceError, match='must hold width'):
        TumSource(folder)


def test_missing_and_empty_index_are_named(folder, tmp_path):
    with pytest.raises(SourceError, match=r'none/rgb\.txt'):
        TumSource(tmp_path / 'none')
    (folder / 'rgb.txt').write_text('# nothing\n')
    with pytest.raises(SourceError, match=r'rgb\.txt names no file'):
        TumSource(folder)


def test_missing_and_truncated_images_are_named_with_their_line(folder):
    second = folder / (folder / 'rgb.txt').read_text().splitlines()[2].split()[1]
    data = second.read_bytes()
    second.write_bytes(data[: len(data) // 2])
    frames = iter(TumSource(folder))
    next(frames)
    with pytest.raises(SourceError, match=r'rgb\.txt, line 3: .*cut short'):
        next(frames)
    second.unlink()
    frames = iter(TumSource(folder))
    next(frames)
    with pytest.raises(SourceError, match=r'rgb\.txt, line 3: cannot read'):
        next(frames)


def test_depth_of_a_wrong_kind_is_named(folder):
    first = folder / (folder / 'depth.txt').read_text().splitlines()[1].split()[1]
    cv2.imwrite(str(first), np.ones((24, 32), np.uint16))
    with pytest.raises(SourceError, match=r'depth\.txt, line 2: .* is 32x24, its image 64x48'):
        next(iter(TumSource(folder)))
    cv2.imwrite(str(first), np.ones((48, 64, 3), np.uint8))
    with pytest.raises(SourceError, match=r'depth\.txt, line 2: .*uint8.*one channel of uint16'):
        next(iter(TumSource(folder)))


def test_image_that_does_not_fit_the_calibration_is_named(folder):
    append(folder / 'calibration.yaml', 'width: 65\n')
    with pytest.raises(SourceError, match='is 64x48, the calibration 65x48'):
        next(iter(TumSource(folder)))


def test_lens_distortion_is_taken_out(folder):
    append(folder / 'calibration.yaml', 'distortion: [0.2, 0.0, 0.0, 0.0, 0.0]\n')
    frame = next(iter(TumSource(folder)))
    assert frame.intrinsics == CAMERA
    # A point at x = 0.4 of the pinhole image lies at 0.4 (1 + 0.2 * 0.16) in the recorded one.
    column = 31 + 20
    recorded = 31 + 50 * 0.4 * (1 + 0.2 * 0.16)
    assert frame.depth_m_HW[23, column] == pytest.approx(DEPTH[23, round(recorded)], abs=1e-3)
    assert np.isnan(frame.depth_m_HW[0, 0])
    assert not frame.rgb_HW3[0, 0].any()


@pytest.mark.data
def test_real_recording():
    folder = Path(__file__).parents[3] / 'shared' / 'data' / 'redkitchen_tum'
    if not folder.is_dir():
        pytest.skip(f'no sample data at {folder}')
    source = TumSource(folder)
    assert len(source) == 150
    frame = next(iter(source))
    assert frame.rgb_HW3.shape == (480, 640, 3)
    assert 0.6 < np.isfinite(frame.depth_m_HW).mean() < 0.85
    assert 0.7 < np.nanmin(frame.depth_m_HW) < np.nanmax(frame.depth_m_HW) < 4.0
    np.testing.assert_allclose(frame.map_from_camera[:3, 3], [-0.316814, 0.009385, 0.304742])
