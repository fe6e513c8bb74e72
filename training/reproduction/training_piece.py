# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Train one piece, compare it with the held-out rooms, and write what came out."""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path
import platform
import sys
import time
from typing import Any

import cv2
from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.atomic import staged_file
from depth_refiner_ros.sources.lost_frames import LostFrames
import numpy as np
import torch
from training.checkpoint import read_progress
from training.config import RunConfig, SourceConfig
from training.data.batches import Batch, validation_batches
from training.data.mixture import Mixture
from training.log import read_log
from training.loop import LAST, train
from training.objectives.base import Objective
from training.objectives.registry import build_objective
from training.reproduction.figures import claim_folder, write_figures
from training.reproduction.pieces import BUNDLE, config_of, folder_of, source_of
from training.reproduction.plan import Job, PIECES
from training.reproduction.profiles import Profile

PICTURE = 'picture.npz'


def train_piece(job: Job, profile: Profile, place: Path) -> bool:
    """
    Train a piece, or go on with it.

    :param place: output of the reproduction
    :return: whether it is finished; False after SIGTERM, which saves it
    :raises DepthRefinerError: where a setting, a file or a number does not fit
    """
    piece, folder = PIECES[job.piece], folder_of(place, job.piece, job.seed)
    config = config_of(piece, profile, job.seed, place)
    claim_folder(folder, piece, config)
    torch.set_num_threads(profile.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(config.seed)
    began = time.monotonic()
    objective = build_objective(config)
    figures = train(config, objective)
    if read_progress(folder / LAST).step < config.steps:
        return False
    if any(job.piece in (other.teacher, other.features) for other in PIECES.values()):
        objective.export(folder / BUNDLE, {'name': job.piece})
    _write_picture(folder / PICTURE, config, objective)
    write_figures(
        folder,
        {
            'piece': job.piece,
            'seed': job.seed,
            'profile': profile.name,
            'command': ' '.join(sys.argv),
            'updates': config.steps,
            'images_per_update': config.batch,
            'held_out_images': config.validation_samples,
            'prior': piece.prior,
            'figures': figures,
            **_on_photographs(config, objective, profile),
            'seconds': round(time.monotonic() - began, 1),
            'seconds_per_update': _seconds_per_update(folder),
            'machine': f'{platform.machine()}, {profile.device}, {profile.threads} threads',
        },
    )
    note(f'{job.piece} is done')
    return True


def _seconds_per_update(folder: Path) -> float | None:
    """Return the median over the log's rows, which the first updates and pauses do not spoil."""
    times = [row['seconds_per_step'] for row in read_log(folder) if 'seconds_per_step' in row]
    return float(np.median(times)) if times else None


def _on_photographs(config: RunConfig, objective: Objective, profile: Profile) -> dict[str, Any]:
    """Return figures of held-out photographs, where some are named, and how many are lost."""
    if not profile.held_out_photographs or 'predicted' in config.data.priors:
        return {}
    source = SourceConfig(**source_of(profile.held_out_photographs, profile))
    held_out = Mixture.of('validation', replace(config.data, validation={'photographs': source}))
    device = next(objective.parameters()).device
    lost = LostFrames(note)

    def batches() -> Iterator[Batch]:
        for batch in validation_batches(held_out, config.batch, len(held_out.parts[0].samples)):
            for frame in batch.lost:
                lost.add(frame)
            yield batch.to(device)

    objective.ema.networks.eval()
    found = objective.validate(batches())
    figures = {name: value for name, value in found.items() if isfinite(value)}
    return {'photographs': figures, 'lost_photographs': len(lost)}


def _write_picture(file: Path, config: RunConfig, objective: Objective) -> None:
    """Store the maps of one held-out image, the same for every piece."""
    held_out = Mixture.of('validation', config.data)
    batch = next(validation_batches(held_out, 2, 2))
    device = next(objective.parameters()).device
    maps = objective.pictures(batch.to(device))
    arrays = {name: value[-1].float().cpu().numpy() for name, value in maps.items()}
    with staged_file(file) as part, part.open('wb') as out:
        np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
