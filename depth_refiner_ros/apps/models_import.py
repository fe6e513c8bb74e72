# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner models import``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import progress_bars, say, write_json
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.diffusion.releases.convert import convert, Converted, STEPS
from depth_refiner_ros.diffusion.releases.load import load_release, Release
from depth_refiner_ros.models.bundle import check_replaceable
from depth_refiner_ros.models.catalogue import find
from depth_refiner_ros.models.hub import fetch
from depth_refiner_ros.priors import depth_anything_3_weights as depth_anything_3
from depth_refiner_ros.priors import infinidepth_weights as infinidepth
from depth_refiner_ros.priors import pixel_perfect_depth_weights as pixel_perfect_depth
from depth_refiner_ros.priors import prior_depth_anything_weights as prior_depth_anything
from depth_refiner_ros.priors import unik3d_weights as unik3d
from depth_refiner_ros.priors import video_depth_anything_weights as video_depth_anything
from depth_refiner_ros.priors.import_checkpoint import (
    import_depth_anything,
    import_depth_anything_3,
    import_infinidepth,
    import_metric3d,
    import_moge2,
    import_pixel_perfect_depth,
    import_prior_depth_anything,
    import_unik3d,
    import_video_depth_anything,
)
from depth_refiner_ros.priors.metric3d import ARCHITECTURES
from depth_refiner_ros.priors.model_folder import WANTED
from depth_refiner_ros.priors.sizes import SIZES

CHECKPOINTS = ('.pth', '.pt', '.bin', '.safetensors')
METRIC3D_FILE, METRIC3D = 'metric_depth_', 'metric3d_'
DEPTH_ANYTHING_FILE = 'depth_anything_v2_vit'
MOGE2, MOGE2_FILE = 'moge2', 'model.pt'


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The user's choices for a refiner; see :func:`~.releases.load.load_release`."""

    method: str | None
    preset: str | None
    prediction: str | None
    widen: bool
    licence: str | None
    precision: str


def import_refiner(where: str, folder: Path, wanted: Wanted, json_file: Path | None) -> None:
    """
    Convert an official release and print the outcome.

    :raises WeightsError: if it cannot be read, is of another kind, or the bundle's output differs
    """
    check_replaceable(folder)
    with progress_bars() as bars:
        task = bars.add_task('reading the release', total=len(STEPS) + 1)
        release = load_release(
            where,
            method=wanted.method,
            preset=wanted.preset,
            prediction=wanted.prediction,
            widen=wanted.widen,
            licence=wanted.licence,
            pickles=True,
        )
        converted = convert(
            release,
            folder,
            precision=wanted.precision,
            log=lambda step: bars.update(task, description=step, advance=1),
        )
        bars.update(task, description='done', advance=1)
    _tell(release, converted, wanted)
    if json_file:
        write_json(json_file, _facts(release, converted))


def import_prior(
    checkpoint: Path, folder: Path, method: str | None, json_file: Path | None
) -> None:
    """
    Convert a checkpoint file of a prior.

    :param method: architecture, if neither the file's name nor a file beside it states it
    :raises WeightsError: if the file is unknown or unreadable
    """
    name = checkpoint.name.lower()
    if method in ARCHITECTURES or name.startswith(METRIC3D_FILE):
        architecture = method or _architecture(name)
        import_metric3d(checkpoint, folder, architecture)
        prior = 'metric3d_v2'
    elif video_depth_anything.is_published(checkpoint):
        import_video_depth_anything(checkpoint, folder)
        prior = video_depth_anything.NAME
    elif prior_depth_anything.is_published(checkpoint):
        import_prior_depth_anything(checkpoint, folder)
        prior = prior_depth_anything.NAME
    elif infinidepth.is_published(checkpoint):
        prior = import_infinidepth(checkpoint, folder)
    elif pixel_perfect_depth.is_published(checkpoint):
        import_pixel_perfect_depth(checkpoint, folder)
        prior = pixel_perfect_depth.NAME
    elif name.startswith(DEPTH_ANYTHING_FILE):
        import_depth_anything(checkpoint, folder)
        prior = 'depth_anything_v2'
    elif checkpoint.name == unik3d.PICKLE:
        import_unik3d(checkpoint, folder)
        prior = unik3d.NAME
    elif checkpoint.suffix == '.pt':
        import_moge2(checkpoint, folder)
        prior = MOGE2
    elif depth_anything_3.is_weights(checkpoint):
        prior = depth_anything_3.prior_of(import_depth_anything_3(checkpoint, folder, method))
    else:
        raise WeightsError(
            f'{checkpoint} is not a known checkpoint by its name '
            f'({METRIC3D_FILE}*.pth, {DEPTH_ANYTHING_FILE}*.pth, '
            f'{video_depth_anything.METRIC_FILE}vit*.pth, prior_depth_anything_vit*.pth, '
            f'{", ".join((*infinidepth.FILES.values(), *pixel_perfect_depth.FILES))}, '
            f'{unik3d.PICKLE}, {MOGE2_FILE}) nor Depth Anything 3 by its weights; for a refiner, '
            'give the folder of its release'
        )
    # A folder may have the name of a size, which is looked up first.
    where = f'./{folder}' if str(folder) in SIZES.get(prior, ()) else folder
    say(f'{folder}: use it with --prior {prior} --prior-weights {where}')
    if json_file:
        write_json(json_file, {'folder': str(folder), 'prior': prior})


def checkpoint_of(where: str) -> Path | None:
    """
    Return the checkpoint file of a prior, from the hub for a prior published on it.

    :param where: a file, a folder with such a file, or a hub id
    :return: None for anything else, such as the release of a refiner
    :raises WeightsError: if the hub does not serve it
    """
    path = entered_path(where)
    if path.is_file():
        return path
    if path.suffix in CHECKPOINTS and not path.exists():
        raise WeightsError(f'file {where} does not exist; give the checkpoint where it lies')
    if file := pixel_perfect_depth.file_in(path):
        return file
    if (path / MOGE2_FILE).is_file():
        return path / MOGE2_FILE
    if file := video_depth_anything.file_in(path):
        return file
    if file := prior_depth_anything.file_in(path) or unik3d.pickle_in(path):
        return file
    if file := infinidepth.file_in(path):
        return file
    if depth_anything_3.is_weights(path / depth_anything_3.FILE):
        return path / depth_anything_3.FILE
    model = None if path.is_dir() else find(where)
    if model is None:
        # Of these, a hub id alone does not say which of its files is meant.
        known = [
            model_id
            for prior in (prior_depth_anything.NAME, *infinidepth.PRIORS)
            for model_id in SIZES[prior].values()
            if where.partition(':')[0] == model_id.partition(':')[0]
        ]
        if known:
            raise WeightsError(f'{where} is not published; import one of {", ".join(known)}')
        return None
    if model.use == MOGE2:
        return fetch(model.id, (MOGE2_FILE,)) / MOGE2_FILE
    if model.use == video_depth_anything.NAME:
        return video_depth_anything.file_in(fetch(model.id, video_depth_anything.PUBLISHED))
    if model.use == prior_depth_anything.NAME:
        return prior_depth_anything.fetched(model.id)
    if model.use in infinidepth.PRIORS:
        return infinidepth.fetched(model.id)
    if model.use == pixel_perfect_depth.NAME:
        return pixel_perfect_depth.fetched(model.id)
    if model.use == unik3d.NAME:
        return fetch(model.id, (unik3d.PICKLE,)) / unik3d.PICKLE
    if model.use in depth_anything_3.PRIORS:
        return fetch(model.id, WANTED) / depth_anything_3.FILE
    return None


def _architecture(name: str) -> str:
    for known in ARCHITECTURES:
        if known.removeprefix(METRIC3D) in name:
            return known
    raise WeightsError(
        f'{name} does not state its architecture; add --method {" or ".join(ARCHITECTURES)}'
    )


def _tell(release: Release, converted: Converted, wanted: Wanted) -> None:
    say(converted.bundle.describe())
    if release.licence == 'unknown':
        say('licence unknown: ask the authors before you use it, then pass it with --licence')
    for note in release.notes:
        say(note)
    say(
        f'largest difference from the release: {converted.difference:.2g} of the depth range '
        f'(bound {converted.bound:g})'
    )
    where = converted.bundle.path
    say(
        f'not a depth model yet: start training from it with init_from={where}'
        if wanted.widen
        else f'use it with --refiner {release.network.spec.method} --refiner-weights {where}'
    )


def _facts(release: Release, converted: Converted) -> dict[str, Any]:
    return {
        'bundle': str(converted.bundle.path),
        'name': release.name,
        'licence': release.licence,
        'non_commercial': release.non_commercial,
        'source': release.source,
        'notes': list(release.notes),
        'size_mb': converted.bundle.size_bytes / 1e6,
        'difference': converted.difference,
        'bound': converted.bound,
        'spec': release.network.spec.to_dict(),
    }
