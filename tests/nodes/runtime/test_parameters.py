# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.nodes.outputs import profiles
from depth_refiner_ros.nodes.runtime.parameters import NodeParameters
from depth_refiner_ros.settings.nodes import (
    PlayerNodeSettings,
    PROFILES,
    RefinerNodeSettings,
    TsdfNodeSettings,
)
from depth_refiner_ros.settings.options import options, values
import pytest
from rcl_interfaces.msg import ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter

KINDS = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
}


@pytest.fixture
def make(probe):
    nodes = []

    def made(given=None, group=RefinerNodeSettings, preset=profiles.changes):
        overrides = [Parameter(name, value=value) for name, value in (given or {}).items()]
        node = Node(
            'parameters',
            context=probe.context,
            parameter_overrides=overrides,
            automatically_declare_parameters_from_overrides=True,
        )
        nodes.append(node)
        return node, NodeParameters(node, group(), preset)

    yield made
    for node in nodes:
        node.destroy_node()


@pytest.mark.parametrize('group', [RefinerNodeSettings, TsdfNodeSettings])
def test_every_option_is_a_described_parameter(make, group):
    node, parameters = make(group=group, preset=lambda _: {})
    for name, described in options(group).items():
        assert node.get_parameter(name).value == values(group())[name]
        shown = node.describe_parameter(name)
        assert shown.type == KINDS[described.type]
        assert shown.description.startswith(described.doc)
        assert shown.read_only is not described.runtime
        if described.type is float and described.high is not None:
            assert shown.floating_point_range[0].to_value == described.high
        if described.type is int and described.low is not None:
            assert shown.integer_range[0].from_value == described.low
        if described.choices:
            assert shown.additional_constraints == f'one of {described.allowed}'
    assert parameters.settings == group()


def test_given_values_are_taken_and_whole_numbers_serve_as_floats(make):
    node, parameters = make({'max_range_m': 20, 'points.stride': 3, 'use_sim_time': True})
    assert parameters.settings.max_range_m == 20.0
    assert parameters.settings.points.stride == 3
    assert node.get_parameter('max_range_m').value == 20.0
    assert node.get_parameter('use_sim_time').value is True


def test_a_bare_off_is_a_word(make):
    """``-p lock_step:=off`` arrives as False, because YAML takes it for a boolean."""
    _, parameters = make({'lock_step': False}, PlayerNodeSettings, lambda _: {})
    assert parameters.settings.lock_step == 'off'
    with pytest.raises(SettingsError, match='must be of type str'):
        make({'source': False}, PlayerNodeSettings, lambda _: {})


def test_unfit_values_are_refused_at_the_start(make, subtests):
    cases = [
        ({'max_rnage_m': 3.0}, 'unknown option max_rnage_m; did you mean max_range_m'),
        ({'max_range_m': 1e9}, 'max_range_m = 1000000000.0 m is outside'),
        ({'max_range_m': 'far'}, 'must be of type float'),
        ({'points.stride': 1.5}, 'must be of type int'),
        ({'profile': 'nvblocks'}, 'did you mean nvblox'),
        ({'min_range_m': 90.0}, 'min_range_m = 90 m must be below max_range_m = 80 m'),
    ]
    for given, complaint in cases:
        with subtests.test(given=given), pytest.raises(SettingsError, match=complaint):
            make(given)


def test_changes_are_applied_together_or_not_at_all(make):
    node, parameters = make()
    result = node.set_parameters_atomically(
        [Parameter('min_range_m', value=1.0), Parameter('out_of_range', value='nan')]
    )
    assert result.successful
    assert (parameters.settings.min_range_m, parameters.settings.out_of_range) == (1.0, 'nan')
    result = node.set_parameters_atomically(
        [Parameter('min_range_m', value=2.0), Parameter('out_of_range', value='nothing')]
    )
    assert not result.successful
    assert 'must be one of inf | nan | zero' in result.reason
    assert parameters.settings.min_range_m == 1.0
    assert node.get_parameter('min_range_m').value == 1.0


def test_fixed_options_do_not_change(make):
    node, parameters = make()
    result = node.set_parameters([Parameter('prior', value='sensor')])[0]
    assert not result.successful
    assert parameters.settings.prior == 'bundled'


def test_profiles_change_defaults_and_yield_to_the_user(make, subtests):
    for profile in PROFILES:
        with subtests.test(profile=profile):
            _, parameters = make({'profile': profile})
            for name, value in profiles.DEFAULTS[profile].items():
                assert values(parameters.settings)[name] == value
            _, parameters = make({'profile': profile, 'out_of_range': 'inf', 'max_range_m': 7.0})
            assert (parameters.settings.out_of_range, parameters.settings.max_range_m) == (
                'inf',
                7.0,
            )


def test_profiles_name_only_outputs_that_exist():
    from depth_refiner_ros.nodes.outputs.refiner_outputs import KINDS as OUTPUTS

    assert set(profiles.DEFAULTS) == set(PROFILES)
    assert set(profiles.TOPICS) <= set(PROFILES)
    for names in profiles.TOPICS.values():
        assert set(names) <= set(OUTPUTS)
        assert len(set(names.values())) == len(names)
    assert profiles.topic('nvblox', 'depth/image') == 'camera_0/depth/image'
    assert profiles.topic('rep118', 'depth/image') == 'depth/image'
