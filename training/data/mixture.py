# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several sets of images as one: each batch comes from one of them, drawn by its share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.core.messages import shown
import numpy as np
from training.config import check_shares, DataConfig, SourceConfig
from training.data.registry import open_samples
from training.data.sample import SampleSet, Window


@dataclass(frozen=True, kw_only=True)
class Part:
    """
    One set of a mixture.

    :param share: how often a batch comes from it, in units of the shares' sum
    :param cut: the run's data configuration with this set's own sizes
    """

    name: str
    samples: SampleSet
    share: float
    cut: DataConfig


class Mixture:
    """
    The sets of a configuration.

    A batch is drawn wholly from one set, since sets differ in size (Marigold, SharpDepth).

    :param parts: at least one with a share above 0
    """

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        shares = np.array([part.share for part in parts])
        self._shares = shares / shares.sum()

    @classmethod
    def of(cls, group: str, config: DataConfig) -> 'Mixture':
        """
        Open the sets of ``data.train`` or ``data.validation``.

        :raises SettingsError: where there is none
        :raises SourceError: where one cannot be read
        """
        parts = [_of_source(group, config)] if config.source else _named(group, config)
        if group == 'train':
            parts = [_thinned(part, config.fraction) for part in parts]
        return cls(parts)

    def draw(self, rng: np.random.Generator) -> Part:
        """Return the set of a batch."""
        if len(self.parts) == 1:
            return self.parts[0]  # nothing to draw
        return self.parts[int(rng.choice(len(self.parts), p=self._shares))]


def _named(group: str, config: DataConfig) -> list[Part]:
    """Return the sets that a group names."""
    sources: Mapping[str, SourceConfig] = getattr(config, group)
    if not sources:
        raise SettingsError(
            f'data.{group} names no images; name a set there, or a recording for both '
            'training and validation, such as data.source=drive.mcap'
        )
    check_shares(f'data.{group}', {name: source.share for name, source in sources.items()})
    used = {name: source for name, source in sources.items() if source.share > 0.0}
    return [_opened(name, source, config) for name, source in used.items()]


def _thinned(part: Part, fraction: float) -> Part:
    """Return a random share of a set; a smaller share is part of a larger one."""
    if fraction == 1.0:
        return part
    order = np.random.default_rng(0).permutation(len(part.samples))
    kept = sorted(order[: max(1, round(len(order) * fraction))].tolist())
    return replace(part, samples=Window(part.samples, kept))


def _of_source(group: str, config: DataConfig) -> Part:
    """Return the first frames of a recording for training, the last ones for validation."""
    source = SourceConfig(path=config.source, split=config.source_options)
    whole = _opened('source', source, config)
    count = len(whole.samples)
    held = max(1, round(count * config.held_back))
    if held >= count:
        raise SourceError(
            f'data.source = {config.source} has {count} images, of which {held} are held back for '
            'validation; name a longer recording'
        )
    numbers = range(count - held) if group == 'train' else range(count - held, count)
    return replace(whole, samples=Window(whole.samples, numbers))


def _opened(name: str, source: SourceConfig, config: DataConfig) -> Part:
    sizes = ('crop_width', 'crop_height', 'width', 'height')
    own = {key: getattr(source, key) for key in sizes if getattr(source, key)}
    try:
        samples = open_samples(source)
    except SourceError as error:
        raise SourceError(f'data set {shown(name)}: {error}') from error
    return Part(name=name, samples=samples, share=source.share, cut=replace(config, **own))
