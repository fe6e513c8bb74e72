# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Draw some views of each kind of place: ``python scripts/places_sheet.py docs/places.jpg``."""

from pathlib import Path
import sys
from typing import Annotated

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
from depth_refiner_ros.core.atomic import staged_file
from depth_refiner_ros.sources.simulated import expose, place_views, RoomRenderer
from depth_refiner_ros.sources.simulated.places.place import build_kind, KINDS, OUTDOOR
import numpy as np
from training.program import ended
import typer

SIZE = 168, 126


def row(kind: str, seeds: range) -> np.ndarray:
    """Return one view of each of some places of a kind, side by side, BGR."""
    images = []
    for seed in seeds:
        place = build_kind(kind, seed)
        renderer = RoomRenderer(place)
        (view,) = place_views(place, renderer, seed, 1, SIZE)
        light = renderer.render(view.intrinsics, view.map_from_camera).linear_rgb_HW3
        images.append(expose(light, np.random.default_rng([seed, 5, 0]), 0.15)[..., ::-1])
    return np.hstack(images)


def main(
    out: Annotated[Path, typer.Argument(help='Picture to write, .jpg.')],
    columns: Annotated[int, typer.Option(min=1, help='Views of each kind.')] = 7,
    first_seed: Annotated[int, typer.Option(min=0, help='Of the places.')] = 1,
) -> None:
    """Draw one row for each kind of place."""
    kinds = [*KINDS, *OUTDOOR]
    starts = [first_seed + 100 * index for index in range(len(kinds))]  # no two alike in color
    rows = [row(kind, range(start, start + columns)) for kind, start in zip(kinds, starts)]
    sheet = np.vstack(rows)
    _, data = cv2.imencode('.jpg', sheet, [cv2.IMWRITE_JPEG_QUALITY, 78])
    with staged_file(out) as part:
        part.write_bytes(data.tobytes())
    print(f'{out}: rows are {", ".join(kinds)}')


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
