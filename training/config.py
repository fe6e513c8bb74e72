"""
The configuration of one run: typed, strict, inherited.

A YAML file may name a ``base:`` (or a list of them) beside it, whose values it overrides; the
command line overrides both with ``key=value``. Unknown keys are errors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
import difflib
from pathlib import Path
from typing import Any, cast

from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import SettingsError
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

PRECISIONS = ('no', 'bf16')
OPTIMIZERS = ('adamw', 'adam', 'muon')
SCHEDULES = ('cosine', 'constant', 'iter_exponential')


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
    """Rendered rooms and what is done to them before the network sees them."""

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
    :raises SettingsError: where a file is missing or a key or value does not fit
    """
    try:
        tree = OmegaConf.merge(
            OmegaConf.structured(RunConfig),
            _with_bases(path, ()),
            OmegaConf.from_dotlist(list(overrides)),
        )
        config = cast(RunConfig, OmegaConf.to_object(tree))
    except (OmegaConfBaseException, YAMLError, UnicodeDecodeError) as error:
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
    lowest = {
        'steps': 1,
        'batch': 1,
        'accumulate': 1,
        'threads': 0,
        'seed': 0,
        'ema_decay': 0,
        'log_every': 1,
        'validate_every': 1,
        'validation_samples': 1,
        'save_every': 1,
    }
    for name, low in lowest.items():
        if not getattr(config, name) >= low:
            raise SettingsError(f'{name} = {getattr(config, name)} must be at least {low}')
    if not config.ema_decay < 1.0:
        raise SettingsError(f'ema_decay = {config.ema_decay} must be below 1')
    for key, value, known in (
        ('precision', config.precision, PRECISIONS),
        ('optimizer.name', config.optimizer.name, OPTIMIZERS),
        ('optimizer.schedule', config.optimizer.schedule, SCHEDULES),
    ):
        if value not in known:
            raise SettingsError(
                f'{key} = {value!r} must be one of {", ".join(known)}{_nearest(value, known)}'
            )
    if not config.output:
        raise SettingsError('output is not set; name the folder of the run')


def _with_bases(path: Path, inside: tuple[Path, ...]) -> DictConfig:
    if not path.is_file():
        raise SettingsError(f'no configuration {path}; see training/configs')
    if path.resolve() in inside:
        raise SettingsError(f'{path} is its own base; remove one base key')
    own = OmegaConf.load(path)
    if not isinstance(own, DictConfig):
        raise SettingsError(f'{path} must hold key: value lines')
    bases = own.pop('base', [])
    merged = OmegaConf.create()
    for base in [bases] if isinstance(bases, str) else bases:
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
