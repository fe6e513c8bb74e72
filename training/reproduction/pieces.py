# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One training of a reproduction, and its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

from training.config import RunConfig
from training.config_file import load_config
from training.loop import LAST
from training.reproduction.profiles import Profile

CONFIGS = Path(__file__).resolve().parents[1] / 'configs' / 'reproduction'
PHOTOGRAPHS_SHARE = 0.5
"""Beside both sets of rooms, with 1 each."""
PHOTOGRAPH_WINDOW = 3
"""Photographs are three times as large as what is rendered, so windows of them are, too."""
BUNDLE = 'bundle'
"""Folder of an exported network that others are built from, in that of its run."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """
    One row of a table, or what rows start from.

    :param config: a file of training/configs/reproduction
    :param updates: a kind of :meth:`Profile.updates_of`
    :param changes: what sets it apart, keys of a configuration to values
    :param begins_from: the piece of the same seed whose last weights it starts from
    :param features: the ApDepth of the same seed whose features a teacher begins with
    :param teacher: the piece of the same seed that it distils
    :param prior: kind of prior that it is trained with, and whose figures count
    """

    name: str
    config: str
    updates: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    begins_from: str = ''
    features: str = ''
    teacher: str = ''
    prior: str = 'smeared'

    @property
    def needs(self) -> list[str]:
        """Return the pieces that must be there before it."""
        return [name for name in (self.begins_from, self.features, self.teacher) if name]


def folder_of(place: Path, piece: str, seed: int) -> Path:
    """Return the folder of a run."""
    return place / f'seed_{seed}' / piece


def config_of(piece: Piece, profile: Profile, seed: int, place: Path) -> RunConfig:
    """
    Return the configuration of a piece: its file, the profile's sizes, and its own changes.

    :param place: output of the reproduction
    :raises SettingsError: where a key or value does not fit
    """
    keys = {
        **_sizes(piece, profile),
        'output': str(folder_of(place, piece.name, seed)),
        'seed': seed,
        **{
            f'data.{group}.{name}.path': str(place / 'data' / name)
            for group, names in (('train', ('rooms', 'starts')), ('validation', ('held_out',)))
            for name in names
        },
        **piece.changes,
    }
    if piece.begins_from:
        keys['init_from'] = str(folder_of(place, piece.begins_from, seed) / LAST)
    if piece.features:
        keys['init_from'] = str(folder_of(place, piece.features, seed) / BUNDLE)
    if piece.teacher:
        keys['model.teacher.start'] = 'weights'
        keys['model.teacher.weights'] = str(folder_of(place, piece.teacher, seed) / BUNDLE)
    if profile.photographs and piece.prior != 'predicted':  # predictions are of rooms alone
        photographs = {**source_of(profile.photographs, profile), 'share': PHOTOGRAPHS_SHARE}
        keys |= {f'data.train.photographs.{key}': value for key, value in photographs.items()}
    overrides = [f'{key}={json.dumps(value)}' for key, value in keys.items()]
    config = load_config(CONFIGS / f'{piece.config}.yaml', overrides)
    config.data.priors = {piece.prior: 1.0}
    return config


def source_of(recording: str, profile: Profile) -> dict[str, Any]:
    """Return the keys of a set of photographs."""
    window = PHOTOGRAPH_WINDOW * profile.size_px
    return {'path': recording, 'reader': 'recording', 'crop_width': window, 'crop_height': window}


def _sizes(piece: Piece, profile: Profile) -> dict[str, Any]:
    """Return what the profile says of a run."""
    updates = profile.updates_of(piece.updates)
    sides = ('data.crop_width', 'data.crop_height', 'data.width', 'data.height')
    keys: dict[str, Any] = {
        'steps': updates,
        'batch': profile.batch,
        'threads': profile.threads,
        'model.block_channels': list(profile.block_channels),
        **dict.fromkeys(sides, profile.size_px),
        'log_every': max(1, updates // 20),
        'save_every': max(1, updates // 8),
        'validate_every': updates,  # once, at the end: these are the figures of the tables
        'validation_samples': 2 * profile.held_out,
    }
    if piece.updates in ('stage2', 'phase1'):
        keys['optimizer.total_steps'] = profile.updates_of('stage2')
    if piece.updates == 'stage2':
        keys['loss.phase2_step'] = profile.updates_of('phase1')
    return keys
