"""``refine``, ``fuse``, ``eval``, ``bench``, ``models`` and ``doctor`` on small real input."""

from collections import Counter
import csv
import json
from pathlib import Path

import cv2
from depth_refiner_ros.apps import doctor as doctor_run
from depth_refiner_ros.apps.evaluate import scene_of
from depth_refiner_ros.apps.refine import folder_names
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.mapping.trajectory import read_tum
from depth_refiner_ros.models.bundle import write_bundle
import numpy as np
import pytest
from rerun.chunk import RrdReader
import torch

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
WALL_M = 2.0
STEP_NS = 100_000_000
PLAIN = ('--refiner', 'none', '--prior')


def wall(folder, frames=4, *, poses=True, pose=None):
    """Write a recording of a textured wall, seen squarely from 2 m by a camera at rest."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    rgb_HW3 = cv2.resize(noise, (64, 48), interpolation=cv2.INTER_LINEAR)
    depth_m_HW = np.full((48, 64), WALL_M, np.float32)
    depth_m_HW[:4] = np.nan
    with SequenceWriter(folder, CAMERA) as writer:
        for index in range(frames):
            known = (np.eye(4) if pose is None else pose) if poses else None
            writer.add(STEP_NS * (index + 1), rgb_HW3, depth_m_HW, known)
    return folder


def frame_list(folder):
    """Write a list of one indoor frame, and one outdoor frame with coarser depth."""
    entries = []
    for name, scene, size in (
        ('hall', 'indoor hall', (64, 48)),
        ('road', 'outdoor road', (32, 24)),
    ):
        columns = np.linspace(1000, 4000, size[0])
        depth = np.tile(np.where(np.arange(size[0]) < size[0] // 2, columns, 9000), (size[1], 1))
        cv2.imwrite(str(folder / f'{name}.png'), np.full((48, 64, 3), 99, np.uint8))
        cv2.imwrite(str(folder / f'{name}_depth.png'), depth.astype(np.uint16))
        entries.append(
            {
                'name': name,
                'rgb': f'{name}.png',
                'depth': f'{name}_depth.png',
                'depth_scale': 1000,
                'scene': scene,
                'source': f'{name}s',
                'depth_size': list(size),
                'fx_fy_cx_cy': [60.0, 60.0, 31.5, 23.5],
            }
        )
    (folder / 'frames.json').write_text(json.dumps(entries))
    return folder / 'frames.json'


def test_refine_writes_millimetres_metres_and_panels(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 3)
    ended = depth_refiner(
        'refine', 'wall', *PLAIN, 'sensor', '--panels', '1', '--out', 'out', '--json', 'copy.json'
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == '3 depth maps in out\n'
    # What ran, and under which licence, is told beside the result.
    assert 'networks run on cpu' in ended.stderr
    depth_files = sorted((tmp_path / 'out' / 'wall').glob('*.npy'))
    assert len(depth_files) == 3
    depth_m_HW = np.load(depth_files[0])
    assert np.isnan(depth_m_HW[:4]).all()
    np.testing.assert_allclose(depth_m_HW[4:], WALL_M)
    mm_HW = cv2.imread(str(depth_files[0].with_suffix('.png')), cv2.IMREAD_UNCHANGED)
    assert mm_HW.dtype == np.uint16
    assert (mm_HW[4:] == 2000).all()
    assert (mm_HW[:4] == 0).all()
    assert len(list((tmp_path / 'out' / 'wall').glob('*_panel.png'))) == 1
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary == json.loads((tmp_path / 'copy.json').read_text())
    assert summary['frames'] == 3
    assert summary['per_source']['wall']['clamped_px'] == 0
    assert summary['per_source']['wall']['depth'] is None, 'a sensor is not judged by itself'


def test_refine_tells_in_one_line_that_it_cannot_write(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 1)
    (tmp_path / 'out' / 'wall').mkdir(parents=True)
    # Where this file ought to go there is a folder; an OSError like any other.
    (tmp_path / 'out' / 'wall' / '000000_0.npy').mkdir()
    ended = depth_refiner('refine', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    assert '.npy: Is a directory; free some space' in ended.stderr.splitlines()[-1]


def test_refine_takes_several_sources_and_fewer_frames(depth_refiner, tmp_path):
    wall(tmp_path / 'a' / 'wall')
    wall(tmp_path / 'b' / 'wall')
    ended = depth_refiner(
        'refine',
        'a/wall',
        'b/wall',
        *PLAIN,
        'sensor',
        '--frames',
        '1',
        '--no-npy',
        '--panels',
        '0',
        '--out',
        'out',
    )
    assert ended.returncode == 0, ended.stderr
    found = list(tmp_path.glob('out/*/*'))
    assert sorted(path.parent.name for path in found) == ['wall', 'wall-2']
    assert all(path.suffix == '.png' for path in found)


def test_refine_smeared_beside_truth(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 1)
    ended = depth_refiner('refine', 'wall', *PLAIN, 'smeared', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    depth = summary['per_source']['wall']['depth']
    assert depth['frames'] == 1
    assert 0.0 < depth['prior']['abs_rel'] == depth['refined']['abs_rel']


def test_image_has_no_depth_for_a_sensor(depth_refiner, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    ended = depth_refiner('refine', 'a.png', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        'depth-refiner: a has no depth, which --prior sensor starts from; use --prior bundled'
    )


def test_image_of_an_unknown_camera_gets_an_assumed_one_and_is_told(depth_refiner, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((48, 64, 3), 99, np.uint8))
    depths = []
    for degrees in ('60', '90'):
        result = depth_refiner(
            'refine',
            tmp_path / 'a.png',
            '--refiner',
            'none',
            '--out',
            tmp_path / degrees,
            '--assume-fov-deg',
            degrees,
        )
        assert result.returncode == 0, result.stderr
        told = ' '.join((result.stdout + result.stderr).split())
        assert f'assuming {degrees} deg across' in told
        depths.append(np.load(next((tmp_path / degrees / 'a').glob('*.npy'))))
    assert not np.array_equal(*depths)


def test_folders_of_sources_do_not_collide():
    assert folder_names(['a/x.mp4', 'b/x', 'sim:3:5', 'x']) == ['x', 'x-2', 'sim_3_5', 'x-3']
    assert folder_names(['x-2.mp4', 'x.mp4', 'x.avi']) == ['x-2', 'x', 'x-3']


def test_results_of_the_folder_above_stay_inside_the_output(tmp_path, monkeypatch):
    (tmp_path / 'photos' / 'inner').mkdir(parents=True)
    monkeypatch.chdir(tmp_path / 'photos' / 'inner')
    assert folder_names(['..', '.']) == ['photos', 'inner']


@pytest.mark.parametrize('poses', [True, False])
def test_fuse_gives_a_flat_wall_from_poses_and_from_odometry(depth_refiner, tmp_path, poses):
    wall(tmp_path / 'wall', 4, poses=poses)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out', '--json', 'copy.json')
    assert ended.returncode == 0, ended.stderr
    out = tmp_path / 'out'
    names = {path.name for path in out.iterdir()}
    assert {'report.html', 'panel.png', 'mesh.ply', 'trajectory.txt', 'summary.json'} <= names
    mesh = read_ply(out / 'mesh.ply')
    np.testing.assert_allclose(mesh.vertices_m_N3[:, 2], WALL_M, atol=2e-3)
    width_m = np.ptp(mesh.vertices_m_N3[:, 0])
    assert width_m == pytest.approx(2 * WALL_M * np.tan(np.radians(30.0)), abs=0.1)
    poses_N44 = read_tum(out / 'trajectory.txt').map_from_camera_N44
    np.testing.assert_allclose(poses_N44, np.tile(np.eye(4), (4, 1, 1)), atol=2e-3)
    summary = json.loads((out / 'summary.json').read_text())
    assert (summary['frames_in'], summary['frames_out'], summary['dropped']) == (4, 4, {})
    assert summary['mesh']['triangles'] == len(mesh.triangles_M3)
    assert 'RGB-D odometry' in (out / 'report.html').read_text() or poses


def test_fuse_of_every_second_frame(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 5)
    ended = depth_refiner(
        'fuse',
        'wall',
        *PLAIN,
        'sensor',
        '--every',
        '2',
        '--frames',
        '2',
        '--out',
        'out',
        '--scene',
        'scene.rrd',
    )
    assert ended.returncode == 0, ended.stderr
    rows = Counter()
    for chunk in RrdReader(tmp_path / 'scene.rrd').stream():
        rows[str(chunk.entity_path)] += chunk.num_rows
    assert (rows['/map/camera/view/depth'], rows['/map/mesh']) == (2, 1)
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [STEP_NS, 3 * STEP_NS])


def without_line(path, index):
    lines = path.read_text().splitlines(keepends=True)
    del lines[1 + index]
    path.write_text(''.join(lines))


def test_fuse_counts_frames_without_depth_and_without_pose(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 5)
    without_line(folder / 'depth.txt', 0)
    without_line(folder / 'groundtruth.txt', 2)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out', '--json', 'copy.json')
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'copy.json').read_text())
    assert (summary['frames_in'], summary['frames_out']) == (5, 3)
    assert summary['dropped'] == {'no depth': 1, 'no pose': 1}
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [2 * STEP_NS, 4 * STEP_NS, 5 * STEP_NS])


@pytest.mark.parametrize(
    ('file', 'message'),
    [
        ('calibration.yaml', '3 no intrinsics; give the source a camera: calibration.yaml with'),
        ('depth.txt', '3 no depth; use --prior bundled'),
    ],
)
def test_fuse_says_what_every_frame_lacks(depth_refiner, tmp_path, file, message):
    (wall(tmp_path / 'wall', 3) / file).unlink()
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    assert f'none of the 3 frames of wall can be fused: {message}' in ended.stderr


def test_odometry_starts_at_the_pose_of_the_source(depth_refiner, tmp_path):
    moved = np.eye(4)
    moved[:3, 3] = (5.0, -1.0, 2.0)
    wall(tmp_path / 'wall', 2, pose=moved)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--odometry', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert 'RGB-D odometry' in (tmp_path / 'out' / 'report.html').read_text()
    poses_N44 = read_tum(tmp_path / 'out' / 'trajectory.txt').map_from_camera_N44
    np.testing.assert_allclose(poses_N44, np.tile(moved, (2, 1, 1)), atol=2e-3)


def test_fuse_without_surface_says_why(depth_refiner, tmp_path):
    wall(tmp_path / 'wall')
    ended = depth_refiner(
        'fuse', 'wall', *PLAIN, 'sensor', '--tsdf-max-range-m', '1.0', '--out', 'out'
    )
    assert ended.returncode == 2
    assert 'no pixel was between 0.1 and 1 m' in ended.stderr.splitlines()[-1]


def test_eval_of_true_depth_is_free_of_error(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner(
        'eval',
        'frames.json',
        *PLAIN,
        'smeared',
        '--smear-factor',
        '1',
        '--smear-warp',
        '0.0',
        '--smear-scale',
        '0.0',
        '--json',
        'r.json',
        '--csv',
        'r.csv',
        '--panels',
        'pictures',
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / 'r.json').read_text())
    assert set(result['per_source']) == {'halls', 'roads'}
    assert set(result['per_scene']) == {'indoor', 'outdoor'}
    overall = result['overall']
    assert overall['frames'] == 2
    for name in ('prior', 'refined'):
        assert overall[name]['abs_rel'] == pytest.approx(0.0, abs=1e-6)
        assert overall[name]['delta1'] == 1.0
        assert overall[name]['dbe_acc_px'] == pytest.approx(0.0, abs=1e-6)
    assert len(list((tmp_path / 'pictures').iterdir())) == 2
    assert 'overall: 2 frames' in ended.stdout


def test_eval_spoils_each_frame_in_its_own_way(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner(
        'eval',
        'frames.json',
        *PLAIN,
        'smeared',
        '--smear-factor',
        '1',
        '--smear-warp',
        '0.0',
        '--smear-scale',
        '0.1',
        '--json',
        'r.json',
        '--csv',
        'r.csv',
    )
    assert ended.returncode == 0, ended.stderr
    with (tmp_path / 'r.csv').open() as file:
        rows = list(csv.DictReader(file))
    errors = [float(row['prior_abs_rel']) for row in rows]
    assert [row['frame'] for row in rows] == ['hall', 'road']
    for seed, error in enumerate(errors):
        generator = torch.Generator().manual_seed(seed)
        torch.randn(1, 1, 3, 4, generator=generator)
        draw = float(torch.randn(1, 1, 1, 1, generator=generator))
        assert error == pytest.approx(abs(np.exp(0.1 * draw) - 1), rel=1e-4)
    assert errors[0] != errors[1]
    overall = json.loads((tmp_path / 'r.json').read_text())['overall']
    assert overall['prior']['abs_rel'] == pytest.approx(sum(errors) / 2, rel=1e-6)


def test_eval_leaves_out_truth_beyond_the_range(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner(
        'eval',
        'frames.json',
        *PLAIN,
        'sensor',
        '--max-depth-m',
        '5',
        '--frames',
        '1',
        '--json',
        'r.json',
    )
    assert ended.returncode == 0, ended.stderr
    counts = json.loads((tmp_path / 'r.json').read_text())['overall']['counts']['prior']
    assert (counts['frames'], counts['pixels']) == (1, 48 * 32)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('frames.json', '--min-depth-m', '5', '--max-depth-m', '2'), 'must be below'),
        (('a.png',), 'has no depth'),
    ],
)
def test_eval_refuses_what_it_cannot_measure(depth_refiner, tmp_path, arguments, message):
    frame_list(tmp_path)
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    ended = depth_refiner('eval', *arguments, *PLAIN, 'sensor')
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ('scene', 'expected'),
    [
        ('indoor hall', 'indoor'),
        ('tabletop clutter', 'indoor'),
        ('outdoor street', 'outdoor'),
        ('', ''),
    ],
)
def test_scenes(scene, expected):
    assert scene_of({'scene': scene}) == expected


def bundle(folder):
    return write_bundle(
        folder,
        kind='refiner',
        name='small',
        licence='MIT',
        manifest={},
        tensors={'w.safetensors': {'a': torch.zeros(250_000)}},
        configs={},
    )


def test_models_lists_bundles_and_what_is_wrong_with_them(depth_refiner, tmp_path):
    bundle(tmp_path / 'mine' / 'good')
    bundle(tmp_path / 'mine' / 'bad')
    (tmp_path / 'mine' / 'bad' / 'w.safetensors').write_bytes(b'short')
    ended = depth_refiner('models', 'mine', '--json', 'm.json')
    assert ended.returncode == 0, ended.stderr
    *_, bad, good = json.loads((tmp_path / 'm.json').read_text())['bundles']
    assert (good['name'], good['kind'], good['licence']) == ('small', 'refiner', 'MIT')
    assert good['size_mb'] == pytest.approx(1.0, abs=0.01)
    assert good['present']
    assert not bad['present']
    assert 'differs from its sha256' in bad['problem']


def test_doctor_says_what_to_type(depth_refiner, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor_run, 'SYSTEM_LIBRARIES', {'libnothere.so.9': 'libnothere9'})
    monkeypatch.setattr(doctor_run, 'NEEDED', {'yaml': 'PyYAML', 'not_there': 'not-there'})
    monkeypatch.setenv('FASTDDS_DEFAULT_PROFILES_FILE', 'mine.xml')
    ended = depth_refiner('doctor', '--json', 'd.json')
    assert ended.returncode == 1
    findings = {
        item['what']: item for item in json.loads((tmp_path / 'd.json').read_text())['findings']
    }
    assert findings['system libraries']['fix'] == 'sudo apt-get install -y libnothere9'
    assert findings['not-there']['fix'] == 'pip install not-there'
    assert findings['PyYAML']['state'] == 'ok'
    assert findings['DDS profile']['found'] == 'mine.xml'
    assert 'cores' in findings['processor']['found']


def test_bench_gives_each_stage_and_the_budget(depth_refiner, tmp_path):
    ended = depth_refiner(
        'bench',
        *PLAIN,
        'sensor',
        '--width',
        '64',
        '--height',
        '48',
        '--frames',
        '4',
        '--json',
        'b.json',
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / 'b.json').read_text())
    assert {'convert', 'prior', 'edge filter', 'cloud', 'total'} <= set(result['stages'])
    assert all(0 <= ms['p50'] <= ms['p95'] for ms in result['stages'].values())
    limits = result['budget']
    assert limits['around_networks_limit_ms'] == pytest.approx(0.08)
    assert limits['total_limit_ms'] == pytest.approx(1000 / 6 / 100)
    assert Path(tmp_path / 'b.json').is_file()
