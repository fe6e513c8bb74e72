# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine``, ``fuse`` and ``eval`` on recordings in which some frames cannot be used."""

import json
from pathlib import Path

import cv2
from depth_refiner_ros.mapping.trajectory import read_tum
import numpy as np
import pytest

from tests.cli.recordings import frame_list, PLAIN, STEP_NS, wall, WALL_M
from tests.sources.photographs import COLORS, jpeg
from tests.sources.videos import write_video

SENSOR = (*PLAIN, 'sensor', '--out', 'out')


def file_of(folder: Path, index: str, line: int) -> Path:
    """Return the file in a line of an index."""
    return folder / (folder / index).read_text().splitlines()[1 + line].split()[1]


def blank_depth(folder: Path, line: int) -> None:
    """Remove all depth of one frame."""
    cv2.imwrite(str(file_of(folder, 'depth.txt', line)), np.zeros((48, 64), np.uint16))


def summary(folder: Path) -> dict:
    return json.loads((folder / 'out' / 'summary.json').read_text())


def test_fuse_goes_on_behind_a_frame_with_blank_depth(depth_refiner, tmp_path):
    blank_depth(wall(tmp_path / 'wall', 8), 4)
    ended = depth_refiner('fuse', 'wall', *SENSOR)
    assert ended.returncode == 0, ended.stderr
    found = summary(tmp_path)
    assert (found['frames_in'], found['frames_out']) == (8, 7)
    assert found['dropped'] == {'no depth': 1}
    named = 'frame lost (no depth): 0.500000000 has no valid pixel of depth'
    assert named in ended.stderr
    assert named in (tmp_path / 'out' / 'report.html').read_text()
    assert ended.stdout.splitlines()[-1] == '1 of 8 frames lost: 1 no depth'
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [n * STEP_NS for n in (1, 2, 3, 4, 6, 7, 8)])


def test_every_loss_of_a_recording_is_counted_by_its_reason(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 12)
    blank_depth(folder, 0)
    file_of(folder, 'depth.txt', 2).unlink()
    file_of(folder, 'rgb.txt', 4).write_bytes(b'\x89PNG')
    cv2.imwrite(str(file_of(folder, 'depth.txt', 6)), np.ones((64, 48), np.uint16))
    cv2.imwrite(str(file_of(folder, 'rgb.txt', 8)), np.ones((48, 50, 3), np.uint8))
    with (folder / 'rgb.txt').open('a') as index:
        index.write('0.3 rgb/0.300000000.png\n1.')
    ended = depth_refiner('fuse', 'wall', *SENSOR)
    assert ended.returncode == 0, ended.stderr
    assert summary(tmp_path)['frames_out'] == 7
    assert summary(tmp_path)['dropped'] == {
        'no depth': 1,
        'unreadable depth': 1,
        'unreadable image': 1,
        'wrong size': 2,
        'repeated stamp': 1,
        'unreadable line': 1,
    }


def test_strict_writes_everything_and_exits_with_1(depth_refiner, tmp_path):
    blank_depth(wall(tmp_path / 'wall', 3), 1)
    for command in (('fuse', 'wall', *SENSOR), ('refine', 'wall', *SENSOR)):
        ended = depth_refiner(*command, '--strict')
        assert ended.returncode == 1
        last = 'depth-refiner: 1 of 3 frames lost: 1 no depth; exit code 1 because of --strict'
        assert ended.stderr.splitlines()[-1] == last
        assert summary(tmp_path)['dropped'] == {'no depth': 1}
    whole = depth_refiner('refine', str(wall(tmp_path / 'whole', 2)), *SENSOR, '--strict')
    assert whole.returncode == 0


@pytest.mark.parametrize(('blank', 'warned'), [(2, False), (3, True)])
def test_more_than_half_of_the_frames_lost_is_said_at_the_end(
    depth_refiner, tmp_path, blank, warned
):
    folder = wall(tmp_path / 'wall', 4)
    for line in range(blank):
        blank_depth(folder, line)
    ended = depth_refiner('refine', 'wall', *SENSOR)
    assert ended.returncode == 0, ended.stderr
    warning = 'WARNING: more than 50% of the frames are lost; the result is based on 1 of 4'
    assert (ended.stderr.splitlines()[-1] == warning) == warned


def test_refine_passes_over_what_is_no_image(depth_refiner, tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name in ('IMG_1.jpg', 'IMG_2.jpg', 'IMG_10.jpg'):
        (folder / name).write_bytes(jpeg())
    (folder / '._IMG_1.jpg').write_bytes(b'\x00\x05\x16\x07')
    (folder / 'IMG_3.jpg').write_bytes(jpeg(thumbnail=True)[:900])
    (folder / 'IMG_4.heic').write_bytes(b'')
    ended = depth_refiner('refine', 'photos', *PLAIN, 'bundled', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert summary(tmp_path)['frames'] == 3
    assert summary(tmp_path)['dropped'] == {'companion file': 1, 'unreadable image': 2}
    names = sorted(path.stem for path in (tmp_path / 'out' / 'photos').glob('*.npy'))
    assert [name.split('_', 1)[1] for name in names] == ['IMG_1', 'IMG_2', 'IMG_10']
    assert all(f'{name}' in ended.stderr for name in ('._IMG_1.jpg', 'IMG_3.jpg', 'IMG_4.heic'))


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (7, 64), (64, 7)])
def test_an_image_too_small_to_be_refined_is_refused_with_the_smallest_size(
    depth_refiner, tmp_path, width, height
):
    cv2.imwrite(str(tmp_path / 'tiny.png'), np.full((height, width, 3), 90, np.uint8))
    ended = depth_refiner('refine', 'tiny.png', '--refiner', 'none')
    assert ended.returncode == 2
    line = ended.stderr.splitlines()[-1]
    assert line.endswith(
        f'tiny: image is {width}x{height} pixels, too small to be refined; give it at least 8x8'
    )


def test_a_list_made_on_windows_is_read(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 3)
    for file in (folder / 'rgb.txt', folder / 'depth.txt'):
        file.write_text(file.read_text().replace('/', '\\'))
    ended = depth_refiner('fuse', 'wall', *SENSOR)
    assert ended.returncode == 0, ended.stderr
    assert summary(tmp_path)['frames_out'] == 3


@pytest.mark.parametrize('flag', ['--json', '--scene'])
def test_a_folder_in_place_of_a_file_is_refused_before_the_work(depth_refiner, tmp_path, flag):
    wall(tmp_path / 'wall', 3)
    ended = depth_refiner('fuse', 'wall', *SENSOR, flag, tmp_path)
    assert ended.returncode == 2
    assert flag in ended.stderr
    assert 'is a directory' in ended.stderr
    assert not (tmp_path / 'out').exists()


def test_a_single_broken_image_is_refused_in_one_line(depth_refiner, tmp_path):
    data = jpeg(thumbnail=True)
    (tmp_path / 'cut.jpg').write_bytes(data[: len(data) // 2])
    ended = depth_refiner('refine', 'cut.jpg', *PLAIN, 'bundled', '--out', 'out')
    assert ended.returncode == 2
    refused = [line for line in ended.stderr.splitlines() if 'cut short' in line]
    assert refused == [
        f'depth-refiner: cut.jpg ({len(data) // 2} bytes) is cut short; copy it again'
    ]


def test_when_all_frames_are_lost_each_reason_is_said_once(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 2)
    blank_depth(folder, 0)
    file_of(folder, 'rgb.txt', 1).unlink()
    ended = depth_refiner('refine', 'wall', *SENSOR)
    assert ended.returncode == 2
    *_, first, second, _, last = ended.stderr.splitlines()
    assert first == (
        'frame lost (no depth): 0.100000000 has no valid pixel of depth, which --prior sensor '
        'starts from; use --prior bundled'
    )
    assert 'cannot read' in second
    assert ended.stderr.count('valid pixel of depth') == 1
    assert last == (
        'depth-refiner: nothing to refine: all 2 frames are lost (1 no depth, 1 unreadable '
        'image); the lines above say why'
    )


def test_eval_leaves_out_frames_that_cannot_be_compared(depth_refiner, tmp_path):
    entries = json.loads(frame_list(tmp_path).read_text())
    entries += [{'rgb': 'hall.png', 'name': 'plain'}, {'rgb': 7}]
    (tmp_path / 'frames.json').write_text(json.dumps(entries))
    ended = depth_refiner(
        'eval', 'frames.json', *PLAIN, 'sensor', '--json', 'r.json', '--panels', 'pictures'
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / 'r.json').read_text())
    assert result['overall']['frames'] == 2
    assert result['dropped'] == {'no depth': 1, 'unreadable entry': 1}
    assert 'plain has no depth to compare with' in ended.stderr
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == 2
    assert depth_refiner('eval', 'frames.json', *PLAIN, 'sensor', '--strict').returncode == 1


def test_frames_of_one_name_get_pictures_of_their_own(depth_refiner, tmp_path):
    entries = json.loads(frame_list(tmp_path).read_text())
    same = [{**entries[0], 'name': 'a/b', 'source': 'x'}] * 3
    (tmp_path / 'frames.json').write_text(json.dumps(same))
    ended = depth_refiner('eval', 'frames.json', *PLAIN, 'sensor', '--panels', 'pictures')
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == 3


def test_refine_keeps_color_on_the_grid_of_its_depth(depth_refiner, tmp_path):
    depth = np.full((40, 60), 4000, np.uint16)
    depth[:, :20] = 1000
    cv2.imwrite(str(tmp_path / 'd.png'), depth)
    entries = []
    for orientation in (1, 3, 6):
        (tmp_path / f'{orientation}.jpg').write_bytes(jpeg(COLORS, orientation=orientation))
        entries.append(
            {'rgb': f'{orientation}.jpg', 'depth': 'd.png', 'fx_fy_cx_cy': [50, 50, 29.5, 19.5]}
        )
    (tmp_path / 'list.json').write_text(json.dumps(entries))
    ended = depth_refiner('refine', 'list.json', *SENSOR)
    assert ended.returncode == 0, ended.stderr
    for path in (tmp_path / 'out' / 'list').glob('*.npy'):
        np.testing.assert_array_equal(np.load(path), depth / np.float32(1000))


def test_refine_reads_other_units_byte_order_marks_and_names_with_colons(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 2)
    for name in ('rgb.txt', 'depth.txt'):
        lines = (folder / name).read_text().splitlines()[1:]
        stamped = [f'{10**18 + n * STEP_NS} {line.split()[1]}' for n, line in enumerate(lines)]
        (folder / name).write_bytes(b'\xef\xbb\xbf' + '\n'.join(stamped).encode())
    ended = depth_refiner('refine', 'wall', *SENSOR)
    assert ended.returncode == 0, ended.stderr
    assert f'rgb.txt, line 1: stamps such as {10**18} are read as ns' in ended.stderr
    depth_m_HW = np.load(next((tmp_path / 'out' / 'wall').glob('*.npy')))
    np.testing.assert_allclose(depth_m_HW[4:], WALL_M)

    video = write_video(tmp_path / 'rec-2024-11-14T22:57:44.mp4')
    ended = depth_refiner('refine', video, *PLAIN, 'bundled', '--out', 'out', '--frames', '3')
    assert ended.returncode == 0, ended.stderr
    (folder,) = (tmp_path / 'out').glob('rec-2024-11-14T22_57_44')
    assert len(list(folder.glob('*.npy'))) == 3


def test_refine_shows_deep_images_as_bright_as_they_are_meant(depth_refiner, tmp_path):
    twelve_bits = np.tile(np.linspace(0, 4095, 64).astype(np.uint16), (48, 1))
    cv2.imwrite(str(tmp_path / 'deep.png'), twelve_bits)
    cv2.imwrite(str(tmp_path / 'plain.png'), (twelve_bits / 4095 * 255).round().astype(np.uint8))
    ended = depth_refiner('refine', 'deep.png', 'plain.png', *PLAIN, 'bundled', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count('16-bit images use 12 bits (brightest value so far 4095)') == 1
    deep, plain = (
        np.load(next((tmp_path / 'out' / name).glob('*.npy'))) for name in ('deep', 'plain')
    )
    np.testing.assert_allclose(deep, plain, rtol=0.01)
