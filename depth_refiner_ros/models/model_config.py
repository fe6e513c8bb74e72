# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Check a network's configuration from JSON before anything is built from it."""

from collections.abc import Callable, Iterator, Mapping
import math
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, TypeVar, Union

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown

Config = TypeVar('Config')
LARGEST = 1e6
"""Larger than any number in the configurations read here, including vocabulary sizes."""
MOST_LAYERS = 256
"""Largest number of layers; building more takes minutes, even without weights."""
COUNTS = ('layers', 'blocks')
"""Words in the names of settings that count layers."""


def check_config(
    config: Mapping[str, Any], forms: Mapping[str, Any], where: str, fix: str
) -> None:
    """
    Check types and sizes of a configuration.

    :param config: names and values; names that begin with ``_`` are ignored
    :param forms: annotations by name, where known; a list stands for a tuple of any length
    :param where: the file, for the message
    :param fix: what to do, for the message
    :raises WeightsError: if a value does not fit; the message names the first
    """
    for name, value in config.items():
        if name.startswith('_'):
            continue
        fault = _fault(name, value, forms.get(name, Any))
        if fault:
            raise WeightsError(f'{where}: {name} = {shown(value)} {fault}; {fix}')


def config_from(
    cls: Callable[..., Config], tree: Mapping[str, Any], where: str, fix: str
) -> Config:
    """
    Read a configuration of a network; lists become tuples.

    :param cls: dataclass that checks its limits
    :param where: its name, for the message
    :param fix: what to do if it is unfit, for the message
    :raises WeightsError: if a value has the wrong type
    :raises ValueError: if a value is outside its limits
    :raises TypeError: if a key is unknown or missing
    """
    check_config(tree, get_type_hints(cls), where, fix)
    return cls(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in tree.items()}
    )


def check_limits(config: object, limits: Mapping[str, tuple[float, float]]) -> None:
    """
    Check numbers, or tuples of at least one, against their limits.

    :raises ValueError: with the name and the value of the first outside
    """
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if not numbers or not all(low <= number <= high for number in numbers):
            raise ValueError(f'{name} = {shown(value)} must lie between {low} and {high}')


def _fault(name: str, value: Any, form: Any) -> str:
    most = MOST_LAYERS if any(word in name for word in COUNTS) else LARGEST
    try:
        for number in _numbers(value):
            if not abs(number) <= most:
                return f'must be finite and at most {most:g}'
    except RecursionError:
        return 'is nested too deeply'
    if not _fits(value, form):
        return f'must be of type {getattr(form, "__name__", form)}'
    return ''


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, int | float):
        yield math.inf if isinstance(value, int) and abs(value) > LARGEST else value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner)


def _fits(value: Any, form: Any) -> bool:
    origin, inner = get_origin(form), get_args(form)
    if form is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if form is tuple or origin is tuple:
        return isinstance(value, list | tuple) and all(
            _fits(item, inner[0] if inner else Any) for item in value
        )
    if form is float:
        return type(value) in (int, float)
    if value is None:  # older releases have null for False
        return form in (NoneType, bool)
    return isinstance(form, type) and type(value) is form
