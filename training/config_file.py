# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Configurations as YAML: strict, with inheritance.

A file may name a ``base:`` (or a list of them) beside it, whose values it overrides; the command
line overrides both with ``key=value``. Unknown keys are errors.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
from typing import cast

from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from training.config import check_config, RunConfig
from training.objectives.registry import keys_of
from yaml import YAMLError

LAYERS = 'layers_per_block'
UNFIT = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What the libraries raise for YAML of foreign types."""


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """
    Read a run's configuration.

    :param overrides: ``key=value`` with dotted keys
    :raises SettingsError: if a file is missing, or a key or value does not fit
    """
    schema = OmegaConf.structured(RunConfig)
    with one_line_errors(path):
        given = given_keys(path, overrides)
        try:
            keys = keys_of(given.get('objective', ''))
        except SettingsError as error:
            raise SettingsError(f'{path}: {error}') from error
        schema.model, schema.loss = keys.model(), keys.loss()
        model = given.get('model', {})
        if isinstance(model.get(LAYERS) if isinstance(model, DictConfig) else None, int):
            model[LAYERS] = [model[LAYERS]]  # a number, as in configurations of earlier runs
        config = cast(RunConfig, OmegaConf.to_object(OmegaConf.merge(schema, given)))
    for key in ('output', 'init_from', 'bundle'):
        setattr(config, key, os.path.expanduser(getattr(config, key)))
    check_config(config)
    return config


def given_keys(path: Path, overrides: Sequence[str]) -> DictConfig:
    """Return the keys of a file over those of its bases, and the overrides over both."""
    given = OmegaConf.merge(_with_bases(path, ()), OmegaConf.from_dotlist(list(overrides)))
    return cast(DictConfig, given)


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Turn what the libraries raise for a file into a SettingsError that names it."""
    try:
        yield
    except (OmegaConfBaseException, YAMLError, OSError, *UNFIT) as error:
        first = ' '.join(line.strip() for line in str(error).splitlines()[:2])
        if 'is not Optional' in first:  # OmegaConf's word for a key without a value
            first += '; it has no value, perhaps for want of a space after its colon'
        raise SettingsError(f'{path}: {first}') from error


def save_config(config: RunConfig, path: Path) -> None:
    """
    Write the resolved configuration beside its run.

    :raises OutputError: where it cannot be written
    """
    write_text(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


def _with_bases(path: Path, inside: tuple[Path, ...]) -> DictConfig:
    if not path.is_file():
        raise SettingsError(f'no configuration {path}; see training/configs')
    if path.resolve() in inside:
        raise SettingsError(f'{path} is its own base; remove one base key')
    own = OmegaConf.load(path)
    if not isinstance(own, DictConfig):
        raise SettingsError(f'{path} must hold key: value lines')
    bases = own.pop('base', [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, Sequence) or not all(isinstance(base, str) for base in bases):
        raise SettingsError(f'{path}: base = {shown(bases)} must be a file or a list of files')
    merged = OmegaConf.create()
    for base in bases:
        below = _with_bases(path.parent / base, (*inside, path.resolve()))
        merged = cast(DictConfig, OmegaConf.merge(merged, below))
    return cast(DictConfig, OmegaConf.merge(merged, own))
