# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Pack a set of images into tar files.

``python -m training.tools.make_shards SET OUT --reader hypersim`` writes ``shard_NNNNN.tar`` with
an index beside it, which reader ``shards`` opens. A few large files copy faster than 100,000 small
ones and spare a network drive a search for each image. Images that cannot be read are left out
and counted. An interrupted run continues with the same command.
"""

from collections.abc import Iterator
import json
from pathlib import Path
import sys
from typing import Annotated

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.sources.lost_frames import FrameError, LostFrame, LostFrames
from depth_refiner_ros.sources.values import read_json
from rich.progress import Progress
from training.config import SourceConfig
from training.data.registry import open_samples
from training.data.sample import Sample, SampleSet
from training.data.shards import RECORD, write_shard
from training.program import ended
import typer


def pack(source: SourceConfig, out: Path, per_shard: int = 1000) -> None:
    """
    Pack a set, or what is left of it.

    :raises SourceError: where it cannot be read, or the folder holds another set's shards
    :raises OutputError: where the folder cannot be written
    """
    samples = open_samples(source)
    lost = LostFrames(note)
    with locked_folder(out), Progress() as progress:
        _record(out, source, len(samples), per_shard)
        task = progress.add_task('packing', total=len(samples))
        for number, first in enumerate(range(0, len(samples), per_shard)):
            rows = range(first, min(first + per_shard, len(samples)))
            if not (out / f'shard_{number:05d}.json').exists():
                write_shard(out, number, usable(samples, rows, lost))
            progress.advance(task, len(rows))
    if len(lost):
        note(f'{counted(len(lost), "image")} left out: {lost.counts()}')


def usable(samples: SampleSet, rows: range, lost: LostFrames) -> Iterator[Sample]:
    """Yield the samples of some numbers, without those that cannot be read."""
    for index in rows:
        try:
            yield samples[index]
        except FrameError as error:
            lost.add(LostFrame(name=str(index), reason=error.reason, detail=str(error)))


def _record(out: Path, source: SourceConfig, count: int, per_shard: int) -> None:
    """Write what the folder holds; refuse to mix sets."""
    record = {
        'set': str(Path(source.path).expanduser().resolve()),
        'reader': source.reader,
        'split': source.split,
        'images': count,
        'images_per_shard': per_shard,
    }
    path = out / RECORD
    if path.exists() and read_json(path) != record:
        raise SourceError(
            f'{path} describes other shards; continue with the same options, or name another '
            'folder'
        )
    write_text(path, json.dumps(record, indent=1) + '\n')


def main(
    set_: Annotated[str, typer.Argument(metavar='SET', help='Folder of the set.')],
    out: Annotated[Path, typer.Argument(help='Folder for the shards.')],
    reader: Annotated[str, typer.Option(help='Name of docs/data.md.')] = '',
    split: Annotated[str, typer.Option(help='Part of the set, or a list file.')] = '',
    per_shard: Annotated[int, typer.Option(min=1, help='Images in a tar file.')] = 1000,
) -> None:
    """Pack a set of images into tar files that are read by number."""
    pack(SourceConfig(path=set_, reader=reader, split=split), out, per_shard)


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
