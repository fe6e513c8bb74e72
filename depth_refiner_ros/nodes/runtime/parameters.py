# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS parameters, declared and checked by the table of options."""

from collections.abc import Callable, Mapping
import math
from typing import Any, Generic, TypeVar

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.nodes.runtime.qos_overrides import check_overrides
from depth_refiner_ros.settings.options import Option, options, updated, Value, values
from depth_refiner_ros.settings.parameter_file import as_word
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

Group = TypeVar('Group')
FOREIGN = ('use_sim_time', 'qos_overrides.', 'start_type_description_service')
"""Parameters that rclpy itself handles."""
LARGEST_INT = 2**63 - 1


class NodeParameters(Generic[Group]):
    """
    The settings of one node, always complete and checked.

    :param node: made with ``automatically_declare_parameters_from_overrides=True``, which exposes
        everything that the user set, including unknown names
    :param defaults: settings for parameters that are not set
    :param preset: returns changes of the defaults for given parameters, such as a profile
    :raises SettingsError: if a given name is unknown or a value unfit
    """

    def __init__(
        self,
        node: Node,
        defaults: Group,
        preset: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _: {},
    ) -> None:
        self._node = node
        check_overrides(node)
        given = _take_given(node, options(type(defaults)))
        self.settings = _checked(updated(updated(defaults, preset(given)), given))
        for name, described in options(type(self.settings)).items():
            value = values(self.settings)[name]
            node.declare_parameter(name, value, descriptor_of(described), ignore_override=True)
        node.add_on_set_parameters_callback(self._set)

    def _set(self, changes: list[Parameter]) -> SetParametersResult:
        ours = {change.name: change.value for change in changes if not _is_foreign(change.name)}
        try:
            self.settings = _checked(updated(self.settings, ours, running=True))
        except SettingsError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)


def descriptor_of(described: Option) -> ParameterDescriptor:
    """Return an option's type, doc, range and whether it is fixed, as tools show them."""
    unit = f' [{described.unit}]' if described.unit else ''
    descriptor = ParameterDescriptor(
        description=described.doc + unit, read_only=not described.runtime
    )
    if described.choices:
        descriptor.additional_constraints = f'one of {described.allowed}'
    bounded = described.low is not None or described.high is not None
    if bounded and described.type is float:
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=_or(described.low, -math.inf), to_value=_or(described.high, math.inf)
            )
        ]
    elif bounded:
        descriptor.integer_range = [
            IntegerRange(
                from_value=int(_or(described.low, -LARGEST_INT)),
                to_value=int(_or(described.high, LARGEST_INT)),
                step=1,
            )
        ]
    return descriptor


def _take_given(node: Node, known: Mapping[str, Option]) -> dict[str, Value]:
    """Return what the user set, and undeclare it, to be declared with its description."""
    given = {
        name: parameter.value
        for name, parameter in node.get_parameters_by_prefix('').items()
        if not _is_foreign(name)
    }
    for name in given:
        node.undeclare_parameter(name)
    return {name: as_word(value, known.get(name)) for name, value in given.items()}


def _checked(settings: Group) -> Group:
    """Raise for empty ranges."""
    near_m, far_m = getattr(settings, 'min_range_m', 0.0), getattr(settings, 'max_range_m', 1.0)
    if near_m >= far_m:
        raise SettingsError(f'min_range_m = {near_m:g} m must be below max_range_m = {far_m:g} m')
    return settings


def _is_foreign(name: str) -> bool:
    return name.startswith(FOREIGN)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
