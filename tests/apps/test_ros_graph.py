# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The private ROS domain, the DDS profile and the parameter files of the nodes."""

import os
import socket

from depth_refiner_ros.apps import ros_graph as graph
from depth_refiner_ros.core.run_folder import RunFolder
from depth_refiner_ros.demo.graph import demo_graph
from depth_refiner_ros.settings import config_files
from depth_refiner_ros.settings.config_files import config_file, PROFILE_VARIABLES
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.nodes import RefinerNodeSettings, TsdfNodeSettings
from depth_refiner_ros.settings.parameter_file import read_yaml
import pytest


def test_domain_with_a_taken_port_is_passed_over(monkeypatch):
    monkeypatch.setattr(graph, 'DOMAINS', [7])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(('', 7400 + 250 * 7))
        with pytest.raises(graph.RosMissingError, match='every ROS domain'):
            graph.free_domain()
    assert graph.free_domain() == 7


def test_domains_stay_below_the_ports_that_linux_hands_out():
    assert 7400 + 250 * max(graph.DOMAINS) + 250 < 32768 + 250


def test_environment_keeps_the_graph_on_this_machine(monkeypatch):
    for name in PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    variables = graph.environment(42)
    assert variables['ROS_DOMAIN_ID'] == '42'
    assert variables['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert variables['PATH'] == os.environ['PATH']


@pytest.mark.parametrize(
    ('library', 'named'),
    [
        ('libfastrtps.so', {'FASTRTPS_DEFAULT_PROFILES_FILE'}),
        ('libfastdds.so', {'FASTDDS_DEFAULT_PROFILES_FILE'}),  # warns about the other one
        ('libother.so', set(PROFILE_VARIABLES)),
    ],
)
def test_profile_is_named_as_the_installed_fast_dds_reads_it(
    monkeypatch, tmp_path, library, named
):
    (tmp_path / 'lib').mkdir()
    (tmp_path / 'lib' / library).touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    monkeypatch.setattr(config_files.sys, 'prefix', '/nowhere')
    for name in PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    found = {name: graph.environment(1).get(name) for name in PROFILE_VARIABLES}
    assert {name for name, value in found.items() if value} == named
    assert set(found.values()) <= {str(config_file('fastdds.xml')), None}


@pytest.mark.parametrize('named', PROFILE_VARIABLES)
def test_profile_that_the_user_has_named_is_kept(monkeypatch, named):
    for name in PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(named, 'mine.xml')
    variables = graph.environment(1)
    assert {name: variables.get(name) for name in PROFILE_VARIABLES} == {
        **dict.fromkeys(PROFILE_VARIABLES),
        named: 'mine.xml',
    }


def test_installed_configuration_is_found_through_the_prefix(monkeypatch, tmp_path):
    folder = tmp_path / 'share' / 'depth_refiner_ros' / 'config'
    folder.mkdir(parents=True)
    (folder / 'only_there.yaml').write_text('')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere:{tmp_path}')
    assert config_file('only_there.yaml') == folder / 'only_there.yaml'
    assert config_file('nowhere.yaml') is None


def test_parameters_of_a_node_are_kept_in_a_file(tmp_path):
    settings = RefinerNodeSettings(prior='sensor', max_range_m=7.5)
    words = graph.node_arguments('refiner', settings, tmp_path / 'params', [('image', 'rgb')])
    assert words[:3] == ['-m', 'depth_refiner_ros.nodes.program', 'refiner_node']
    file = tmp_path / 'params' / 'refiner.yaml'
    assert words[3:] == ['--ros-args', '--params-file', str(file), '-r', 'image:=rgb']
    assert read_yaml(RefinerNodeSettings, file, 'refiner') == settings


@pytest.mark.parametrize('live', [False, True])
def test_demo_keeps_every_frame_in_lock_step_alone(tmp_path, live):
    made = demo_graph(
        RunFolder(tmp_path),
        ModelSettings(prior='smeared'),
        source='sim:1:3',
        frames=3,
        rate_hz=4.0,
        live=live,
    )
    assert made.refiner.keep_every_frame is not live
    assert made.player.lock_step == ('off' if live else 'tsdf')
    assert (made.player.source, made.player.rate_hz) == ('sim:1:3', 4.0)
    assert made.player.publish_depth, 'the smeared prior starts from true depth'
    assert made.refiner.prior == 'smeared'
    assert made.tsdf.mesh_file == str(tmp_path / 'mesh.ply')


def test_demo_starts_from_the_shipped_configuration(tmp_path, monkeypatch):
    folder = tmp_path / 'share' / 'depth_refiner_ros' / 'config'
    folder.mkdir(parents=True)
    (folder / 'tsdf.yaml').write_text('tsdf:\n  ros__parameters:\n    voxel_m: 0.05\n')
    monkeypatch.setattr(config_files, '__file__', str(tmp_path / 'a' / 'b' / 'graph.py'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    made = demo_graph(
        RunFolder(tmp_path), ModelSettings(), source='sim:1', frames=3, rate_hz=1.0, live=False
    )
    assert made.tsdf.voxel_m == 0.05
    assert made.tsdf.truncation_voxels == TsdfNodeSettings().truncation_voxels
