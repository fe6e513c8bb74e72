# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.tum import TumSource
import numpy as np
import pytest

from tests.sources.photographs import jpeg

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
    ('text', 'words'),
    [
        ('depth_scale: -1\n', r"calibration\.yaml: depth_scale = '-1' must be a number from"),
        ('depth_scale: .nan\n', r"calibration\.yaml: depth_scale = '\.nan'"),
        ('fx: wide\n', r"calibration\.yaml: fx = 'wide' must be a number"),
        ('fx: [1]\n', r"calibration\.yaml: fx = \['1'\] must be a number"),
        ('width: 6.5\n', r"calibration\.yaml: width = '6\.5' must be a whole number"),
        ('width: 1e300\n', r"calibration\.yaml: width = '1e300' must be a number from 1 to"),
        ('fx: [\n', r'calibration\.yaml, line \d+: this is not YAML'),
        ('distortion: [1, 2]\n', r'1 2 has 2 coefficients, but plumb_bob takes k1 k2'),
        ('distortion: 2001-99-99\n', r"distortion = '2001-99-99' must be a list of numbers"),
    ],
)
def test_broken_calibration_is_named(folder, text, words):
    append(folder / 'calibration.yaml', text)
    with pytest.raises(SourceError, match=words):
        TumSource(folder)


def test_incomplete_calibration_is_named(folder):
    (folder / 'calibration.yaml').write_text('fx: 1.0\n')
    with pytest.raises(SourceError, match=r"lacks 'fy'"):
        TumSource(folder)
    (folder / 'calibration.yaml').write_text('just words\n')
    with pytest.raises(SourceError, match='must hold lines such as width: 640'):
        TumSource(folder)


def test_distortion_of_null_is_none(folder):
    append(folder / 'calibration.yaml', 'distortion: null\n')
    assert next(iter(TumSource(folder))).intrinsics == CAMERA


def test_missing_and_empty_index_are_named(folder, tmp_path):
    with pytest.raises(SourceError, match=r'none/rgb\.txt'):
        TumSource(tmp_path / 'none')
    (folder / 'rgb.txt').write_text('# nothing\n')
    with pytest.raises(SourceError, match=r'rgb\.txt lists no file'):
        TumSource(folder)
    (folder / 'rgb.txt').write_text('soon rgb/a.png\nlater rgb/b.png\n')
    with pytest.raises(SourceError, match=r"rgb\.txt, line 1: 'soon' is not a time"):
        TumSource(folder)


@pytest.mark.parametrize(
    ('text', 'reason', 'words'),
    [
        ('1000000001.0\n', 'unreadable line', 'line 5: a line must be a stamp and a file'),
        ('soon rgb/a.png\n', 'unreadable line', "line 5: 'soon' is not a time"),
        ('1000000000.05 rgb/a.png\n', 'repeated stamp', 's is that of line 3'),
        ('3000000000 rgb/a.png\n', 'unreadable line', 'line 5: stamp 3000000000 s is not from 0'),
        ('1000000001 rgb/none.png\n', 'unreadable image', 'line 5: cannot read'),
    ],
)
def test_broken_line_of_images_costs_its_frame_alone(folder, text, reason, words):
    append(folder / 'rgb.txt', text)
    source = TumSource(folder)
    assert len(source) == 4
    *whole, lost = source
    assert [frame.stamp_ns for frame in whole] == [10**18 + n * STEP_NS for n in range(3)]
    assert lost.reason == reason
    assert words in lost.detail


@pytest.mark.parametrize('form', ['{} # first', '"{}"', "'{}'  # it", '.\\{}', '{}'])
def test_files_and_poses_may_have_quotes_backslashes_and_comments(folder, form):
    for name in ('rgb.txt', 'depth.txt', 'groundtruth.txt'):
        lines = (folder / name).read_text().splitlines()
        split = [line.split(maxsplit=1) for line in lines if not line.startswith('#')]
        use = '{}   # a pose' if name == 'groundtruth.txt' else form
        text = '\n'.join(f'{stamp} {use.format(rest)}' for stamp, rest in split)
        (folder / name).write_text(text)
    names = [frame.name for frame in TumSource(folder)]
    assert [frame.map_from_camera is not None for frame in TumSource(folder)] == [True] * 3
    assert all(frame.depth_m_HW is not None for frame in TumSource(folder))
    (folder / 'rgb' / 'a #1.png').write_bytes((folder / f'rgb/{names[0]}.png').read_bytes())
    append(folder / 'rgb.txt', '\n1000000009 rgb/a #1.png')
    assert [frame.name for frame in TumSource(folder)] == [*names, 'a #1']


def test_broken_lines_of_depth_and_poses_cost_those_alone(folder):
    append(folder / 'depth.txt', '1000000000.0 depth/a.png\nsoon depth/b.png\n')
    append(folder / 'groundtruth.txt', '1000000001.0 0 0 0 0 0 0\n1e300 0 0 0 0 0 0 1\n')
    lines = []
    frames = list(TumSource(folder, log=lines.append))
    for step, frame in enumerate(frames):
        np.testing.assert_allclose(frame.depth_m_HW, DEPTH + step, atol=1e-3)
        np.testing.assert_allclose(frame.map_from_camera, POSES[step], atol=1e-8)
    assert len(lines) == 2
    assert lines[0].startswith('2 of 5 lines left out: ')
    assert 'depth.txt, line 5: stamp 1000000000.000000000 s is that of line 2' in lines[0]
    assert lines[1].startswith('2 of 5 poses left out: ')


def test_lines_may_be_in_any_order(folder):
    for name in ('rgb.txt', 'depth.txt', 'groundtruth.txt'):
        comment, *lines = (folder / name).read_text().splitlines()
        (folder / name).write_text('\n'.join([comment, *reversed(lines)]))
    lines = []
    frames = list(TumSource(folder, log=lines.append))
    for step, frame in enumerate(frames):
        assert frame.stamp_ns == 10**18 + step * STEP_NS
        np.testing.assert_allclose(frame.depth_m_HW, DEPTH + step, atol=1e-3)
        np.testing.assert_allclose(frame.map_from_camera, POSES[step], atol=1e-8)
    assert [line.split('/')[-1] for line in lines] == [
        f'{name}.txt: 2 lines are not in order of time and were sorted'
        for name in ('rgb', 'depth', 'groundtruth')
    ]


@pytest.mark.parametrize(('unit', 'digits'), [('ms', 3), ('us', 6), ('ns', 9)])
@pytest.mark.parametrize('start_ns', [10**18, 0])
def test_other_units_of_stamps_are_read_and_said(folder, unit, digits, start_ns):
    for name in ('rgb.txt', 'depth.txt', 'groundtruth.txt'):
        comment, *lines = (folder / name).read_text().splitlines()
        rests = [line.split(maxsplit=1)[1] for line in lines]
        stamps = [(start_ns + step * STEP_NS) // 10 ** (9 - digits) for step in range(3)]
        new = [f'{stamp} {rest}' for stamp, rest in zip(stamps, rests)]
        (folder / name).write_text('\n'.join([comment, *new]))
    lines = []
    frames = list(TumSource(folder, log=lines.append))
    assert [frame.stamp_ns for frame in frames] == [start_ns + n * STEP_NS for n in range(3)]
    assert all(frame.depth_m_HW is not None for frame in frames)
    assert all(frame.map_from_camera is not None for frame in frames)
    assert len(lines) == 3
    first = start_ns // 10 ** (9 - digits)
    assert lines[0].endswith(f'rgb.txt, line 2: stamps such as {first} are read as {unit}')


def test_byte_order_mark_is_no_content(folder):
    for file in folder.glob('*.*'):
        file.write_bytes(b'\xef\xbb\xbf' + file.read_bytes())
    frames = list(TumSource(folder))
    assert len(frames) == 3
    assert frames[0].intrinsics == CAMERA
    assert frames[0].map_from_camera is not None


def first_file(folder, index):
    return folder / (folder / index).read_text().splitlines()[1].split()[1]


def test_depth_of_another_aspect_and_of_a_wrong_kind_costs_its_frame(folder):
    first = first_file(folder, 'depth.txt')
    cv2.imwrite(str(first), np.ones((64, 48), np.uint16))
    lost, *rest = TumSource(folder)
    assert (lost.reason, len(rest)) == ('wrong size', 2)
    assert 'depth.txt, line 2' in lost.detail
    assert 'is 48x64, its image 64x48' in lost.detail
    cv2.imwrite(str(first), np.ones((48, 64, 3), np.uint8))
    lost = next(iter(TumSource(folder)))
    assert lost.reason == 'unreadable depth'
    cv2.imwrite(str(first), np.full((24, 32), 2000, np.uint16))
    frame = next(iter(TumSource(folder)))
    np.testing.assert_array_equal(frame.depth_m_HW, np.ones((48, 64), np.float32))


def test_image_that_does_not_fit_the_calibration_is_lost(folder):
    append(folder / 'calibration.yaml', 'width: 65\n')
    lost = next(iter(TumSource(folder)))
    assert lost.reason == 'wrong size'
    assert 'is 64x48, the calibration 65x48' in lost.detail


def test_color_is_turned_upright_only_where_it_comes_alone(folder):
    image = first_file(folder, 'rgb.txt')
    image.write_bytes(jpeg(orientation=6))
    with_depth = next(iter(TumSource(folder)))
    assert with_depth.reason == 'wrong size', 'the image has another aspect than its depth'
    (folder / 'depth.txt').unlink()
    (folder / 'calibration.yaml').unlink()
    assert next(iter(TumSource(folder))).rgb_HW3.shape == (60, 40, 3)


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


def test_a_truncated_calibration_names_file_and_line(folder):
    whole = 'width: 32\nheight: 24\nfx: 30.0\nfy: 30.0\ncx: 15.5\ncy: 11.5\n'
    for text, line in ((whole[:-7], 6), (whole + 'distortion: [0.1,', 7)):
        (folder / 'calibration.yaml').write_text(text)
        with pytest.raises(
            SourceError,
            match=rf'calibration\.yaml, line {line}: this is not YAML .* cut short: .* fx: 525',
        ) as raised:
            TumSource(folder)
        assert '<unicode string>' not in str(raised.value)


def test_the_header_of_opencv_does_not_matter(folder):
    calibration = folder / 'calibration.yaml'
    calibration.write_text(f'%YAML:1.0\n---\n{calibration.read_text()}')
    assert TumSource(folder).intrinsics == CAMERA


def test_depth_and_poses_that_are_too_far_away_say_how_far(folder):
    for name in ('depth.txt', 'groundtruth.txt'):
        (folder / name).write_text(
            ''.join(
                f'{float(line.split()[0]) + 100.0} {line.split(maxsplit=1)[1]}\n'
                for line in (folder / name).read_text().splitlines()
                if not line.startswith('#')
            )
        )
    first = next(iter(TumSource(folder, max_gap_s=0.03)))
    for what, why in (('depth', first.why_no_depth), ('pose', first.why_no_pose)):
        assert why.startswith(f'the nearest {what} is 100000.0 ms away from the image; compare')
        assert why.endswith('larger pose_tolerance_ms than 30')
    for name in ('depth.txt', 'groundtruth.txt'):
        (folder / name).unlink()
    first = next(iter(TumSource(folder)))
    assert (first.why_no_depth, first.why_no_pose) == ('', '')


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-16-be', 'utf-16-le'])
def test_an_index_of_windows_in_utf_16_is_read_by_its_mark(folder, encoding):
    text = (folder / 'rgb.txt').read_text().replace('\n', '\r\n')
    mark = '' if encoding == 'utf-16' else '\ufeff'
    (folder / 'rgb.txt').write_bytes((mark + text).encode(encoding))
    assert [frame.name for frame in TumSource(folder)] == [
        Path(line.split()[1]).stem for line in text.splitlines()[1:]
    ]


def test_an_index_in_another_encoding_is_refused_in_plain_words(folder):
    for data in (b'\xff\xfe\x00', 'rgb/größe.png'.encode('latin-1')):
        (folder / 'rgb.txt').write_bytes(data)
        with pytest.raises(SourceError, match=r'rgb\.txt: it is not text in .* UTF-8$') as error:
            TumSource(folder)
        assert 'codec' not in str(error.value)


def test_a_decimal_comma_is_pointed_out(folder):
    path = folder / 'calibration.yaml'
    for key, wrong, message in (
        ('fx', '526,4', "fx = '526,4' must be a number above 0, up to 1e+09"),
        ('cx', '31,5', "cx = '31,5' must be a number from -1e+09 to 1e+09"),
    ):
        keys = {'width': 64, 'height': 48, 'fx': 50, 'fy': 51, 'cx': 31, 'cy': 23, key: wrong}
        path.write_text(''.join(f'{name}: {value}\n' for name, value in keys.items()))
        with pytest.raises(SourceError) as error:
            TumSource(folder)
        assert f'{message}; write it with a point: {wrong.replace(",", ".")}' in str(error.value)
