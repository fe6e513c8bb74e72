# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Render furnished rooms, or with ``--places`` places of many kinds, to training shards.

``python -m training.tools.render_rooms OUT --rooms 3000 --views 2 --first-seed 10000`` writes, per
64 rooms, ``rgb_NNNNN.npy`` uint8 (n, H, W, 3), ``depth_NNNNN.npy`` float16 metres along Z
(n, H, W; 0 where nothing was hit, infinite in the open sky), ``camera_NNNNN.npy`` float32 (n, 4)
fx fy cx cy and ``seed_NNNNN.npy`` int64 (n,). NNNNN counts shards from the first seed. A shard
with a seed file is complete; ``--resume`` continues an earlier run.
"""

from collections.abc import Iterator
from concurrent.futures import as_completed, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
import json
import multiprocessing
import os
from pathlib import Path
import signal
import sys
from typing import Annotated, Any, TYPE_CHECKING

from depth_refiner_ros.core.atomic import staged_file, write_text
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import OutputError, SourceError
from depth_refiner_ros.core.messages import nearest
from depth_refiner_ros.core.output_lock import locked_folder
import numpy as np
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from training.program import ended
import typer

if TYPE_CHECKING:
    from depth_refiner_ros.sources.simulated import Rendered

ROOMS_PER_SHARD = 64
RECORD = 'dataset.json'
NEXT_PATH = 10**9
"""Distance between the seeds of a room's paths, so that no two paths of any rooms share one."""
_NAMES = ('rgb', 'depth', 'camera', 'seed')


class RoomError(RuntimeError):
    """A room that could not be rendered, with its seed."""


@dataclass(frozen=True, kw_only=True)
class Cameras:
    """
    The views that are rendered of each room.

    :param views: places drawn at random
    :param starts: first frames of camera paths, which start at the busiest of a few places, as in
        the demo and ``eval rooms:...``
    :param width: columns
    :param height: rows
    :param places: places of :func:`build_place` instead of rooms; each view has its own lens
    :param outdoor: share of places that are outdoors
    :param kind: of all places, such as ``workshop``; '' draws it
    """

    views: int
    starts: int
    width: int
    height: int
    places: bool = False
    outdoor: float = 0.0
    kind: str = ''


def render_room(seed: int, cameras: Cameras) -> tuple[np.ndarray, ...]:
    """
    Render independent views of one room or place.

    :return: rgb (n, H, W, 3) uint8, depth (n, H, W) float16, camera (n, 4) float32, seed (n,)
    """
    from depth_refiner_ros.sources.simulated import expose

    rgb, depth, rows = [], [], []
    shots = _shots_of_place(seed, cameras) if cameras.places else _shots_of_room(seed, cameras)
    for index, (camera, seen) in enumerate(shots):
        rgb.append(expose(seen.linear_rgb_HW3, np.random.default_rng([seed, 5, index]), 0.15))
        depth.append(np.nan_to_num(seen.depth_m_HW, nan=0.0, posinf=np.inf).astype(np.float16))
        rows.append((camera.fx, camera.fy, camera.cx, camera.cy))
    return np.stack(rgb), np.stack(depth), np.array(rows, np.float32), np.full(len(rgb), seed)


def _shots_of_room(seed: int, cameras: Cameras) -> Iterator[tuple[Intrinsics, 'Rendered']]:
    """Yield what one camera sees from places of a room."""
    from depth_refiner_ros.sources.simulated import (
        build_room,
        camera_path,
        random_intrinsics,
        random_views,
        RoomRenderer,
    )

    room = build_room(seed)
    renderer = RoomRenderer(room)
    camera = random_intrinsics(seed, cameras.width, cameras.height)
    places = random_views(room, renderer, seed, cameras.views)
    for index in range(cameras.starts):
        places += camera_path(room, renderer, seed + NEXT_PATH * (index + 1), 1, 1.0)
    for view in places:
        yield camera, renderer.render(camera, view)


def _shots_of_place(seed: int, cameras: Cameras) -> Iterator[tuple[Intrinsics, 'Rendered']]:
    """Yield what cameras with lenses of their own see in a place."""
    from depth_refiner_ros.sources.simulated import place_views, RoomRenderer
    from depth_refiner_ros.sources.simulated.places.place import build_kind, build_place

    place = build_kind(cameras.kind, seed) if cameras.kind else build_place(seed, cameras.outdoor)
    renderer = RoomRenderer(place)
    size = cameras.width, cameras.height
    for view in place_views(place, renderer, seed, cameras.views, size):
        yield view.intrinsics, renderer.render(view.intrinsics, view.map_from_camera)


def write_shard(out: Path, shard: int, columns: tuple[np.ndarray, ...]) -> None:
    """Write the arrays of a shard; ``seed`` comes last and marks the shard as complete."""
    # Predictions of what was there before (training.tools.predict_prior) are of other views.
    (out / f'prior_{shard:05d}.npy').unlink(missing_ok=True)
    for name, values in zip(_NAMES, columns):
        with staged_file(out / f'{name}_{shard:05d}.npy') as part, part.open('wb') as file:
            np.save(file, values)


Job = tuple[Path, int, list[int], Cameras]
"""Folder, number of the shard, seeds of its rooms, and what is rendered of each."""


def _render_shard(job: Job) -> int:
    """Render a shard; return the number of its rooms."""
    out, shard, seeds, cameras = job
    parts = []
    for seed in seeds:
        try:
            parts.append(render_room(seed, cameras))
        except Exception as error:
            raise RoomError(f'room {seed}: {type(error).__name__}: {error}') from error
    write_shard(out, shard, tuple(np.concatenate(column) for column in zip(*parts)))
    return len(seeds)


def shares_of(cores: list[int], workers: int) -> list[set[int]]:
    """Return the cores of each worker: all are used, and no two share one unless they must."""
    return [set(cores[i::workers]) or {cores[i % len(cores)]} for i in range(workers)]


def _pin(
    shares: list[set[int]], counter: 'multiprocessing.sharedctypes.Synchronized[int]'
) -> None:
    """Keep each worker on its cores: Open3D's threads follow the affinity alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    with counter.get_lock():
        share = shares[counter.value % len(shares)]
        counter.value += 1
    os.sched_setaffinity(0, share)
    import cv2

    cv2.setNumThreads(1)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f'{path} is not readable JSON: {error}; name another folder') from error
    return found if isinstance(found, dict) else {}


def _describe(out: Path, record: dict[str, float], resume: bool) -> None:
    """Write what the folder holds; refuse to mix runs."""
    path = out / RECORD
    if path.exists():
        found = {
            'places': False,
            'outdoor': 0.0,
            'kind': '',
            **_read(path),
        }  # folders from before there were places, or kinds of them
        differing = {key for key in record if found.get(key) != record[key]}
        if not resume or differing - {'rooms'}:
            raise typer.BadParameter(
                f'{out} holds {found}; give --resume with the same options or another folder'
            )
        if found.get('rooms', 0) > record['rooms']:
            raise typer.BadParameter(
                f'{out} holds {found["rooms"]} rooms, more than --rooms {record["rooms"]}, and '
                'all that are there are trained on; name another folder'
            )
    description = {
        **record,
        'rooms_per_shard': ROOMS_PER_SHARD,
        'rgb': 'uint8 (n, H, W, 3) exposed, almost noise-free',
        'depth': 'float16 (n, H, W) metres along Z at integer pixel centres, 0 unknown, inf sky',
        'camera': 'float32 (n, 4) fx fy cx cy',
        'seed': 'int64 (n,) room',
    }
    write_text(path, json.dumps(description, indent=2) + '\n')


def main(
    out: Annotated[Path, typer.Argument(help='Folder for the shards.')],
    rooms: Annotated[int, typer.Option(min=1, help='Number of rooms.')] = 1000,
    views: Annotated[int, typer.Option(min=0, help='Random views per room.')] = 4,
    starts: Annotated[
        int, typer.Option(min=0, help='Starts of camera paths per room, which are busier.')
    ] = 0,
    first_seed: Annotated[int, typer.Option(min=0, help='Seed of the first room.')] = 10000,
    width: Annotated[int, typer.Option(min=16, help='Columns.')] = 640,
    height: Annotated[int, typer.Option(min=16, help='Rows.')] = 480,
    places: Annotated[
        bool, typer.Option('--places', help='Halls, offices, corridors and so on, not rooms.')
    ] = False,
    outdoor: Annotated[
        float | None,
        typer.Option(min=0, max=1, help='Share of --places that are streets; as in places:SEED.'),
    ] = None,
    kind: Annotated[
        str, typer.Option(help='Kind of all --places, such as workshop; drawn without it.')
    ] = '',
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
    resume: Annotated[bool, typer.Option(help='Skip finished shards.')] = False,
) -> None:
    """Render rooms with exact depth to shards of 64 rooms."""
    if views + starts == 0:
        raise typer.BadParameter('nothing to render: views and starts are both 0')
    if places and starts:
        raise typer.BadParameter(f'--starts {starts} has no paths in --places; give --views alone')
    if outdoor is not None and not places:
        raise typer.BadParameter(f'--outdoor {outdoor:g} is a share of --places; add that, too')
    if kind and not places:
        raise typer.BadParameter(f'--kind {kind} is one of --places; add that, too')
    if kind and outdoor is not None:
        raise typer.BadParameter(f'--outdoor {outdoor:g} has no effect with --kind {kind}')
    cameras = Cameras(views=views, starts=starts, width=width, height=height)
    if places:
        from depth_refiner_ros.sources.simulated.places.place import KINDS, OUTDOOR, OUTDOOR_SHARE

        if kind and kind not in (known := {**KINDS, **OUTDOOR}):
            raise typer.BadParameter(
                f'--kind {kind} is none of {", ".join(known)}{nearest(kind, known)}'
            )
        share = OUTDOOR_SHARE if outdoor is None else outdoor
        cameras = replace(cameras, places=True, outdoor=0.0 if kind else share, kind=kind)
    with locked_folder(out):
        _describe(out, {'rooms': rooms, 'first_seed': first_seed, **asdict(cameras)}, resume)
        seeds = list(range(first_seed, first_seed + rooms))
        jobs = [
            (out, index, part, cameras)
            for index, start in enumerate(range(0, rooms, ROOMS_PER_SHARD))
            if not _is_finished(out, index, part := seeds[start : start + ROOMS_PER_SHARD])
        ]
        _render(jobs, rooms, workers)


def _is_finished(out: Path, shard: int, seeds: list[int]) -> bool:
    """Return whether a shard holds all its rooms; the last one of a shorter run holds fewer."""
    try:
        found = np.load(out / f'seed_{shard:05d}.npy')
    except (OSError, ValueError):
        return False
    return set(found.tolist()) == set(seeds)


def _render(jobs: list[Job], rooms: int, workers: int) -> None:
    """Render shards in processes, with a bar."""
    if not jobs:
        return
    context = multiprocessing.get_context('spawn')
    shares = shares_of(sorted(os.sched_getaffinity(0)), workers)
    columns = (
        TextColumn('rooms'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # Unlike multiprocessing.Pool, an executor says so when a worker is killed, instead of waiting
    # for its shard for ever.
    pool = ProcessPoolExecutor(workers, context, _pin, (shares, context.Value('i', 0)))
    with Progress(*columns) as progress:
        done = rooms - sum(len(job[2]) for job in jobs)
        task = progress.add_task('rooms', total=rooms, completed=done)
        try:
            for shard in as_completed([pool.submit(_render_shard, job) for job in jobs]):
                progress.advance(task, shard.result())
        except BrokenProcessPool as error:
            raise OutputError(
                f'a process that renders has ended, perhaps for want of memory; go on with '
                f'--resume and fewer than --workers {workers}'
            ) from error
        except BaseException:  # an error of a room, or Ctrl-C, does not wait for other shards
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
