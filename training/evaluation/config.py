# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The configuration of one evaluation: images, protocol, and the rows to compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import os
from pathlib import Path
import re
from typing import Any, cast

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.bundle import sha256
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.options import flatten, updated
from omegaconf import OmegaConf
from training.config import check_choice, SourceConfig
from training.config_file import given_keys, one_line_errors
from training.evaluation.protocols import ALIGNMENTS, protocol_of

MAPS = ('refined', 'prior', 'difference')
DTYPES = ('float32', 'float16')
LISTS = ('.txt', '.json')
"""Files that name images: of readers, and of frames."""
ROW_NAME = re.compile(r'[\w-][\w.-]*(/[\w-][\w.-]*)?')


@dataclass
class RowConfig:
    """
    One row of a table.

    :param model: options of ``docs/parameters.md`` that differ from those of all rows
    :param map: what is stored: ``refined`` depth, the ``prior`` it started from, or their
        ``difference``, which is for pictures and is not scored
    :param align: fit to the ground truth: ``none``, ``depth`` or ``disparity``
    """

    model: dict[str, Any] = field(default_factory=dict)
    map: str = 'refined'
    align: str = 'none'


@dataclass
class EvaluationConfig:
    """
    One evaluation.

    :param output: folder of predictions and scores
    :param protocol: a name of ``training/evaluation/protocols.py``
    :param data: the images, by a reader of training data
    :param source: a recording or frame list of the package instead of ``data``
    :param model: options of ``docs/parameters.md`` for all rows
    :param rows: name to row; ``SET/prior``, ``SET/aligned`` and ``SET/refined`` stand together
        in tables
    """

    output: str = ''
    protocol: str = ''
    data: SourceConfig = field(default_factory=SourceConfig)
    source: str = ''
    limit: int = 0  # images; 0 takes all
    assume_fov_deg: float = 60.0  # of images without a camera; 0 assumes none
    dtype: str = 'float32'  # of the predictions; float16 halves the disk space
    model: dict[str, Any] = field(default_factory=dict)
    smear: dict[str, Any] = field(default_factory=dict)  # errors of prior smeared
    rows: dict[str, RowConfig] = field(default_factory=dict)

    def settings(self, row: str) -> ModelSettings:
        """
        Return the options of a row.

        :raises SettingsError: for an unknown option or an unfit value
        """
        return _options(
            f'rows.{row}', ModelSettings(), {**self.model, **_plain(self.rows[row].model)}
        )

    def smear_settings(self) -> SmearSettings:
        """
        Return the errors of prior ``smeared``.

        :raises SettingsError: for an unknown option or an unfit value
        """
        return _options('smear', SmearSettings(), self.smear)

    def images(self) -> dict[str, Any]:
        """Return which images are meant, as it is written beside predictions."""
        place = self.source or self.data.path
        return {
            'set': place if ':' in place else str(Path(place).expanduser().resolve()),
            'reader': '' if self.source else self.data.reader,
            'split': '' if self.source else self.data.split,
            'smear': dict(self.smear),
            'assume_fov_deg': self.assume_fov_deg,
        }

    def listed(self) -> str:
        """Return a digest of the list that names the images, '' where there is none."""
        name = self.source or self.data.split.partition('@')[0]
        file = Path(name).expanduser()
        return sha256(file) if file.suffix in LISTS and file.is_file() else ''


def load_evaluation(path: Path, overrides: Sequence[str] = ()) -> EvaluationConfig:
    """
    Read the configuration of an evaluation.

    :param overrides: ``key=value`` with dotted keys
    :raises SettingsError: if a file is missing, or a key or value does not fit
    """
    with one_line_errors(path):
        schema = OmegaConf.structured(EvaluationConfig)
        merged = OmegaConf.merge(schema, given_keys(path, overrides))
        config = cast(EvaluationConfig, OmegaConf.to_object(merged))
    config.output = os.path.expanduser(config.output)
    check_evaluation(config)
    return config


def check_evaluation(config: EvaluationConfig) -> None:
    """
    Raise for values that do not fit.

    :raises SettingsError: naming the key and the fix
    """
    protocol_of(config.protocol)
    check_choice('dtype', config.dtype, DTYPES)
    if not config.output:
        raise SettingsError('output is not set; name the folder of the evaluation')
    if bool(config.source) == bool(config.data.path):
        raise SettingsError('set one of source and data.path: where the images come from')
    if config.limit < 0:
        raise SettingsError(f'limit = {config.limit} must not be negative; 0 takes all images')
    if not config.rows:
        raise SettingsError('rows is empty; name at least one, such as rows.refined.map=refined')
    for name, row in config.rows.items():
        if not ROW_NAME.fullmatch(name):
            raise SettingsError(
                f'rows.{shown(name)} must be NAME or SET/NAME of letters, digits, _, - and .'
            )
        check_choice(f'rows.{name}.map', row.map, MAPS)
        check_choice(f'rows.{name}.align', row.align, ALIGNMENTS)
        config.settings(name)
    config.smear_settings()


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(flatten(given))


def _options(where: str, group: Any, given: Mapping[str, Any]) -> Any:
    try:
        return updated(group, _plain(given))
    except SettingsError as error:
        raise SettingsError(f'{where}: {error}') from error
