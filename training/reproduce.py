# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Train both papers' tables at a small scale and report what holds.

`python training/reproduce.py small` takes two CPU cores about three hours, `small-gpu` one CUDA
GPU. Stopped, the same command goes on. Exit code 1 if a piece failed; the others go on.
"""

from dataclasses import replace
from pathlib import Path
import sys
from typing import Annotated

if __name__ == '__main__':  # from a checkout: the packages are beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.config import check_choice
from training.program import ended
from training.reproduction.profiles import PROFILES
from training.reproduction.reproduce import reproduce
import typer


def main(
    profile: Annotated[str, typer.Argument(help=f'One of {", ".join(PROFILES)}.')],
    only: Annotated[
        list[str], typer.Option(help='A piece, a study, or a pattern such as sharpdepth_*.')
    ] = [],  # noqa: B006 (typer does not change it)
    output: Annotated[Path, typer.Option(help='Folder of data and runs.')] = Path(
        'runs/reproduction'
    ),
    seeds: Annotated[int, typer.Option(min=0, help='0 takes those of the profile.')] = 0,
    at_once: Annotated[int, typer.Option(min=0, help='Pieces at a time; 0: of the profile.')] = 0,
    photographs: Annotated[
        str, typer.Option(help='A recording with depth that all pieces are trained with, too.')
    ] = '',
    held_out_photographs: Annotated[
        str, typer.Option(help='A recording with depth that all pieces are compared with, too.')
    ] = '',
    report: Annotated[str, typer.Option(help='Its folder; OUTPUT/report if not given.')] = '',
    report_only: Annotated[
        bool, typer.Option(help='Train nothing; report what is there.')
    ] = False,
) -> None:
    """Train what is missing, then write the report."""
    check_choice('profile', profile, [*PROFILES])
    chosen = PROFILES[profile]
    chosen = replace(
        chosen,
        at_once=at_once or chosen.at_once,
        photographs=photographs,
        held_out_photographs=held_out_photographs,
    )
    sound = reproduce(
        chosen,
        output,
        only=only,
        seeds=seeds or chosen.seeds,
        report=Path(report) if report else output / 'report',
        train=not report_only,
    )
    if not sound:
        raise typer.Exit(1)


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
