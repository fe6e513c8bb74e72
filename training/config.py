# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The configuration of one run: every key with its type, default and range."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import reduce
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown

PRECISIONS = ('fp32', 'bf16')
OPTIMIZERS = ('adamw', 'adam', 'muon')
SCHEDULES = ('cosine', 'constant', 'iter_exponential')
EMA_CURVES = ('warmup', 'ema_pytorch')

CHOICES = {
    'precision': PRECISIONS,
    'optimizer.name': OPTIMIZERS,
    'optimizer.schedule': SCHEDULES,
    'ema.curve': EMA_CURVES,
}
LARGEST = 1e9
LIMITS: dict[str, tuple[float, float]] = {
    'steps': (1, LARGEST),
    'batch': (1, 65536),
    'accumulate': (1, 65536),
    'threads': (0, 65536),
    'workers': (0, 1024),
    'seed': (0, 2**63 - 1),
    'log_every': (1, LARGEST),
    'validate_every': (1, LARGEST),
    'validation_samples': (1, LARGEST),
    'save_every': (1, LARGEST),
    'pictures': (0, 64),
    'exit_after_min': (0, LARGEST),
    'ema.decay': (0, 0.999999999),
    'ema.every': (1, LARGEST),
    'ema.after': (0, LARGEST),
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
    'data.camera_effects': (0, 2),
    'data.held_back': (0.01, 0.9),
    'data.fraction': (0.0001, 1.0),
    'data.assume_fov_deg': (0, 179),
}
SOURCE_LIMITS = {
    'share': (0, LARGEST),
    **dict.fromkeys(('crop_width', 'crop_height', 'width', 'height'), (0, 65536)),
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
    # Beginning of parameters' names, such as network.encoder.image: factor on their rate; 0 leaves
    # them as they are.
    rates: dict[str, float] = field(default_factory=dict)


@dataclass
class EmaConfig:
    """
    The moving average of the weights, kept in fp32.

    ``curve`` is how the decay grows to its final value: ``warmup``, (1 + n) / (10 + n), or
    ``ema_pytorch``, 1 - (n - after)^(-2/3), as SharpDepth's code has it.
    """

    decay: float = 0.999  # 0: the weights themselves
    curve: str = 'warmup'
    every: int = 1  # updates between two averagings
    after: int = 0  # updates before the first; the average is a copy until then


@dataclass
class SourceConfig:
    """
    One set of images: where it lies, how often it is drawn, how it is cut.

    ``reader`` is a name of ``training/data/registry.py``; '' takes the one that fits the path.
    Sizes of 0 are those of ``data``; sets of different sizes never share a batch.
    """

    path: str = ''
    reader: str = ''
    split: str = ''  # a rule of the reader or a list file, see docs/data.md
    prior: str = ''  # folder of predictions that ``training.tools.predict_prior`` wrote
    share: float = 1.0  # how often a batch is drawn from it; 0 leaves it out
    crop_width: int = 0
    crop_height: int = 0
    width: int = 0
    height: int = 0


@dataclass
class DataConfig:
    """Images, with depth or without, and their augmentation."""

    train: dict[str, SourceConfig] = field(default_factory=dict)
    validation: dict[str, SourceConfig] = field(default_factory=dict)
    source: str = ''  # a recording or folder of images that both are taken from instead
    source_options: str = ''  # of a recording, such as image_topic=/front/image, see docs/data.md
    held_back: float = 0.33  # share of its frames, the last ones, that validation keeps
    fraction: float = 1.0  # of every training set's images, at random; smaller ones are nested
    assume_fov_deg: float = 0.0  # horizontal, of images without a camera; 0: not known
    crop_width: int = 640  # pixels of the image, before the resize
    crop_height: int = 480
    width: int = 256  # pixels at the network
    height: int = 192
    min_zoom: float = 1.0  # crops are this much larger or smaller at random
    max_zoom: float = 1.0
    flip: bool = True
    photometric: float = 1.0  # strength of exposure, color, noise and blur changes
    camera_effects: float = 0.0  # of vignette, glare, blur, grain, sharpening, JPEG
    priors: dict[str, float] = field(default_factory=dict)  # kind of prior: share


@dataclass
class RunConfig:
    """
    One training run.

    ``model`` and ``loss`` hold the keys of the objective's ``Model`` and ``Loss``.

    :param objective: a file name of ``training/objectives``
    """

    objective: str = ''
    output: str = ''
    init_from: str = ''  # checkpoint (its average) or bundle that the weights start from
    bundle: str = ''  # folder of the bundle that the finished run is exported to; '': none
    seed: int = 0
    steps: int = 1000  # optimiser updates
    batch: int = 8  # samples per process and micro-step
    accumulate: int = 1  # micro-steps per update
    precision: str = 'fp32'  # fp32 | bf16, by autocast; weights stay fp32
    shard: bool = False  # spread weights, moments and averages over the processes
    recompute: bool = False  # activations in the backward pass: less memory, a third more time
    threads: int = 0  # CPU threads; 0 leaves torch's choice
    workers: int = 0  # processes that read images; 0 reads in the main process
    log_every: int = 20
    validate_every: int = 500
    validation_samples: int = 64
    save_every: int = 500
    pictures: int = 0  # validation images drawn at each validation
    exit_after_min: float = 0.0  # save and stop after this many minutes; 0 runs to the end
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    ema: EmaConfig = field(default_factory=EmaConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: Any = None
    loss: Any = None


def check_config(config: RunConfig) -> None:
    """
    Raise for values outside their ranges.

    :raises SettingsError: naming the key, its value and the range
    """
    for name, limits in LIMITS.items():
        _check_number(name, _get(config, name), *limits)
    for group in ('train', 'validation'):
        for name, source in getattr(config.data, group).items():
            for key, limits in SOURCE_LIMITS.items():
                _check_number(f'data.{group}.{name}.{key}', getattr(source, key), *limits)
    for name, value in config.optimizer.rates.items():
        _check_number(f'optimizer.rates.{name}', value, 0.0, 1000.0)
    for name, value in config.data.priors.items():
        _check_number(f'data.priors.{name}', value, 0.0, LARGEST)
    for item in fields(config.loss) if config.loss is not None else ():
        value = getattr(config.loss, item.name)
        if type(value) in (int, float):
            _check_number(f'loss.{item.name}', value, 0.0, LARGEST)
    if not config.data.min_zoom <= config.data.max_zoom:
        raise SettingsError(
            f'data.min_zoom = {config.data.min_zoom} must not be above data.max_zoom = '
            f'{config.data.max_zoom}'
        )
    _check_windows(config.data)
    if config.data.source_options and not config.data.source:
        raise SettingsError(
            f'data.source_options = {shown(config.data.source_options)} has no effect without '
            'data.source; options of a set of data.train are its split'
        )
    for name, known in CHOICES.items():
        check_choice(name, _get(config, name), known)
    if not config.output:
        raise SettingsError('output is not set; name the folder of the run')


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """
    Raise for an unknown word.

    :raises SettingsError: naming the key, the word and the nearest known one
    """
    if value not in known:
        raise SettingsError(
            f'{name} = {shown(value)} must be one of {", ".join(known)}{nearest(value, known)}'
        )


def check_keys(group: str, given: Iterable[str], known: Sequence[str]) -> None:
    """
    Refuse unknown keys of a mapping.

    :raises SettingsError: naming the key and the nearest known one
    """
    for key in given:
        if key not in known:
            raise SettingsError(
                f'{group}.{key} is unknown{nearest(key, known)}; known are {", ".join(known)}'
            )


def check_shares(group: str, shares: Mapping[str, float]) -> None:
    """
    Raise where shares do not say how often each is drawn.

    :raises SettingsError: naming the key
    """
    if not shares or min(shares.values()) < 0.0 or sum(shares.values()) <= 0.0:
        raise SettingsError(f'{group} = {shares} must hold shares, not all of them 0')


def _check_windows(data: DataConfig) -> None:
    """Raise where the smallest window that is cut would have no pixel."""
    groups = {'train': data.train, 'validation': data.validation}
    own = {
        f'data.{group}.{name}': sizes for group in groups for name, sizes in groups[group].items()
    }
    for name, sizes in {'data': data, **own}.items():
        for key in ('crop_width', 'crop_height'):
            pixels = getattr(sizes, key)  # 0, of a set, takes that of data
            if 0 < pixels < data.max_zoom:
                raise SettingsError(
                    f'data.max_zoom = {data.max_zoom:g} leaves less than a pixel of '
                    f'{name}.{key} = {pixels}; lower it, or raise {name}.{key}'
                )


def _check_number(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingsError(
            f'{name} = {shown(value)} must be at least {low:g}'
            + (f' and at most {high:.9g}' if value > low else '')
        )


def _get(config: RunConfig, name: str) -> Any:
    return reduce(getattr, name.split('.'), config)
