"""
Start the refiner, and around it a recording to play and a consumer of its depth, where asked for.

ros2 launch depth_refiner_ros refiner.launch.py image:=/camera/image_rect \
    camera_info:=/camera/camera_info fusion:=tsdf pose:=/odometry/pose pose_source:=pose
ros2 launch depth_refiner_ros refiner.launch.py source:=recording.mcap fusion:=tsdf
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from depth_refiner_ros.settings.networks import DEPTH_PRIORS
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

PACKAGE = 'depth_refiner_ros'
PATIENCE_S = '30'
"""Saving a large mesh at the end takes longer than the 5 s that launch grants."""
MODEL = (
    'prior',
    'prior_weights',
    'scale_prior',
    'refiner',
    'refiner_weights',
    'backend',
    'profile',
)
TOPICS = ('image', 'camera_info', 'depth_in', 'pose', 'odom')
ARGUMENTS = {
    'image': ('image', 'rectified color images (image/compressed goes beside it)'),
    'camera_info': ('camera_info', 'camera model of the images'),
    'depth_in': ('depth_in', 'measured depth, for prior:=sensor'),
    'pose': ('pose', 'PoseStamped of the optical frame, for pose_source:=pose'),
    'odom': ('odom', 'Odometry, for pose_source:=odom'),
    'source': ('', 'play this instead of a live camera: sim:SEED, a bag, a TUM folder, a video'),
    'rate_hz': ('', 'frames per second of the source; empty: as in params_file, else 10'),
    'lock_step': ('off', 'let the source wait for: off | refiner | tsdf'),
    'exit_with_source': ('false', 'end everything when the source has ended'),
    'prior': (
        '',
        (
            'bundled | sensor | smeared | depth_anything_v2_metric | depth_anything_v2 | '
            'zoedepth | depth_pro | prompt_depth_anything | unidepth_v1 | unidepth_v2 | '
            'metric3d_v2; empty leaves it to params_file'
        ),
    ),
    'prior_weights': ('', 'its weights: a folder, a hub id or a size'),
    'scale_prior': ('', 'second prior, for the metres of a relative one'),
    'refiner': ('', 'none | sharpdepth | apdepth | aligned; empty leaves it to params_file'),
    'refiner_weights': ('', 'its weights: a bundle, the folder of a release or a hub id'),
    'backend': ('', 'auto | torch | compiled | onnx | tensorrt; empty leaves it to params_file'),
    'profile': ('', 'defaults for one consumer, such as nvblox, rtabmap or monogs'),
    'fusion': ('none', 'what the depth is for: tsdf (mesh) | monogs (recording) | none'),
    'pose_source': ('', 'tf | pose | odom | file; empty: pose with a source, else params_file'),
    'mesh_file': ('', 'where fusion:=tsdf writes its mesh'),
    'folder': ('', 'where fusion:=monogs records; empty: as in params_file, else recording'),
    'params_file': ('', 'YAML with parameters of the nodes, see config/'),
    'namespace': ('', 'namespace of all nodes'),
    'use_sim_time': ('', 'true | false: follow /clock; empty leaves it to params_file'),
}


def _nodes(context):
    """Return the nodes that the arguments call for."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    if given['fusion'] not in ('tsdf', 'monogs', 'none'):
        raise ValueError(f'fusion:={given["fusion"]} must be tsdf, monogs or none')
    pose_source = given['pose_source'] or ('pose' if given['source'] else '')
    nodes = [_refiner(given)]
    if given['source']:
        nodes.append(_player(given))
    if given['fusion'] == 'tsdf':
        nodes.append(_node(given, 'tsdf', pose_source=pose_source, mesh_file=given['mesh_file']))
    elif given['fusion'] == 'monogs':
        nodes.append(
            _node(
                given, 'recorder', layout='monogs', folder=given['folder'], pose_source=pose_source
            )
        )
    return nodes


def _refiner(given):
    model = {name: given[name] for name in MODEL}
    if given['lock_step'] != 'off':
        model |= {'input_qos': 'reliable', 'keep_every_frame': True}
    return _node(given, 'refiner', **model)


def _player(given):
    ends_all = given['exit_with_source'].lower() == 'true'
    return _node(
        given,
        'player',
        on_exit=[Shutdown()] if ends_all else None,
        source=given['source'],
        rate_hz=_rate_hz(given),
        lock_step=given['lock_step'],
        publish_depth=_publish_depth(given),
    )


def _rate_hz(given):
    return float(given['rate_hz']) if given['rate_hz'] else ''


def _publish_depth(given):
    needed = {given['prior'], given['scale_prior']} & set(DEPTH_PRIORS)
    return True if needed else ''


def _node(given, name, *, on_exit=None, **parameters):
    remaps = [(topic, given[topic]) for topic in TOPICS]
    remaps.append(('image/compressed', f'{given["image"]}/compressed'))
    # Plain text would be read as YAML, in which off is a truth value.
    chosen = {
        key: ParameterValue(value, value_type=type(value))
        for key, value in parameters.items()
        if value != ''
    }
    if given['use_sim_time']:
        chosen['use_sim_time'] = given['use_sim_time'].lower() == 'true'
    files = [given['params_file']] if given['params_file'] else []
    return Node(
        package=PACKAGE,
        executable=f'{name}_node',
        name=name,
        output='screen',
        namespace=given['namespace'],
        parameters=[*files, chosen],
        remappings=remaps,
        on_exit=on_exit,
        sigterm_timeout=PATIENCE_S,
        sigkill_timeout=PATIENCE_S,
    )


def generate_launch_description():
    """Declare the arguments, set the DDS profile unless there is one, start the nodes."""
    profile = Path(get_package_share_directory(PACKAGE)) / 'config' / 'fastdds.xml'
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            SetEnvironmentVariable(
                'FASTDDS_DEFAULT_PROFILES_FILE',
                [EnvironmentVariable('FASTDDS_DEFAULT_PROFILES_FILE', default_value=str(profile))],
            ),
            OpaqueFunction(function=_nodes),
        ]
    )
