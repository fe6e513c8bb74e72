# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copy one bag with depth added; what is finished of it outlives this process."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
import hashlib
import json
from pathlib import Path
import statistics
from typing import Any

from depth_refiner_ros import __version__
from depth_refiner_ros.apps.bag_cameras import bag_cameras, BagCamera
from depth_refiner_ros.apps.camera_frames import CameraFrames
from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.frame_refiner import FrameRefiner
from depth_refiner_ros.apps.frame_workers import DIED, FrameWorkers
from depth_refiner_ros.apps.inference import AssumedCamera
from depth_refiner_ros.apps.lost_frames import check_some_left, counter_for, dropped
from depth_refiner_ros.apps.spread import count_taken
from depth_refiner_ros.bags.additions import Additions
from depth_refiner_ros.bags.bag_copy import BagCopy
from depth_refiner_ros.bags.progress import Progress
from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.refiner.checks import kept_lenses
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.lenses import RectifySettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.lost_frames import LostFrames
from depth_refiner_ros.sources.ros.bag_paths import METADATA, storage_files
import torch

PROGRESS = '.{}.depth-refiner.progress'
"""Name of the file of finished frames, beside the copy of this name."""


@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """
    What is refined and added.

    :param frames: at most so many of each camera; 0 takes all
    """

    model: ModelSettings
    recording: RecordingSettings
    bag: BagCopySettings
    lens: RectifySettings = field(default_factory=RectifySettings)
    frames: int = 0


@dataclass(frozen=True)
class Plan:
    """A bag whose copy can be made: it and the place are checked."""

    source: Path
    copy: BagCopy
    cameras: list[BagCamera]


@dataclass(frozen=True, kw_only=True)
class Copied:
    """
    A finished copy.

    :param summary: as in the command's JSON
    :param before: whether it was there already
    """

    out: Path
    summary: dict[str, Any]
    lost: LostFrames
    before: bool = False


def plan_copy(source: Path, out: Path, options: CopyOptions) -> Plan:
    """
    Look at a bag, before networks are loaded.

    :raises SourceError: if it cannot be read, or not be copied
    :raises OutputError: if ``out`` is not a place for its copy
    :raises SettingsError: if the options contradict each other
    """
    copy = BagCopy(source, out)
    keep = kept_lenses(options.model, options.lens.rectify)
    cameras = bag_cameras(source, options.model, options.recording, options.bag, keep)
    return Plan(source, copy, cameras)


def copy_bag(plan: Plan, refiner: FrameRefiner | FrameWorkers, options: CopyOptions) -> Copied:
    """
    Refine the images of a bag and write its copy with depth, camera and cloud.

    :raises SourceError, InputError: if the bag cannot be read, or no image can be refined
    :raises OutputError: if the copy cannot be written; the frames finished so far are kept
    """
    source, copy, cameras, out = plan.source, plan.copy, plan.cameras, plan.copy.out
    depends_on = _depends_on(plan, refiner.networks, options)
    run = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()
    about = {'version': __version__, 'networks': '\n'.join(refiner.networks)}
    topics = [topic for camera in cameras for topic in camera.topics]
    with locked_file(out):
        if (there := copy.about()).get('run') == run:
            return _copied_before(out, json.loads(there['result']), refiner, options)
        lost = counter_for(sum(len(camera.source) for camera in cameras))
        with closing(_progress(out, depends_on, refiner)) as progress:
            total = sum(
                count_taken(len(camera.source), limit=options.frames) for camera in cameras
            )
            with _telling_what_is_kept(progress, total):
                with_camera = AssumedCamera(options.recording.assume_fov_deg)
                for number, camera in enumerate(cameras):
                    frames = CameraFrames(number, camera, with_camera, limit=options.frames)
                    frames.refine(refiner, progress, lost)
                done = sum(bool(kept.sizes) for kept in progress.kept.values())
                if not done:
                    progress.remove()
                check_some_left(lost, done + len(lost), 'nothing to add')
                images = [camera.source.topics.image for camera in cameras]
                additions = Additions(topics, images, progress, packed=copy.packed)
                note(f'copying {source}, with {counted(len(topics), "topic")} added')
                result = _result(additions, progress, lost)
                if not lost.by_reason[DIED]:  # else the next run tries again
                    about |= {'run': run, 'result': json.dumps(result)}
                copy.write(additions, about)
                progress.remove()
    ms = [kept.info['ms'] for kept in progress.kept.values() if kept.sizes]
    return Copied(out=out, summary=_summary(result, refiner, options, ms), lost=lost)


def _depends_on(plan: Plan, networks: list[str], options: CopyOptions) -> dict[str, Any]:
    """Return all that the messages depend on."""
    files = *storage_files(plan.source), plan.source / METADATA
    groups = options.model, options.recording, options.lens, options.bag
    chosen = {name: value for group in groups for name, value in values(group).items()}
    return {
        'version': __version__,
        'torch': torch.__version__,
        'networks': networks,
        'options': {**chosen, 'frames': options.frames},
        'files': list(map(_state, files)),
        'topics': [asdict(topic) for camera in plan.cameras for topic in camera.topics],
    }


def _state(path: Path) -> list[Any]:
    """Return what shows that a file is still the same."""
    if not path.is_file():
        return [path.name]
    found = path.stat()
    return [path.name, found.st_size, found.st_mtime_ns]


def _copied_before(
    out: Path, result: dict[str, Any], refiner: FrameRefiner | FrameWorkers, options: CopyOptions
) -> Copied:
    note(
        f'{out} is there already, of the same bag, options and weights; remove it to have it made '
        'anew'
    )
    lost = LostFrames(None)
    lost.by_reason.update(result['dropped'])
    summary = _summary(result, refiner, options, [])
    return Copied(out=out, summary=summary, lost=lost, before=True)


def _progress(
    out: Path, depends_on: dict[str, Any], refiner: FrameRefiner | FrameWorkers
) -> Progress:
    """Open the finished frames of an earlier run, or a new file for those of this one."""
    progress = Progress(out.with_name(PROGRESS.format(out.name)), depends_on)
    if progress.kept:
        again = ', and refined again, as the prior carries over from frame to frame'
        note(
            f'{counted(len(progress.kept), "frame")} of an interrupted run are kept'
            f'{again if refiner.carries_over else ""}'
        )
    if progress.dropped_run is not None:
        other = [name for name in depends_on if depends_on[name] != progress.dropped_run.get(name)]
        note(f'an interrupted run into {out} had other {" and ".join(other)}; starting over')
    return progress


@contextmanager
def _telling_what_is_kept(progress: Progress, total: int) -> Iterator[None]:
    """Say what is kept when a run ends early."""
    try:
        yield
    except OutputError as error:
        raise OutputError(f'{error}; {_kept(progress, total)}') from error
    except (KeyboardInterrupt, SystemExit):
        note(_kept(progress, total))
        raise


def _kept(progress: Progress, total: int) -> str:
    return (
        f'{len(progress.kept)} of {counted(total, "frame")} are kept in {progress.path}, and the '
        'same command continues with them'
    )


def _result(additions: Additions, progress: Progress, lost: LostFrames) -> dict[str, Any]:
    """Return what was done; the same for a run that was interrupted and one that was not."""
    used = [kept.info for kept in progress.kept.values() if kept.sizes]
    return {
        'frames': len(used),
        'dropped': dropped(lost),
        'clamped_px': sum(info['clamped'] for info in used),
        'topics': [
            {'name': topic.name, 'image': topic.image, 'messages': additions.count(index)}
            for index, topic in enumerate(additions.topics)
        ],
    }


def _summary(
    result: dict[str, Any],
    refiner: FrameRefiner | FrameWorkers,
    options: CopyOptions,
    total_ms: list[float],
) -> dict[str, Any]:
    return {
        **result,
        'settings': {**values(options.model), **values(options.bag)},
        'bundles': refiner.networks,
        'median_ms': statistics.median(total_ms) if total_ms else None,
    }
