"""
The configuration of one run: typed, strict, inherited.

A YAML file may name a ``base:`` (or a list of them) beside it, whose values it overrides; the
command line overrides both with ``key=value``. Unknown keys are errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
import difflib
from pathlib import Path
from typing import Any, cast

from depth_refiner_ros.core.errors import SettingsError
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException


@dataclass
class OptimizerConfig:
    """
    AdamW and its schedule.

    ``name`` is ``adamw`` or ``adam``; ``schedule`` is ``cosine``, ``constant`` or
    ``iter_exponential`` (Marigold, ApDepth: falls to ``final_ratio`` over ``total_steps``).
    """

    name: str = 'adamw'
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = 'cosine'
    warmup_steps: int = 100
    total_steps: int = 0          # 0: the run's own number of steps
    final_ratio: float = 0.01
    max_grad_norm: float = 1.0    # 0: no clipping


@dataclass
class DataConfig:
    """Rendered rooms and what is done to them before the network sees them."""

    rooms: str = '.data/rooms_train'
    validation: str = '.data/rooms_val'
    crop_width: int = 640         # pixels of the rendered frame, before the resize
    crop_height: int = 480
    width: int = 256              # pixels at the network
    height: int = 192
    min_zoom: float = 1.0         # crops are this much larger or smaller at random
    max_zoom: float = 1.0
    flip: bool = True
    photometric: float = 1.0      # strength of exposure, colour, noise and blur changes
    degradations: dict[str, float] = field(default_factory=dict)   # kind: probability
    prior: str = ''               # bundle whose predictions are one of the degradations


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
    init_from: str = ''           # checkpoint folder or bundle whose weights start the run
    seed: int = 0
    steps: int = 1000             # optimiser updates
    batch: int = 8                # samples per process and micro-step
    accumulate: int = 1           # micro-steps per update
    precision: str = 'no'         # no | bf16 | fp16, by autocast; weights stay fp32
    threads: int = 0              # CPU threads; 0 leaves torch's choice
    ema_decay: float = 0.999      # 0: no average is kept
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
        tree = OmegaConf.merge(OmegaConf.structured(RunConfig), _with_bases(path),
                               OmegaConf.from_dotlist(list(overrides)))
    except OmegaConfBaseException as error:
        first = str(error).splitlines()[0]
        raise SettingsError(f'{path}: {first}{_hint(first)}') from error
    return cast(RunConfig, OmegaConf.to_object(tree))


def save_config(config: RunConfig, path: Path) -> None:
    """Write the whole resolved configuration beside its run."""
    path.write_text(OmegaConf.to_yaml(OmegaConf.structured(config)))


def _with_bases(path: Path) -> DictConfig:
    if not path.is_file():
        raise SettingsError(f'no configuration {path}; see training/configs')
    own = cast(DictConfig, OmegaConf.load(path))
    bases = own.pop('base', [])
    merged = OmegaConf.create()
    for base in [bases] if isinstance(bases, str) else bases:
        merged = cast(DictConfig, OmegaConf.merge(merged, _with_bases(path.parent / base)))
    return cast(DictConfig, OmegaConf.merge(merged, own))


def _hint(message: str) -> str:
    known = [*RunConfig.__dataclass_fields__, *OptimizerConfig.__dataclass_fields__,
             *DataConfig.__dataclass_fields__]
    key = message.split("'")[1] if message.count("'") >= 2 else ''
    near = difflib.get_close_matches(key, known, n=1)
    return f'; did you mean {near[0]}?' if near else ''
