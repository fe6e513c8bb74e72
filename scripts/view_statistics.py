# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Print how far, how high and how wide training views look, beside real frames.

``python scripts/view_statistics.py [SOURCE ...] --views 300`` prints one row for each kind of
simulated view and one for each SOURCE with measured depth, such as a frame list or a recording;
a frame list gets a row for its indoor and one for its outdoor frames. Depths are the percentiles
of a frame's known depth, averaged over the frames of each group, then over groups.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
import math
from pathlib import Path
import sys
from typing import Annotated, NamedTuple

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.sources.labelled import labelled
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.simulated import (
    build_place,
    build_room,
    place_views,
    random_intrinsics,
    random_views,
    RoomRenderer,
)
import numpy as np
from training.program import ended
import typer

PERCENTILES = (5, 50, 95, 99)
SIZE = 80, 60
VIEWS_EACH = 2


class Seen(NamedTuple):
    """
    What counts of one view.

    :param row: of the table
    :param group: whose frames are averaged before groups are
    :param depth_m_4: its ``PERCENTILES``
    :param height_m: of the camera above the floor, NaN where unknown
    :param fov_deg: horizontal field of view, NaN where unknown
    """

    row: str
    group: str
    depth_m_4: np.ndarray
    height_m: float
    fov_deg: float


def seen(
    row: str, group: str, depth_m_HW: np.ndarray, camera: Intrinsics | None, height_m: float
) -> Seen:
    """Return what counts of a view."""
    known = depth_m_HW[np.isfinite(depth_m_HW) & (depth_m_HW > 0)]
    wide = math.nan if camera is None else 2 * math.atan(camera.width / 2 / camera.fx)
    return Seen(row, group, np.percentile(known, PERCENTILES), height_m, math.degrees(wide))


def of_rooms(seeds: Iterable[int]) -> Iterator[Seen]:
    """Yield views of rooms, as ``render_rooms`` draws them."""
    for seed in seeds:
        room = build_room(seed)
        renderer, camera = RoomRenderer(room), random_intrinsics(seed, *SIZE)
        for view in random_views(room, renderer, seed, VIEWS_EACH):
            yield seen('rooms', str(seed), renderer.depth(camera, view), camera, view[2, 3])


def of_places(seeds: Iterable[int]) -> Iterator[Seen]:
    """Yield views of places, as ``render_rooms --places`` draws them."""
    for seed in seeds:
        place = build_place(seed)
        renderer = RoomRenderer(place)
        for view in place_views(place, renderer, seed, VIEWS_EACH, SIZE):
            depth_m_HW = renderer.depth(view.intrinsics, view.map_from_camera)
            height_m = float(view.map_from_camera[2, 3])
            rows: tuple[str, ...] = ('places outdoor',)
            if place.lighting.sky is None:
                rows = ('places indoor', f'places: {place.kind}', f'places: from {view.kind}')
            for row in rows:
                yield seen(row, str(seed), depth_m_HW, view.intrinsics, height_m)


def of_source(location: str) -> Iterator[Seen]:
    """Yield the frames of a source that have depth."""
    for item in labelled(open_source(location)):
        if not isinstance(item, LostFrame) and item.frame.depth_m_HW is not None:
            row = f'{Path(location).name} {item.scene}'.rstrip()
            yield seen(row, item.source, item.frame.depth_m_HW, item.frame.intrinsics, math.nan)


def line(name: str, views: list[Seen]) -> str:
    """Return one row of the table."""
    groups = defaultdict(list)
    for view in views:
        groups[view.group].append(view.depth_m_4)
    depths = np.mean([np.mean(found, axis=0) for found in groups.values()], axis=0)
    cells = [f'{name:24}', f'{len(views):6}', *(f'{depth:7.2f}' for depth in depths)]
    for values in ([view.height_m for view in views], [view.fov_deg for view in views]):
        known = np.array(values)[np.isfinite(values)]
        low_middle_high = np.percentile(known, (5, 50, 95)) if len(known) else [math.nan] * 3
        cells += [f'{v:7.4g}' if math.isfinite(v) else f'{"-":>7}' for v in low_middle_high]
    return ' '.join(cells)


def main(
    sources: Annotated[list[str] | None, typer.Argument(help='Frames with depth.')] = None,
    views: Annotated[int, typer.Option(min=2, help='Of rooms, and of places.')] = 300,
    first_seed: Annotated[int, typer.Option(min=0, help='Of rooms and places.')] = 10000,
) -> None:
    """Print the table."""
    rows = defaultdict(list)
    seeds = range(first_seed, first_seed + views // VIEWS_EACH)
    found = [of_rooms(seeds), of_places(seeds), *map(of_source, sources or [])]
    for view in (view for part in found for view in part):
        rows[view.row].append(view)
    print(
        f'{"":24} {"views":>6}  depth p5   median     p95     p99 '
        ' height p5 median  p95   width p5 median  p95'
    )
    for name in sorted(rows):
        print(line(name, rows[name]))


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
