# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""All commands of ``depth-refiner``."""

from depth_refiner_ros import __version__
from depth_refiner_ros.apps.console import say
from depth_refiner_ros.cli.bench import bench
from depth_refiner_ros.cli.demo import demo
from depth_refiner_ros.cli.doctor import doctor
from depth_refiner_ros.cli.evaluate import evaluate
from depth_refiner_ros.cli.export import export
from depth_refiner_ros.cli.flags import Command
from depth_refiner_ros.cli.fuse import fuse
from depth_refiner_ros.cli.models import models
from depth_refiner_ros.cli.params import params
from depth_refiner_ros.cli.play import play
from depth_refiner_ros.cli.record import record
from depth_refiner_ros.cli.refine import refine
from depth_refiner_ros.cli.views import views
import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its tables truncate long flags
    context_settings={'help_option_names': ['-h', '--help']},
)

COMMANDS: dict[str, Command] = {
    'demo': demo,
    'refine': refine,
    'fuse': fuse,
    'views': views,
    'play': play,
    'record': record,
    'eval': evaluate,
    'bench': bench,
    'doctor': doctor,
    'export': export,
    'params': params,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(models, name='models')


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f'depth-refiner {__version__}')
        raise typer.Exit


@app.callback()
def about(
    version: bool = typer.Option(
        False,
        '--version',
        callback=_show_version,
        is_eager=True,
        help='Print the version and exit.',
    ),
) -> None:
    """Turn one camera into a sharp metric depth sensor."""
