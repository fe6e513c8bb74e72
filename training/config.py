# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The configuration of one run: typed, strict, with inheritance.

A YAML file may name a ``base:`` (or a list of them) beside it, whose values it overrides; the
command line overrides both with ``key=value``. Unknown keys are errors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
import difflib
from functools import reduce
from pathlib import Path
from typing import Any, cast

from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

PRECISIONS = ('no', 'bf16')
OPTIMIZERS = ('adamw', 'adam', 'muon')
SCHEDULES = ('cosine', 'constant', 'iter_exponential')


CHOICES = {'precision': PRECISIONS, 'optimizer.name': OPTIMIZERS, 'optimizer.schedule': SCHEDULES}
UNFIT = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What the libraries raise for YAML of foreign types."""
LARGEST = 1e9
LIMITS: dict[str, tuple[float, float]] = {
    'steps': (1, LARGEST),
    'batch': (1, 65536),
    'accumulate': (1, 65536),
    'threads': (0, 65536),
    'seed': (0, 2**63 - 1),
    'ema_decay': (0, 0.999999999),
    'log_every': (1, LARGEST),
    'validate_every': (1, LARGEST),
    'validation_samples': (1, LARGEST),
    'save_every': (1, LARGEST),
    'optimizer.lr': (0, 1000),
    'optimizer.weight_decay': (0, 1000),
    'optimizer.warmup_steps': (0, LARGEST),
    'optimizer.total_steps': (0, LARGEST),
    'optimizer.final_ratio': (1e-12, 1),
    'optimizer.max_grad_norm': (0, LARGEST),
    'data.crop_width': (1, 65536),
    'data.crop_height': (1, 65536),
    'data.width': (1, 65536),
    'data.height': (1, 65536),
    'data.min_zoom': (0.01, 100),
    'data.max_zoom': (0.01, 100),
    'data.photometric': (0, 10),
}


@dataclass
class OptimizerConfig:
    """
    The optimiser and its schedule.

    ``name`` is ``adamw``, ``adam`` or ``muon`` (see ``training/muon.py``); ``schedule`` is
    ``cosine``, ``constant`` or ``iter_exponential`` (Marigold, ApDepth: falls to
    ``final_ratio`` over ``total_steps``).
    """

    name: str = 'adamw'
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = 'cosine'
    warmup_steps: int = 100
    total_steps: int = 0  # 0: the run's own number of steps
    final_ratio: float = 0.01
    max_grad_norm: float = 1.0  # 0: no clipping


@dataclass
class DataConfig:
    """Rendered rooms and their augmentation."""

    rooms: str = '.data/rooms_train'  # a folder, or several with commas between
    validation: str = '.data/rooms_val'
    crop_width: int = 640  # pixels of the rendered frame, before the resize
    crop_height: int = 480
    width: int = 256  # pixels at the network
    height: int = 192
    min_zoom: float = 1.0  # crops are this much larger or smaller at random
    max_zoom: float = 1.0
    flip: bool = True
    photometric: float = 1.0  # strength of exposure, color, noise and blur changes
    degradations: dict[str, float] = field(default_factory=dict)  # kind: probability


@dataclass
class RunConfig:
    """
    One training run.

    :param objective: a file name of ``training/objectives``
    :param model: shape of the network, read by the objective
    :param loss: weights and phases, read by the objective
    """

    objective: str = ''
    output: str = ''
    init_from: str = ''  # checkpoint (its average) or bundle that the weights start from
    seed: int = 0
    steps: int = 1000  # optimiser updates
    batch: int = 8  # samples per process and micro-step
    accumulate: int = 1  # micro-steps per update
    precision: str = 'no'  # no | bf16, by autocast; weights stay fp32
    threads: int = 0  # CPU threads; 0 leaves torch's choice
    ema_decay: float = 0.999  # 0: no average is kept
    log_every: int = 20
    validate_every: int = 500
    validation_samples: int = 64
    save_every: int = 500
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, float] = field(default_factory=dict)


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """
    Read a run's configuration.

    :param overrides: ``key=value`` with dotted keys
    :raises SettingsError: if a file is missing, or a key or value does not fit
    """
    try:
        tree = OmegaConf.merge(
            OmegaConf.structured(RunConfig),
            _with_bases(path, ()),
            OmegaConf.from_dotlist(list(overrides)),
        )
        config = cast(RunConfig, OmegaConf.to_object(tree))
    except (OmegaConfBaseException, YAMLError, OSError, *UNFIT) as error:
        first = ' '.join(line.strip() for line in str(error).splitlines()[:2])
        raise SettingsError(f'{path}: {first}{_hint(first)}') from error
    _check(config)
    return config


def save_config(config: RunConfig, path: Path) -> None:
    """
    Write the resolved configuration beside its run.

    :raises OutputError: where it cannot be written
    """
    write_text(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


def check_keys(group: str, given: Iterable[str], known: Sequence[str]) -> None:
    """
    Refuse unknown keys of a free-form group.

    :raises SettingsError: naming the key and the nearest known one
    """
    for key in given:
        if key not in known:
            raise SettingsError(
                f'{group}.{key} is unknown{_nearest(key, known)}; known are {", ".join(known)}'
            )


def _check(config: RunConfig) -> None:
    for name, (low, high) in LIMITS.items():
        value = _get(config, name)
        if not low <= value <= high:
            raise SettingsError(
                f'{name} = {shown(value)} must be at least {low:g}'
                + (f' and at most {high:.9g}' if value > low else '')
            )
    for group, shares in (('loss', config.loss), ('data.degradations', config.data.degradations)):
        for name, value in shares.items():
            if not 0.0 <= value <= LARGEST:
                raise SettingsError(f'{group}.{name} = {value} must be a finite number from 0 on')
    if not config.data.min_zoom <= config.data.max_zoom:
        raise SettingsError(
            f'data.min_zoom = {config.data.min_zoom} must not be above data.max_zoom = '
            f'{config.data.max_zoom}'
        )
    for name, known in CHOICES.items():
        if (value := _get(config, name)) not in known:
            raise SettingsError(
                f'{name} = {shown(value)} must be one of '
                f'{", ".join(known)}{_nearest(value, known)}'
            )
    if not config.output:
        raise SettingsError('output is not set; name the folder of the run')


def _get(config: RunConfig, name: str) -> Any:
    return reduce(getattr, name.split('.'), config)


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


def _hint(message: str) -> str:
    known = [
        *RunConfig.__dataclass_fields__,
        *OptimizerConfig.__dataclass_fields__,
        *DataConfig.__dataclass_fields__,
    ]
    key = message.split("'")[1] if message.count("'") >= 2 else ''
    return _nearest(key, known)


def _nearest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f'; did you mean {near[0]}?' if near else ''
