# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Any recording that ``depth-refiner`` reads: bags, TUM folders, frame lists, videos.

A recording is read from its start to its end, but training asks for any frame at any time. Its
frames are therefore extracted once, into shards in the user's cache, by the first run that opens
it; a recording that changes, or is read with other options, is extracted again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
import json
import os
from pathlib import Path
import sys
import time
from typing import Any

from depth_refiner_ros.backends.engine_cache import default_folder
from depth_refiner_ros.core.atomic import make_folder, output_errors, staged_folder
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.file_lock import try_lock
from depth_refiner_ros.core.messages import counted, shown
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.frame_list import Entry, FrameListSource
from depth_refiner_ros.sources.lost_frames import LostFrames
from depth_refiner_ros.sources.registry import open_source
from rich.progress import track
from training.data.sample import Sample
from training.data.shards import Shards, write_shard

READER = 'recording'
VERSION = 1
"""Of what is written; another one is extracted again."""
WAIT_S = 0.5
NUMBERS: dict[str, type] = {'image_bits': int, 'max_gap_s': float}
"""Options that are not words."""
Options = dict[str, str | int | float]


def open_set(path: Path, split: str) -> Shards:
    """
    Open the frames, after extracting them if this was not done before.

    :param split: options of the recording, such as ``image_topic=/cam/color,depth_topic=none``
    :raises SourceError: where it cannot be read or holds no usable frame
    :raises OutputError: where the cache cannot be written
    """
    options = _options(split)
    folder = default_folder() / 'frames' / f'{path.resolve().name}-{_key(path, options)}'
    if not folder.is_dir():
        with _turn(folder):
            if not folder.is_dir():  # another process may have made it while this one waited
                _extract(path, options, folder)
    return Shards(folder)


def _extract(path: Path, options: Options, folder: Path) -> None:
    source = open_source(str(path), recording=options, log=_say)
    lost = LostFrames(_say)
    _say(f'{path}: extracting {len(source)} frames to {folder}, once')
    with staged_folder(folder) as part:
        count = write_shard(part, 0, _samples(source, lost))
        if not count:
            raise SourceError(f'{path} holds no usable frame: {lost.first_detail() or "empty"}')
    if len(lost):
        _say(f'{path}: {counted(len(lost), "frame")} left out: {lost.counts()}')


def _samples(source: FrameSource, lost: LostFrames) -> Iterator[Sample]:
    frames = track(source, description='extracting', total=len(source))
    for number, frame in enumerate(lost.usable(frames)):
        yield Sample(
            rgb_HW3=frame.rgb_HW3,
            depth_m_HW=frame.depth_m_HW,
            intrinsics=frame.intrinsics,
            name=f'{number:06d}_{frame.name}',
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options(split: str) -> Options:
    found: Options = {}
    for word in filter(None, split.split(',')):
        name, equals, value = (part.strip() for part in word.partition('='))
        try:
            found[name] = NUMBERS.get(name, str)(value)
        except ValueError as error:
            raise SourceError(f'split: {name} = {shown(value)} must be a number') from error
        if not equals:
            raise SourceError(
                f'split = {shown(word)} of reader {READER} must hold options such as '
                'image_topic=/camera/color'
            )
    return found


def _key(path: Path, options: Options) -> str:
    """Return a word that changes with the recording's files and the options."""
    files = [path, *_listed(path)]
    if path.is_dir():
        files = sorted(file for file in path.rglob('*') if file.is_file())
    facts: list[Any] = [VERSION, str(path.resolve()), sorted(options.items())]
    for file in files:
        state = file.stat()
        facts.append([os.path.relpath(file, path.parent), state.st_size, state.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _listed(path: Path) -> list[Path]:
    """Return the files that a list of frames names, nothing for another recording."""
    if path.suffix.lower() != '.json':
        return []
    entries = [entry for entry in FrameListSource(path).entries if isinstance(entry, Entry)]
    named = [file for entry in entries for file in (entry.rgb, entry.depth)]
    return [file for file in named if file is not None and file.is_file()]


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let one process at a time extract a recording; the others wait for it."""
    path = folder.with_name(f'.{folder.name}.lock')
    make_folder(path.parent)
    with output_errors(path), path.open('a') as file:
        while try_lock(file.fileno()) is False:
            time.sleep(WAIT_S)
        yield
