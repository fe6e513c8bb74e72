# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.nodes.cameras import camera_namespaces
import pytest

ROS = ['--ros-args', '-r', '__ns:=/car', '-p', 'always_on:=true']


@pytest.mark.parametrize('words', [['--cameras', 'front, rear'], ['--cameras=front,rear']])
def test_names_are_namespaces_below_that_of_the_program(words):
    assert camera_namespaces(words) == ['/front', '/rear']
    assert camera_namespaces([*words, *ROS]) == ['/car/front', '/car/rear']
    assert camera_namespaces([*ROS, '--', *words]) == ['/car/front', '/car/rear']


def test_without_the_option_there_are_none():
    assert camera_namespaces(ROS) == []


@pytest.mark.parametrize(
    'words', [['--cameras'], ['--cameras', ''], ['--cameras='], ['--cameras', *ROS]]
)
def test_an_option_without_names_is_refused(words):
    with pytest.raises(SettingsError, match='--cameras names none; type --cameras front,rear'):
        camera_namespaces(words)


@pytest.mark.parametrize(
    ('names', 'message'),
    [('a,a', 'a is named twice'), ('9a', "'9a' cannot be a namespace"), ('a b', 'cannot be')],
)
def test_names_that_cannot_be_used_are_told(names, message):
    with pytest.raises(SettingsError, match=message):
        camera_namespaces(['--cameras', names])
