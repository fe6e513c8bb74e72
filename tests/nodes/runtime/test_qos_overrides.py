# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Overrides of QoS: wrong ones are refused before rclpy reads them, unused ones are named."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.nodes.runtime.qos_overrides import check_overrides
from depth_refiner_ros.nodes.runtime.topics import Topics
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import Image

SUBSCRIPTION = 'qos_overrides./image.subscription'


@pytest.fixture
def make(probe):
    nodes = []

    def made(given):
        nodes.append(
            Node(
                'overridden',
                context=probe.context,
                parameter_overrides=[Parameter(name, value=given[name]) for name in given],
                automatically_declare_parameters_from_overrides=True,
            )
        )
        return nodes[-1]

    yield made
    for node in nodes:
        node.destroy_node()


WRONG = [
    (f'{SUBSCRIPTION}.reliability', 'relable', "'relable' must be one of .*reliable"),
    (f'{SUBSCRIPTION}.reliability', 3, '3 must be one of'),
    (f'{SUBSCRIPTION}.reliability', 'unknown', 'must be one of'),
    (f'{SUBSCRIPTION}.durability', 'transient', 'must be one of .*transient_local'),
    (f'{SUBSCRIPTION}.history', 'all', 'must be one of .*keep_all'),
    (f'{SUBSCRIPTION}.depth', 'deep', 'must be a whole number in 1 .. 100000'),
    (f'{SUBSCRIPTION}.depth', 0, 'must be a whole number'),
    (f'{SUBSCRIPTION}.depth', 2**40, 'must be a whole number'),
    (f'{SUBSCRIPTION}.depth', True, 'must be a whole number'),
    (f'{SUBSCRIPTION}.dept', 3, 'is not a QoS override; it must be'),
    ('qos_overrides./image.subscriber.depth', 3, 'is not a QoS override'),
    ('qos_overrides./image.depth', 3, 'is not a QoS override'),
    ('qos_overrides.image.subscription.depth', 3, 'is not a QoS override'),
]


def test_a_wrong_override_is_refused_in_one_line_that_names_it(make, subtests):
    for name, value, reason in WRONG:
        with subtests.test(name, value=value):
            with pytest.raises(SettingsError, match=reason) as caught:
                check_overrides(make({name: value}))
            assert str(caught.value).startswith(name)
            assert '\n' not in str(caught.value)


def test_overrides_apply_and_unused_ones_are_named(make):
    node = make(
        {
            f'{SUBSCRIPTION}.reliability': 'BEST_EFFORT',
            'qos_overrides./depth.publisher.durability': 'transient_local',
            'qos_overrides./imagee.subscription.depth': 7,
        }
    )
    check_overrides(node)
    topics = Topics(node)
    topics.subscribe(Image, 'image', print, reliability='reliable')
    publisher = topics.publisher(Image, 'depth')
    (subscribed,) = node.get_subscriptions_info_by_topic('/image')
    assert subscribed.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert publisher.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert topics.unused_overrides() == [
        'qos_overrides./imagee.subscription: this node has no such subscription now; it has /image'
    ]


def test_a_transport_follows_where_its_topic_is_remapped_to(probe):
    node = Node(
        'remapped', context=probe.context, cli_args=['--ros-args', '-r', 'image:=/camera/rgb']
    )
    topics = Topics(node)
    topics.subscribe(Image, 'image', print, transport='compressed')
    assert topics.full_name('image', 'compressed') == '/camera/rgb/compressed'
    assert node.get_subscriptions_info_by_topic('/camera/rgb/compressed')
    assert topics.publisher(Image, 'image', transport='theora').topic_name == '/camera/rgb/theora'
    node.destroy_node()
