# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The rooms of a reproduction, rendered where they are missing."""

from collections.abc import Iterable
from pathlib import Path

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.sources.values import read_json
from training.data.rooms import shard_names
from training.reproduction.pieces import Piece
from training.reproduction.profiles import Profile
from training.tools import render_rooms
from training.tools.predict_prior import predict_rooms, Predictor
import typer

SEEDS = {'rooms': 3_000_000, 'starts': 3_100_000, 'held_out': 3_200_000}
"""First room of each set; no set shares a room with another."""
VIEWS = {'rooms': (2, 0), 'starts': (0, 2), 'held_out': (1, 1)}
"""Random views, and starts of camera paths, of each room."""


def render(place: Path, profile: Profile) -> None:
    """
    Render the rooms of a profile; what is there stays.

    :param place: output of the reproduction
    :raises SettingsError: where a folder holds rooms of another profile
    """
    for name, first_seed in SEEDS.items():
        folder, (views, starts) = place / 'data' / name, VIEWS[name]
        count = profile.held_out if name == 'held_out' else profile.rooms
        other = SettingsError(
            f'{folder} holds rooms of another profile than {profile.name}; name another output'
        )
        # The renderer would add the rooms that a larger profile has, and keep those of a smaller.
        record = folder / render_rooms.RECORD
        found = read_json(record) if record.exists() else {'rooms': count}
        if not isinstance(found, dict) or found.get('rooms') != count:
            raise other
        try:
            render_rooms.main(
                folder,
                rooms=count,
                views=views,
                starts=starts,
                first_seed=first_seed,
                width=profile.image[0],
                height=profile.image[1],
                workers=profile.at_once,
                resume=True,
            )
        except typer.BadParameter as error:
            raise other from error


def predict(place: Path, pieces: Iterable[Piece]) -> None:
    """Store the bundled prior's predictions where a piece is trained with them and they miss."""
    if all(piece.prior != 'predicted' for piece in pieces):
        return
    for name in SEEDS:
        folder = place / 'data' / name
        if not all((folder / f'prior_{shard}.npy').exists() for shard in shard_names(folder)):
            note(f'predicting the prior of {folder}')
            predict_rooms(folder, Predictor('bundled', 'bundled'))
