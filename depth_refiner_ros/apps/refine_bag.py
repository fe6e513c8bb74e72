# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner refine drive.mcap --out refined.mcap``: a bag with depth added."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
import statistics
from typing import Any

from depth_refiner_ros import __version__
from depth_refiner_ros.apps.bag_cameras import bag_cameras, BagCamera
from depth_refiner_ros.apps.console import note, say, tracked, write_json
from depth_refiner_ros.apps.inference import AssumedCamera, refined
from depth_refiner_ros.apps.lost_frames import check_some_left, counter_for, dropped, end_run
from depth_refiner_ros.apps.spread import count_taken, taken
from depth_refiner_ros.bags.additions import Additions
from depth_refiner_ros.bags.bag_copy import BagCopy
from depth_refiner_ros.bags.progress import Bytes, Progress
from depth_refiner_ros.core.errors import OutputError, SettingsError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.refiner.published_depth import published_depth
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import FrameError, LostFrame, LostFrames, NO_CAMERA
from depth_refiner_ros.sources.ros.bag_messages import BagMessage
from depth_refiner_ros.sources.ros.bag_paths import METADATA, storage_files
import torch

PROGRESS = '.{}.depth-refiner.progress'
"""Name of the file of finished frames, beside the copy of this name."""


def run(
    source: Path,
    settings: ModelSettings,
    recording: RecordingSettings,
    bag: BagCopySettings,
    out: Path,
    *,
    frames: int,
    json: Path | None,
    strict: bool,
) -> None:
    """Refine the images of a bag and write its copy with depth, camera and cloud."""
    near_m, far_m = bag.min_range_m, bag.max_range_m
    if near_m >= far_m:
        raise SettingsError(f'min_range_m = {near_m:g} m must be below max_range_m = {far_m:g} m')
    copy = BagCopy(source, out)
    cameras = bag_cameras(source, settings, recording, bag)
    refiner = DepthRefiner.from_settings(settings)
    networks = refiner.describe()
    for line in networks:
        note(line)
    depends_on = {
        'version': __version__,
        'torch': torch.__version__,
        'networks': networks,
        'options': {**values(settings), **values(recording), **values(bag), 'frames': frames},
        'files': [_state(path) for path in (*storage_files(source), source / METADATA)],
        'topics': [asdict(topic) for camera in cameras for topic in camera.topics],
    }
    lost = counter_for(sum(len(camera.source) for camera in cameras))
    with locked_file(out), closing(_progress(out, depends_on, refiner)) as progress:
        total = sum(count_taken(len(camera.source), limit=frames) for camera in cameras)
        with _telling_what_is_kept(progress, total):
            work = _Work(refiner, settings, bag, AssumedCamera(recording.assume_fov_deg), lost)
            for number, camera in enumerate(cameras):
                work.refine(number, camera, progress, limit=frames)
            done = sum(bool(kept.sizes) for kept in progress.kept.values())
            if not done:
                progress.remove()
            check_some_left(lost, done + len(lost), 'nothing to add')
            images = [camera.source.topics.image for camera in cameras]
            topics = [topic for camera in cameras for topic in camera.topics]
            additions = Additions(topics, images, progress, packed=copy.packed)
            note(f'copying {source}, with {counted(len(topics), "topic")} added')
            about = {'version': __version__, 'networks': '\n'.join(networks)}
            copy.write(additions, about)
            progress.remove()
    if json:
        write_json(json, _summary(additions, progress, lost, settings, bag, networks))
    say(f'{counted(done, "depth map")} in {out}, a copy of {source}')
    end_run(lost, done + len(lost), strict=strict)


def _state(path: Path) -> list[Any]:
    """Return what shows that a file is still the same."""
    if not path.is_file():
        return [path.name]
    found = path.stat()
    return [path.name, found.st_size, found.st_mtime_ns]


def _progress(out: Path, depends_on: dict[str, Any], refiner: DepthRefiner) -> Progress:
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


class _Work:
    """Refines the images of cameras."""

    def __init__(
        self,
        refiner: DepthRefiner,
        settings: ModelSettings,
        bag: BagCopySettings,
        with_camera: AssumedCamera,
        lost: LostFrames,
    ) -> None:
        self._refiner, self._settings, self._bag = refiner, settings, bag
        self._with_camera, self._lost = with_camera, lost

    def refine(self, number: int, camera: BagCamera, progress: Progress, *, limit: int) -> None:
        """Add the messages of a camera to those that are finished."""
        source, seen = camera.source, Counter[int]()
        self._refiner.reset()
        # Kept frames are read again: what a source finds on its way, such as the range of 16-bit
        # images, is as in an unbroken run.
        pairs = taken(source.with_images(), limit=limit)
        total = count_taken(len(source), limit=limit)
        for image, frame in tracked(pairs, source.topics.image, total):
            if image is not None:
                key = number, image.bag_ns, seen[image.bag_ns]
                seen[image.bag_ns] += 1
            if isinstance(frame, LostFrame) or image is None:
                assert isinstance(frame, LostFrame), 'each frame has an image'
                self._lost.add(frame)
                continue
            if key not in progress.kept:
                info, messages = self._messages(camera, image, frame)
                progress.add(key, info, messages)
            elif self._refiner.carries_over:  # to the first frame that is not kept
                self._messages(camera, image, frame)
            if 'lost' in (info := progress.kept[key].info):
                self._lost.add(LostFrame(**info['lost']))

    def _messages(
        self, camera: BagCamera, image: BagMessage, frame: Frame
    ) -> tuple[dict[str, Any], Sequence[Bytes]]:
        """Return what is to be known about a frame, and its messages, none if it is lost."""
        try:
            frame = self._with_camera(frame)
            if frame.intrinsics is None:
                raise FrameError(NO_CAMERA, f'{frame.name} has no camera; use assume_fov_deg')
            result = refined(self._refiner, self._settings, frame)
        except FrameError as error:
            lost = LostFrame(name=frame.name, reason=error.reason, detail=str(error))
            return {'lost': asdict(lost)}, ()
        depth_m_HW = published_depth(result, self._bag)
        messages = camera.maker.messages(
            image.message.header, frame.intrinsics, frame.rgb_HW3, depth_m_HW
        )
        return {'ms': sum(result.timings_ms.values()), 'clamped': result.clamped}, messages


def _summary(
    additions: Additions,
    progress: Progress,
    lost: LostFrames,
    settings: ModelSettings,
    bag: BagCopySettings,
    networks: list[str],
) -> dict[str, Any]:
    used = [kept.info for kept in progress.kept.values() if kept.sizes]
    return {
        'frames': len(used),
        'dropped': dropped(lost),
        'settings': {**values(settings), **values(bag)},
        'bundles': networks,
        'median_ms': statistics.median(info['ms'] for info in used) if used else None,
        'clamped_px': sum(info['clamped'] for info in used),
        'topics': [
            {'name': topic.name, 'image': topic.image, 'messages': additions.count(index)}
            for index, topic in enumerate(additions.topics)
        ],
    }
