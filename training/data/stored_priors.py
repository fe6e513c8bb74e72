# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A prior's predictions, stored once for each image of a set."""

from collections.abc import Mapping
from dataclasses import replace
import json
from pathlib import Path, PurePosixPath
from typing import Any

from depth_refiner_ros.core.atomic import staged_file, write_text
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.lost_frames import FrameError
from depth_refiner_ros.sources.values import read_json
import numpy as np
from training.data.readers.maps import read_npy
from training.data.sample import Sample, SampleSet

RECORD = 'prior.json'
NO_PRIOR = 'no stored prediction'


class WithPrior:
    """
    A set with the stored prediction of each image.

    :param samples: opened by the same reader as when the predictions were made
    :param folder: output of ``training.tools.predict_prior``
    :param reader: name of the reader
    :raises SourceError: where the folder holds none, or those of another reader's images
    """

    def __init__(self, samples: SampleSet, folder: Path, reader: str) -> None:
        self.samples, self._folder = samples, folder.expanduser()
        made_by = _record(self._folder).get('reader')
        if made_by != reader:
            raise SourceError(
                f'the predictions in {folder} are of images that reader {shown(made_by)} opened, '
                f'not {reader}; predict again'
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image and its prediction.

        :raises FrameError: where one of them cannot be used
        """
        sample = self.samples[index]
        path = file_of(self._folder, sample.name)
        if not path.exists():
            raise FrameError(NO_PRIOR, f'{path} is missing; run predict_prior again')
        return replace(sample, prior_m_hw=read_npy(path).astype(np.float32))


def file_of(folder: Path, name: str) -> Path:
    """
    Return the file of an image's prediction.

    :param name: of the sample; no part of it leads out of the folder
    """
    parts = [part.replace('..', '__') for part in PurePosixPath(name).parts if part != '/']
    return folder.joinpath(*parts[:-1], f'{parts[-1]}.npy')


def store(folder: Path, name: str, depth_m_hw: np.ndarray) -> None:
    """
    Write a prediction as float16.

    :raises OutputError: if it cannot be written
    """
    with staged_file(file_of(folder, name), durable=False) as part, part.open('wb') as file:
        np.save(file, depth_m_hw.astype(np.float16))


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """
    Write what the predictions of a folder are; refuse to mix two kinds.

    :raises SourceError: where it holds others
    """
    path = folder / RECORD
    if path.exists() and _record(folder) != record:
        raise SourceError(
            f'{path} describes other predictions; continue with the same set, options and '
            'weights, or name another folder'
        )
    write_text(path, json.dumps(dict(record), indent=1) + '\n')


def _record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    if not path.is_file():
        raise SourceError(
            f'{folder} holds no {RECORD}; run python -m training.tools.predict_prior SET'
        )
    found = read_json(path)
    return found if isinstance(found, dict) else {}
