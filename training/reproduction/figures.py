# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a piece leaves behind: its figures and where they come from, as JSON."""

from dataclasses import asdict
import hashlib
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import write_json
from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.values import read_json
from training.config import RunConfig
from training.reproduction.pieces import config_of, folder_of, Piece
from training.reproduction.plan import Job, PIECES
from training.reproduction.profiles import Profile

FIGURES, SETTINGS, PROFILE = 'figures.json', 'settings.json', 'profile.json'
FREE = ('seeds', 'at_once', 'threads')
"""Of a profile: what may change while its pieces are trained."""


def claim_place(place: Path, profile: Profile, *, writes: bool = True) -> None:
    """
    Note which profile and photographs the pieces of an output are of.

    :param writes: False only compares
    :raises SettingsError: where they are of others, which one report would mix
    """
    wanted = {key: value for key, value in asdict(profile).items() if key not in FREE}
    for key in ('photographs', 'held_out_photographs'):
        if wanted[key]:
            wanted[key] = str(Path(wanted[key]).expanduser().resolve())
    wanted = json.loads(json.dumps(wanted))
    file = place / PROFILE
    if file.exists():
        found = read_json(file)
        found = found if isinstance(found, dict) else {}
        for key, value in wanted.items():
            if found.get(key) != value:
                raise SettingsError(
                    f'{place} holds pieces of {key} = {shown(found.get(key))}, not '
                    f'{shown(value)}; give the same profile and photographs, or another --output'
                )
    elif writes:
        write_json(file, wanted)


def settings_of(config: RunConfig) -> str:
    """
    Return a digest of all that a run depends on, without the place of its files.

    Recordings count by their names; rooms follow from the profile.
    """
    tree = asdict(config)
    for key in ('output', 'init_from', 'data'):
        tree.pop(key)
    tree['model'].get('teacher', {}).pop('weights', None)
    data = asdict(config.data)
    if not data['source_options']:  # outputs of before there was this key stay what they are
        del data['source_options']
    for group in ('train', 'validation'):
        data[group] = {
            name: [source['share'], Path(source['path']).name]
            if source['reader'] == 'recording'
            else source['share']
            for name, source in data[group].items()
        }
    text = json.dumps([tree, data], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def claim_folder(folder: Path, piece: Piece, config: RunConfig) -> None:
    """
    Note which settings a folder is of.

    :raises SettingsError: where it holds a run of other ones
    """
    if (folder / SETTINGS).exists():
        if not _is_of(folder, config):
            raise SettingsError(
                f'{folder} holds {piece.name} of other settings; remove it or name another output'
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SETTINGS, {'piece': piece.name, 'settings': settings_of(config)})


def write_figures(folder: Path, found: dict[str, Any]) -> None:
    """Write the figures of a finished piece; the file marks it as done."""
    write_json(folder / FIGURES, found)


def read_figures(place: Path, job: Job, profile: Profile) -> dict[str, Any] | None:
    """
    Return what a finished piece wrote, None where it is not done or of other settings.

    :param profile: what it must be of
    :raises SourceError: where the file cannot be read
    """
    folder = folder_of(place, job.piece, job.seed)
    file = folder / FIGURES
    if not file.exists():
        return None
    found = read_json(file)
    if not isinstance(found, dict) or not isinstance(found.get('figures'), dict):
        raise SourceError(f'{file} holds no figures; remove it and train this piece again')
    config = config_of(PIECES[job.piece], profile, job.seed, place)
    return found if found.get('profile') == profile.name and _is_of(folder, config) else None


def is_finished(place: Path, job: Job) -> bool:
    """Whether a piece has figures, of whatever settings."""
    return (folder_of(place, job.piece, job.seed) / FIGURES).exists()


def _is_of(folder: Path, config: RunConfig) -> bool:
    """Whether a folder holds the run of a configuration."""
    file = folder / SETTINGS
    found = read_json(file) if file.exists() else None
    return isinstance(found, dict) and found.get('settings') == settings_of(config)
