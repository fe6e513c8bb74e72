# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner models``: list known and installed models, recommend, import official ones."""

from pathlib import Path
from typing import Annotated, Any

from depth_refiner_ros.cli.flags import choice, JsonFile
from depth_refiner_ros.core.messages import nearest
import typer
from typer.core import TyperGroup

HELP = ('-h', '--help')


class _ListByDefault(TyperGroup):
    """``models FOLDER`` means ``models list FOLDER``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not Path(args[0]).exists():
            hint = nearest(args[0], self.commands, 0.8)
            if hint and args[0] not in self.commands:
                raise typer.BadParameter(f'{args[0]!r} is neither a command nor a folder{hint}')
        if not args or (args[0] not in self.commands and args[0] not in HELP):
            args = ['list', *args]
        return super().parse_args(ctx, args)


models = typer.Typer(
    cls=_ListByDefault,
    rich_markup_mode=None,
    help='List models with licence and size; recommend; import official weights.',
    context_settings={'help_option_names': list(HELP)},
)


@models.command('list')
def list_models(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar='[FOLDER]...',
            show_default=False,
            help='Bundles or official releases, or folders of them, to search in addition to the '
            'bundled weights and the cache of the Hugging Face hub.',
        ),
    ] = None,
    json: JsonFile = None,
) -> None:
    """List known and installed models with licence and size."""
    from depth_refiner_ros.apps.models_list import run

    run(folders or [], json)


@models.command('recommend')
def recommend_models(
    commercial: Annotated[
        bool, typer.Option('--commercial', help='Only licences that allow commercial use.')
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            help='cpu, orin, 4090, or another name of bench --against; this machine if not given.',
            show_default=False,
        ),
    ] = '',
    rate_hz: Annotated[float, typer.Option(help='Frames per second of live use.')] = 10.0,
    json: JsonFile = None,
) -> None:
    """Say which prior, refiner and backend to take, what they cost and what to type."""
    from depth_refiner_ros.bench.recommend import run

    run(device, rate_hz, commercial=commercial, json_file=json)


@models.command('import')
def import_model(
    where: Annotated[
        str,
        typer.Argument(
            metavar='WHERE',
            show_default=False,
            help='Folder or hub id of an official release, or the checkpoint file of a prior; '
            'for an unknown file, the error names the known ones.',
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(
            metavar='FOLDER', show_default=False, help='Folder of the bundle to write.'
        ),
    ],
    method: Annotated[
        str | None,
        typer.Option(
            help='Method of the weights, if neither catalogue nor files name it: sharpdepth, '
            'apdepth, lotus, marigold, e2e_ft; metric3d_vit_small, ... for a Metric3D file, '
            'da3-small, ... for one of Depth Anything 3.',
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help='Conventions: released (default), official_code (apdepth: official_compat), '
            'paper and paper_tables (sharpdepth, apdepth), normalized (apdepth).',
            show_default=False,
        ),
    ] = None,
    prediction: Annotated[
        str | None,
        choice(
            'sample',
            'v_prediction',
            text="What the UNet predicts, if the scheduler's setting is a leftover of its base "
            'model.',
            show_default=False,
        ),
    ] = None,
    widen: Annotated[
        bool,
        typer.Option(
            '--widen',
            help='Add the inputs of a second latent to Stable Diffusion: a starting point for '
            'training, not a depth model.',
        ),
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option(
            help='Licence of the weights, if neither catalogue nor model card names it.',
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str, choice('fp16', 'fp32', text='Number format of the written weights.')
    ] = 'fp16',
    json: JsonFile = None,
) -> None:
    """
    Convert official weights to safetensors.

    Outputs before and after are compared.
    """
    from depth_refiner_ros.apps.models_import import (
        checkpoint_of,
        import_prior,
        import_refiner,
        Wanted,
    )

    wanted = Wanted(
        method=method,
        preset=preset,
        prediction=prediction,
        widen=widen,
        licence=licence,
        precision=precision,
    )
    if checkpoint := checkpoint_of(where):
        import_prior(checkpoint, folder, method, json)
    else:
        import_refiner(where, folder, wanted, json)
