# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The renderer of training shards, run as a user would."""

from dataclasses import replace
import json
import multiprocessing
import os
from pathlib import Path
import signal
import subprocess
import sys

from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.sources.simulated import (
    build_place,
    build_room,
    Place,
    place_views,
    random_intrinsics,
    random_views,
    RoomRenderer,
)
from depth_refiner_ros.sources.simulated.places.place import build_kind
import numpy as np
import pytest
from training.tools import render_rooms

SMALL = render_rooms.Cameras(views=1, starts=0, width=64, height=48)
ROOT = Path(__file__).resolve().parents[3]


def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = ['--views', '2', '--first-seed', '40', '--width', '64', '--height', '48']
    return subprocess.run(
        [sys.executable, '-m', 'training.tools.render_rooms', str(out), *arguments, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def second_depth(place: Place, seed: int) -> np.ndarray:
    """Return the depth of the second of two views of a place (48, 64)."""
    view = place_views(place, RoomRenderer(place), seed, 2, (64, 48))[1]
    return RoomRenderer(place).depth(view.intrinsics, view.map_from_camera)


@pytest.fixture(scope='module')
def shards(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp('rooms')
    done = run(out, '--rooms', '3', '--workers', '2')
    assert done.returncode == 0, done.stderr
    return out


def test_shard_holds_what_its_description_says(shards):
    parts = {
        name: np.load(shards / f'{name}_00000.npy', mmap_mode='r')
        for name in ('rgb', 'depth', 'camera', 'seed')
    }
    assert parts['rgb'].shape == (6, 48, 64, 3)
    assert parts['rgb'].dtype == np.uint8
    assert parts['depth'].shape == (6, 48, 64)
    assert parts['depth'].dtype == np.float16
    assert parts['camera'].shape == (6, 4)
    assert parts['camera'].dtype == np.float32
    assert parts['seed'].dtype == np.int64
    assert parts['seed'].tolist() == [40, 40, 41, 41, 42, 42]
    record = json.loads((shards / 'dataset.json').read_text())
    assert (record['rooms'], record['views'], record['first_seed']) == (3, 2, 40)
    assert not list(shards.glob('.*.npy')), 'a temporary file was left behind'


def test_depth_and_camera_are_the_room_s_own(shards):
    room, camera = build_room(41), random_intrinsics(41, 64, 48)
    renderer = RoomRenderer(room)
    view = random_views(room, renderer, 41, 2)[1]
    stored = np.load(shards / 'depth_00000.npy')[3].astype(np.float32)
    np.testing.assert_allclose(stored, renderer.depth(camera, view), rtol=6e-4)
    np.testing.assert_allclose(
        np.load(shards / 'camera_00000.npy')[3],
        [camera.fx, camera.fy, camera.cx, camera.cy],
        rtol=1e-6,
    )


def test_finished_shards_are_kept_and_missing_ones_made(shards):
    before = {path.name: path.stat().st_mtime_ns for path in shards.glob('*.npy')}
    done = run(shards, '--rooms', '3', '--resume')
    assert done.returncode == 0, done.stderr
    assert before == {path.name: path.stat().st_mtime_ns for path in shards.glob('*.npy')}
    first = np.load(shards / 'rgb_00000.npy')
    (shards / 'seed_00000.npy').unlink()
    assert run(shards, '--rooms', '3', '--resume').returncode == 0
    np.testing.assert_array_equal(first, np.load(shards / 'rgb_00000.npy'))
    assert (shards / 'seed_00000.npy').exists()


@pytest.mark.parametrize(
    'options', [('--rooms', '3'), ('--rooms', '3', '--resume', '--views', '1')]
)
def test_folder_of_another_run_is_not_mixed_with(shards, options):
    done = run(shards, *options)
    assert done.returncode == 2
    assert '--resume' in done.stderr


def test_a_shard_that_a_shorter_run_ended_is_rendered_again(tmp_path):
    assert run(tmp_path, '--rooms', '1').returncode == 0
    assert run(tmp_path, '--rooms', '2', '--resume').returncode == 0
    assert np.load(tmp_path / 'seed_00000.npy').tolist() == [40, 40, 41, 41]
    assert json.loads((tmp_path / 'dataset.json').read_text())['rooms'] == 2


def test_fewer_rooms_than_there_are_need_another_folder(shards):
    before = (shards / 'dataset.json').read_text()
    done = run(shards, '--rooms', '2', '--resume')
    assert done.returncode == 2
    assert 'name another folder' in ' '.join(done.stderr.replace('│', ' ').split())
    assert (shards / 'dataset.json').read_text() == before


def test_a_description_that_is_no_json_is_one_line(tmp_path):
    (tmp_path / 'dataset.json').write_text('{')
    done = run(tmp_path, '--rooms', '1')
    assert done.returncode == 2
    assert 'dataset.json is not readable JSON' in done.stderr
    assert 'Traceback' not in done.stderr


def test_trouble_names_the_room(tmp_path):
    with pytest.raises(render_rooms.RoomError, match=r'room -3: InputError'):
        render_rooms._render_shard((tmp_path, 0, [-3], SMALL))
    assert not list(tmp_path.iterdir())


class Deadly:
    """Ends the process that it is given to, as a system without memory does."""

    def __reduce__(self):
        return _kill_own_process, ()


def _kill_own_process():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_ends_the_rendering(tmp_path):
    """The shard that it had was waited for for ever."""
    with pytest.raises(OutputError, match='go on with --resume and fewer than --workers 1'):
        render_rooms._render([(tmp_path, 0, [1], Deadly())], 1, 1)
    assert not multiprocessing.active_children()


def test_trouble_in_a_worker_is_told_and_ends_the_others(tmp_path):
    with pytest.raises(render_rooms.RoomError, match='room -3: '):
        render_rooms._render([(tmp_path, index, [-3], SMALL) for index in range(3)], 3, 1)
    assert not multiprocessing.active_children()


def test_noise_of_stored_images_is_faint():
    rgb, depth, _, _ = render_rooms.render_room(44, replace(SMALL, width=96, height=72))
    flat = np.abs(np.diff(np.log(depth[0].astype(np.float32)), 2, axis=1)) < 1e-3
    step = np.abs(np.diff(rgb[0].astype(np.float32), 2, axis=1)).mean(-1)
    assert np.median(step[flat]) < 6


def test_starts_of_paths_are_busy_places_of_their_own():
    cameras = replace(SMALL, starts=2)
    depths = [
        render_rooms.render_room(seed, cameras)[1].astype(np.float32) for seed in range(40, 48)
    ]
    for own in depths:
        assert own.shape == (3, 48, 64)
        assert not np.array_equal(own[1], own[2])
    steps = np.abs(np.diff(np.log(np.stack(depths)), axis=-1)) > 0.1
    random, *starts = steps.mean((0, 2, 3))
    assert min(starts) > 1.2 * random


def test_places_have_lenses_of_their_own_and_are_not_mixed_with_rooms(tmp_path):
    assert run(tmp_path, '--rooms', '2', '--places').returncode == 0
    depth, camera = (np.load(tmp_path / f'{name}_00000.npy') for name in ('depth', 'camera'))
    assert depth.shape == (4, 48, 64)
    assert len(set(camera[:, 0].tolist())) == 4
    place = build_place(41)
    expected = second_depth(place, 41)
    np.testing.assert_allclose(depth[3].astype(np.float32), expected, rtol=6e-4)
    done = run(tmp_path, '--rooms', '2', '--resume')
    assert done.returncode == 2, 'rooms into a folder of places'
    assert run(tmp_path, '--rooms', '2', '--places', '--resume').returncode == 0


def test_places_of_one_kind(tmp_path):
    assert run(tmp_path, '--rooms', '2', '--places', '--kind', 'bathroom').returncode == 0
    place = build_kind('bathroom', 41)
    assert build_place(41).kind != 'bathroom', 'it would come without --kind, too'
    depth = np.load(tmp_path / 'depth_00000.npy')[3].astype(np.float32)
    np.testing.assert_allclose(depth, second_depth(place, 41), rtol=6e-4)
    done = run(tmp_path, '--rooms', '2', '--places', '--resume')
    assert done.returncode == 2, 'places of all kinds into a folder of one kind'


@pytest.mark.parametrize(
    ('options', 'line'),
    [
        (('--kind', 'bathroom'), '--kind bathroom is one of --places'),
        (('--places', '--kind', 'attic'), '--kind attic is none of home'),
        (('--places', '--kind', 'hall', '--outdoor', '0.5'), '--outdoor 0.5 has no effect'),
    ],
)
def test_a_kind_that_means_nothing_is_refused(tmp_path, options, line):
    done = run(tmp_path / 'none', '--rooms', '1', *options)
    assert done.returncode == 2
    assert line in ' '.join(done.stderr.replace('│', ' ').split())


def test_places_have_no_paths(tmp_path):
    done = run(tmp_path / 'none', '--rooms', '1', '--places', '--starts', '1')
    assert done.returncode == 2
    assert '--starts 1 has no paths' in done.stderr
    done = run(tmp_path / 'none', '--rooms', '1', '--outdoor', '0.5')
    assert done.returncode == 2
    assert '--outdoor 0.5 is a share of --places' in done.stderr


def test_nothing_to_render_is_refused(tmp_path):
    done = run(tmp_path / 'none', '--rooms', '1', '--views', '0')
    assert done.returncode == 2
    assert 'nothing to render' in done.stderr


@pytest.mark.parametrize(
    ('workers', 'shares'),
    [
        (1, [{0, 1, 5, 7}]),
        (2, [{0, 5}, {1, 7}]),
        (3, [{0, 7}, {1}, {5}]),
        (5, [{0}, {1}, {5}, {7}, {0}]),
    ],
)
def test_workers_share_all_cores(workers, shares):
    assert render_rooms.shares_of([0, 1, 5, 7], workers) == shares


def test_a_shard_that_is_rendered_again_has_no_older_predictions(tmp_path):
    columns = tuple(np.zeros((2, 4)) for _ in range(4))
    np.save(tmp_path / 'prior_00001.npy', np.ones(1))
    np.save(tmp_path / 'prior_00002.npy', np.ones(1))
    render_rooms.write_shard(tmp_path, 1, columns)
    assert [file.name for file in tmp_path.glob('prior_*')] == ['prior_00002.npy']
