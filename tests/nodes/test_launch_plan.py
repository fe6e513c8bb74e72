# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The nodes that refiner.launch.py starts, with parameters and remaps."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.nodes.launch_arguments import ARGUMENTS, NEEDS, TOPICS, TRUTH
from depth_refiner_ros.nodes.launch_plan import full_name, plan, Unfinished
from depth_refiner_ros.nodes.outputs import profiles
from depth_refiner_ros.nodes.outputs.refiner_outputs import KINDS
from depth_refiner_ros.settings.nodes import NODES, PROFILES
from depth_refiner_ros.settings.options import options
import pytest


def planned(**given):
    """Return the nodes by full name."""
    arguments = {name: argument.default for name, argument in ARGUMENTS.items()}
    assert set(given) <= set(arguments)
    return {full_name(node): node for node in plan({**arguments, **given})}


def test_nothing_given_is_the_refiner_with_the_defaults_of_its_file():
    ((name, refiner),) = planned().items()
    assert name == '/refiner'
    assert refiner.parameters == {}
    assert refiner.remaps == ()


def test_every_parameter_that_is_given_exists(subtests):
    given = {
        'source': 'sim:1:3',
        'rate_hz': '5',
        'lock_step': 'refiner',
        'clock': 'true',
        'map_frame': 'world',
        'camera_frame': 'eye',
        'prior': 'sensor',
        'autostart': 'false',
        'namespace': 'robot',
    }
    for fusion in ({'fusion': 'tsdf', 'mesh_file': 'a.ply'}, {'fusion': 'monogs', 'folder': 'b'}):
        for node in planned(**given, **fusion).values():
            with subtests.test(node=node.name):
                known = options(NODES[node.name])
                for name, value in node.parameters.items():
                    if name != 'use_sim_time':
                        known[name].check(value)


def test_a_profile_renames_what_fusion_and_lock_step_read(subtests):
    for profile in PROFILES:
        for fusion, reader in (('tsdf', '/tsdf'), ('monogs', '/recorder')):
            with subtests.test(profile=profile, fusion=fusion):
                nodes = planned(profile=profile, fusion=fusion, source='sim:1:3')
                assert nodes['/refiner'].parameters['profile'] == profile
                for node in (reader, '/player'):
                    remaps = dict(nodes[node].remaps)
                    for name in ('depth/image', 'depth/camera_info', 'color/image'):
                        assert remaps.get(name, name) == profiles.topic(profile, name)


def test_each_image_of_a_profile_has_its_camera_info_beside_it(subtests):
    for profile in PROFILES:
        names = {profiles.topic(profile, name) for name in KINDS}
        assert len(names) == len(KINDS)
        for image in ('depth/image', 'depth/image_raw', 'color/image'):
            with subtests.test(profile=profile, image=image):
                folder = profiles.topic(profile, image).rpartition('/')[0]
                assert f'{folder}/camera_info' in names


def test_a_parameter_file_speaks_for_what_is_not_given(tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(
        '/**/refiner:\n  ros__parameters: {prior: sensor, profile: nvblox}\n'
        '/**/player:\n  ros__parameters: {lock_step: refiner}\n'
    )
    nodes = planned(source='sim:1:3', fusion='tsdf', params_file=str(file), namespace='/robot/')
    assert nodes['/robot/player'].parameters['publish_depth'] is True
    assert nodes['/robot/refiner'].parameters == {
        'input_qos': 'reliable',
        'keep_every_frame': True,
    }
    assert ('depth/image', 'camera_0/depth/image') in nodes['/robot/tsdf'].remaps
    other = planned(source='sim:1:3', params_file=str(file), prior='bundled', profile='rep118')
    assert 'publish_depth' not in other['/player'].parameters
    assert other['/player'].remaps == ()


@pytest.mark.parametrize(
    ('prior', 'scale_prior', 'publishes'),
    [
        ('', '', False),
        ('bundled', 'none', False),
        ('sensor', '', True),
        ('smeared', '', True),
        ('prompt_depth_anything', '', True),
        ('prior_depth_anything', '', True),
        ('infinidepth_sensor', '', True),
        ('infinidepth', 'bundled', False),
        ('depth_anything_v2', 'sensor', True),
    ],
)
def test_a_recording_brings_the_depth_that_the_prior_needs(prior, scale_prior, publishes):
    nodes = planned(source='sim:1:3', prior=prior, scale_prior=scale_prior)
    assert ('publish_depth' in nodes['/player'].parameters) is publishes


def test_cameras_have_namespaces_and_files_of_their_own():
    nodes = planned(
        cameras='front, rear',
        namespace='robot',
        image='image_rect',
        fusion='tsdf',
        mesh_file='out/mesh.ply',
        respawn='true',
    )
    assert set(nodes) == {'/robot/refiner', '/robot/front/tsdf', '/robot/rear/tsdf'}
    assert nodes['/robot/rear/tsdf'].parameters['mesh_file'] == 'out/mesh_rear.ply'
    refiner = nodes['/robot/refiner']
    assert refiner.several
    assert refiner.words == ('--cameras', 'front,rear')
    assert refiner.remaps == (
        ('/robot/front/image', 'image_rect'),
        ('/robot/rear/image', 'image_rect'),
    )
    assert nodes['/robot/front/tsdf'].remaps == (('image', 'image_rect'),)
    assert all(node.respawn for node in nodes.values())
    recorders = planned(cameras='front,rear', fusion='monogs')
    assert recorders['/rear/recorder'].parameters['folder'] == 'recording/rear'
    meshes = planned(cameras='front,rear', fusion='tsdf')
    assert meshes['/rear/tsdf'].parameters['mesh_file'] == 'mesh_rear.ply'
    assert 'volume_file' not in meshes['/rear/tsdf'].parameters


def test_cameras_never_share_an_output_of_the_parameter_file(tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(
        '/**/tsdf:\n  ros__parameters: {volume_file: maps/all.safetensors}\n'
        '/front/tsdf:\n  ros__parameters: {mesh_file: front.ply}\n'
    )
    nodes = planned(cameras='front,rear', fusion='tsdf', params_file=str(file))
    front, rear = (nodes[f'/{name}/tsdf'].parameters for name in ('front', 'rear'))
    assert front['volume_file'] == 'maps/all_front.safetensors'
    assert rear['volume_file'] == 'maps/all_rear.safetensors'
    assert 'mesh_file' not in front
    assert rear['mesh_file'] == 'mesh_rear.ply'
    file.write_text('/front/recorder:\n  ros__parameters: {folder: /data/front}\n')
    nodes = planned(cameras='front,rear', fusion='monogs', params_file=str(file))
    assert 'folder' not in nodes['/front/recorder'].parameters
    assert nodes['/rear/recorder'].parameters['folder'] == 'recording/rear'


def test_a_pattern_names_the_topics_of_each_camera():
    nodes = planned(cameras='front,rear', image='/cams/{camera}/image_rect', fusion='tsdf')
    assert nodes['/refiner'].remaps == (
        ('/front/image', '/cams/front/image_rect'),
        ('/rear/image', '/cams/rear/image_rect'),
    )
    assert nodes['/rear/tsdf'].remaps == (('image', '/cams/rear/image_rect'),)


def test_one_camera_is_one_node_as_without_a_list():
    ((name, refiner),) = planned(cameras='front', image='/{camera}_image').items()
    assert name == '/front/refiner'
    assert refiner.remaps == (('image', '/front_image'),)
    assert refiner.words == ()
    assert not refiner.several


def test_cameras_with_other_networks_have_another_process(tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(
        '/b/refiner:\n  ros__parameters: {prior: sensor}\n'
        '/c/refiner:\n  ros__parameters: {fill_holes: true}\n'
    )
    nodes = planned(cameras='a,b,c', params_file=str(file))
    assert set(nodes) == {'/refiner', '/b/refiner'}
    assert nodes['/refiner'].words == ('--cameras', 'a,c')


def test_a_source_in_a_namespace_has_frames_of_its_own(tmp_path):
    nodes = planned(source='sim:1:3', namespace='robot', fusion='tsdf')
    assert nodes['/robot/player'].parameters['frame_prefix'] == 'robot/'
    assert nodes['/robot/tsdf'].parameters['map_frame'] == 'robot/map'
    named = planned(source='sim:1:3', namespace='robot', fusion='tsdf', frame_prefix='a_')
    assert named['/robot/tsdf'].parameters['map_frame'] == 'a_map'
    alone = planned(source='sim:1:3', fusion='tsdf', map_frame='world', camera_frame='eye')
    assert alone['/player'].parameters['camera_frame'] == 'eye'
    assert alone['/tsdf'].parameters['map_frame'] == 'world'
    live = planned(namespace='robot', fusion='tsdf')
    assert 'map_frame' not in live['/robot/tsdf'].parameters


def test_poses_without_fusion_are_those_of_the_refiner(tmp_path):
    alone = planned(pose_source='odom', odom='/odometry', map_frame='odom')['/refiner']
    assert alone.parameters == {'pose_source': 'odom', 'map_frame': 'odom'}
    assert alone.remaps == (('odom', '/odometry'),)
    nodes = planned(pose_source='odom', odom='/odometry', map_frame='odom', fusion='tsdf')
    assert nodes['/refiner'].parameters == {}
    assert nodes['/tsdf'].parameters == {'pose_source': 'odom', 'map_frame': 'odom'}


def test_poses_of_the_parameter_file_take_the_arguments_about_them(tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(
        '/**/refiner:\n  ros__parameters: {pose_source: odom}\n'
        '/**/tsdf:\n  ros__parameters: {pose_source: pose}\n'
    )
    nodes = planned(params_file=str(file), fusion='tsdf', odom='/o', pose='/p', map_frame='odom')
    assert nodes['/refiner'].parameters == {'map_frame': 'odom'}
    played = planned(params_file=str(file), source='sim:1:3', namespace='robot', fusion='tsdf')
    assert played['/robot/refiner'].parameters['map_frame'] == 'robot/map'
    both = planned(params_file=str(file), cameras='a,b', map_frame='odom', fusion='tsdf')
    assert both['/refiner'].parameters == {'map_frame': 'odom'}


def test_the_clock_of_the_source_is_followed_by_all_others():
    nodes = planned(source='sim:1:3', fusion='tsdf', clock='true')
    assert nodes['/player'].parameters['publish_clock'] is True
    assert 'use_sim_time' not in nodes['/player'].parameters
    assert nodes['/refiner'].parameters['use_sim_time'] is True
    assert nodes['/tsdf'].parameters['use_sim_time'] is True
    live = planned(use_sim_time='False', autostart='false')
    assert live['/refiner'].parameters == {'use_sim_time': False, 'autostart': False}


def test_the_source_ends_everything_where_asked_to():
    nodes = planned(source='sim:1:3', exit_with_source='true', respawn='true')
    assert nodes['/player'].ends_all
    assert not nodes['/player'].respawn
    assert nodes['/player'].is_source
    assert not nodes['/refiner'].ends_all


def test_everything_ends_with_the_last_source_of_several_cameras():
    nodes = planned(cameras='front,rear', source='sim:1:3', exit_with_source='true')
    unfinished = Unfinished(list(nodes.values()))
    ended = ('/rear/player', '/refiner', '/front/player')
    assert [unfinished.ends_all(nodes[name]) for name in ended] == [False, False, True]
    live = list(planned(cameras='front,rear', source='sim:1:3').values())
    assert not any(Unfinished(live).ends_all(node) for node in live)


def test_rviz_shows_the_topics_of_the_profile():
    rviz = planned(rviz='true', profile='nvblox', map_frame='odom')['/rviz']
    assert ('depth/image', 'camera_0/depth/image') in rviz.remaps
    assert rviz.words[0] == '-d'
    assert rviz.words[1].endswith('config/refiner.rviz')
    assert rviz.words[2:] == ('-f', 'odom')


WRONG = [
    ({'prior': 'sensr'}, 'prior:=sensr must be bundled | sensor'),
    ({'fusion': 'mesh'}, 'fusion:=mesh must be tsdf | monogs | none'),
    ({'use_sim_time': 'yes'}, 'use_sim_time:=yes must be true | false'),
    ({'respawn': ''}, 'respawn:= must be true | false'),
    (
        {'source': 'sim:1', 'rate_hz': 'fast'},
        'rate_hz:=fast must be a number of frames per second',
    ),
    ({'source': 'sim:1', 'rate_hz': 'nan'}, 'rate_hz = nan must be a finite number'),
    ({'source': 'sim:1', 'rate_hz': '-1'}, 'rate_hz = -1.0 Hz is outside'),
    ({'rate_hz': '5'}, 'rate_hz:=5 has no effect here; set source:=... too'),
    ({'exit_with_source': 'true'}, 'exit_with_source:=true has no effect here'),
    ({'mesh_file': 'a.ply'}, 'mesh_file:=a.ply has no effect here; set fusion:=tsdf'),
    ({'pose': '/p'}, 'pose:=/p has no effect here; set pose_source:=pose'),
    ({'odom': '/o', 'fusion': 'tsdf'}, 'odom:=/o has no effect here; set pose_source:=odom'),
    ({'odom': '/o', 'source': 'sim:1', 'fusion': 'tsdf'}, 'odom:=/o has no effect here'),
    ({'map_frame': 'odom'}, 'map_frame:=odom has no effect here; set pose_source:=... too'),
    ({'pose_source': 'own'}, 'pose_source:=own tracks the camera for fusion; set fusion:=tsdf'),
    ({'source': 'sim:1', 'lock_step': 'tsdf'}, 'lock_step:=tsdf waits for fusion'),
    ({'cameras': 'a,b', 'image': '/image'}, 'image:=/image is one topic for 2 cameras'),
    ({'image': '/{camera}/image'}, 'needs the names of cameras; set cameras:=front,rear'),
    ({'cameras': 'a,a'}, 'cameras: a is named twice'),
    ({'cameras': 'a,front-left'}, "cameras: 'front-left' cannot be a namespace"),
    ({'params_file': '/nowhere.yaml'}, 'cannot read parameters from /nowhere.yaml'),
]


def test_wrong_arguments_are_one_line_that_names_them(subtests):
    for given, complaint in WRONG:
        with subtests.test(complaint), pytest.raises(SettingsError) as caught:
            planned(**given)
        assert complaint in str(caught.value)
        assert '\n' not in str(caught.value)


def test_a_parameter_file_for_other_nodes_is_refused(tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text('refiner:\n  ros__parameters: {prior: sensor}\n')
    assert planned(params_file=str(file))
    with pytest.raises(SettingsError, match='no section applies to /robot/refiner'):
        planned(params_file=str(file), namespace='robot')
    file.write_text('refiner:\n  ros__parameters: {prior: sensr}\n')
    with pytest.raises(SettingsError, match=r"params.yaml, section refiner: prior = 'sensr'"):
        planned(params_file=str(file))


def test_arguments_are_described_and_leave_options_to_the_file():
    """A parameter overrides a parameter file, so defaults must not be passed."""
    known = {name for group in NODES.values() for name in options(group)} | {'use_sim_time'}
    assert not {name for name in known & set(ARGUMENTS) if ARGUMENTS[name].default}
    for name, argument in ARGUMENTS.items():
        assert len(argument.text) > 8, name
        assert not argument.choices or argument.default in argument.choices, name
    assert set(TOPICS) | set(NEEDS) <= set(ARGUMENTS)
    assert TRUTH == ('', 'true', 'false')
