# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read values from files that others wrote, checking type and range."""

from collections.abc import Iterable
import json
import math
from pathlib import Path
from typing import Any

from depth_refiner_ros.core import text_file
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.messages import not_parsed, printable, shown
import yaml

DEPTH_SCALES = (1e-3, 1e9)
"""Least and greatest number of file units per metre."""
OPENCV_HEADER = '%YAML:1.0'
"""What OpenCV writes on top of its files, which is not YAML."""
FOCAL = ('fx', 'fy')
MOST = 1e9
"""Largest parameter of a camera: a product of two fits into float32."""
MOST_PIXELS = 65_535
"""Longest image edge in pixels."""


def read_text(path: Path) -> str:
    """
    Read a text; see :func:`text_file.read_text`.

    :raises SourceError: if the file is missing or is not text
    """
    try:
        return text_file.read_text(path)
    except InputError as error:
        raise SourceError(str(error)) from error


def read_json(path: Path) -> Any:
    """
    Read a JSON file.

    :raises SourceError: if the file cannot be read or is not JSON
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SourceError(not_parsed(path, 'JSON', error)) from error


def read_yaml_words(path: Path) -> dict[str, Any]:
    """
    Read a YAML mapping whose values are strings, or lists of strings.

    YAML's own types are not parsed, because its loader fails in many ways on foreign files.

    :raises SourceError: if the file cannot be read or is not a YAML mapping
    """
    try:
        content = read_text(path).removeprefix(OPENCV_HEADER)
        words = yaml.load(content, yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceError(
            f'{not_parsed(path, "YAML", error)}; its lines are such as fx: 525.0'
        ) from error
    if not isinstance(words, dict):
        raise SourceError(f'{path} must hold lines such as width: 640')
    return words


def number(name: str, value: Any, low: float, high: float) -> float:
    """
    Return a number.

    :param value: int, float or the text of one
    :raises InputError: if it is not a number from ``low`` to ``high``
    """
    found = _number_or_nan(value)
    if not low <= found <= high:
        hint = _point_hint(value)
        raise InputError(
            f'{name} = {shown(value)} must be a number from {low:g} to {high:g}{hint}'
        )
    return found


def _number_or_nan(value: Any) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _point_hint(value: Any) -> str:
    """Return how to write a number that has a decimal comma, '' for what is none."""
    if not isinstance(value, str) or value.count(',') != 1:
        return ''
    pointed = value.strip().replace(',', '.')
    return '' if math.isnan(_number_or_nan(pointed)) else f'; write it with a point: {pointed}'


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """
    Return a whole number.

    :raises InputError: if it is not a whole number from ``low`` to ``high``
    """
    found = number(name, value, low, high)
    if found != int(found):
        raise InputError(f'{name} = {shown(value)} must be a whole number')
    return int(found)


def numbers(name: str, values: Any, count: int | None = None) -> list[float]:
    """
    Return a list of numbers.

    :param count: wanted length, None for any
    :raises InputError: if it is not a list of ``count`` numbers
    """
    if not isinstance(values, list) or (count is not None and len(values) != count):
        wanted = 'numbers' if count is None else f'{count} numbers'
        raise InputError(f'{name} = {shown(values)} must be a list of {wanted}')
    return [number(name, value, -MOST, MOST) for value in values]


def text(name: str, value: Any, default: str | None = None) -> str:
    """
    Return a string that can be printed.

    :param default: stands for None; without a default, None is refused
    :raises InputError: if it is not a string
    """
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise InputError(f'{name} = {shown(value)} must be a text')
    return printable(value)


def file_name(name: str, value: Any) -> str:
    """
    Return the name of a file unchanged.

    :raises InputError: if it is not a string, or no file can have that name
    """
    if not isinstance(value, str) or not value or '\0' in value:
        raise InputError(f'{name} = {shown(value)} must name a file')
    return value


def pinhole(fx_fy_cx_cy: Iterable[Any]) -> list[float]:
    """
    Return the four parameters of a camera as numbers.

    :raises InputError: if one is not a number; that a focal length is positive is said here, but
        checked by :class:`Intrinsics`, which knows what is plausible
    """
    found = []
    for name, value in zip(('fx', 'fy', 'cx', 'cy'), fx_fy_cx_cy, strict=True):
        if name in FOCAL and not abs(_number_or_nan(value)) <= MOST:
            raise InputError(
                f'{name} = {shown(value)} must be a number above 0, up to {MOST:g}'
                f'{_point_hint(value)}'
            )
        found.append(number(name, value, -MOST, MOST))
    return found


def camera(fx_fy_cx_cy: Iterable[Any], width: Any, height: Any) -> Intrinsics:
    """
    Return a camera model.

    :raises InputError: if a value is not a number or is out of range
    """
    fx, fy, cx, cy = pinhole(fx_fy_cx_cy)
    return Intrinsics(
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        width=whole_number('width', width, 1, MOST_PIXELS),
        height=whole_number('height', height, 1, MOST_PIXELS),
    )
