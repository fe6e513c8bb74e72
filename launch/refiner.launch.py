# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Start the refiner and, if requested, a player of a recording and a consumer of the depth.

ros2 launch depth_refiner_ros refiner.launch.py image:=/camera/image_rect \
    camera_info:=/camera/camera_info fusion:=tsdf pose:=/odometry/pose pose_source:=pose
ros2 launch depth_refiner_ros refiner.launch.py source:=recording.mcap fusion:=tsdf
ros2 launch depth_refiner_ros refiner.launch.py cameras:=front,rear image:=/{camera}/image_rect
"""

from depth_refiner_ros.nodes.launch_arguments import ARGUMENTS
from depth_refiner_ros.nodes.launch_plan import plan, Unfinished
from depth_refiner_ros.settings.config_files import profile_environment
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

PACKAGE = 'depth_refiner_ros'
PATIENCE_S = '30'
"""Saving a large mesh at the end takes longer than the 5 s that launch grants."""
RESPAWN_DELAY_S = 2.0
USER_ERROR = 2


def generate_launch_description():
    """Declare the arguments, set the DDS profile unless there is one, start the nodes."""
    return LaunchDescription(
        [
            *(
                # Choices are checked by the plan: launch would report a wrong one twice.
                DeclareLaunchArgument(
                    name, default_value=argument.default, description=argument.description
                )
                for name, argument in ARGUMENTS.items()
            ),
            *(
                SetEnvironmentVariable(name, value)
                for name, value in profile_environment().items()
            ),
            OpaqueFunction(function=_nodes),
        ]
    )


def _nodes(context):
    """Return the nodes that the arguments request."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    nodes = plan(given)
    unfinished = Unfinished(nodes)
    return [
        _rviz(node) if node.name == 'rviz' else _node(given, node, unfinished) for node in nodes
    ]


def _node(given, node, unfinished):
    # Plain text would be read as YAML, in which off is a boolean.
    parameters = {
        name: ParameterValue(value, value_type=type(value))
        for name, value in node.parameters.items()
    }
    files = [given['params_file']] if given['params_file'] else []
    return Node(
        package=PACKAGE,
        executable=f'{node.name}_node',
        # With a name, launch would write parameters for that one node alone.
        name=None if node.several else node.name,
        output='screen',
        namespace=node.namespace,
        parameters=[*files, parameters],
        remappings=list(node.remaps),
        arguments=list(node.words),
        ros_arguments=['--log-level', given['log_level']] if given['log_level'] else [],
        on_exit=lambda event, context: _ended(node, unfinished, event, context),
        respawn=node.respawn,
        respawn_delay=RESPAWN_DELAY_S,
        sigterm_timeout=PATIENCE_S,
        sigkill_timeout=PATIENCE_S,
    )


def _rviz(node):
    return Node(
        package='rviz2',
        executable='rviz2',
        name='rviz',
        namespace=node.namespace,
        remappings=list(node.remaps),
        arguments=list(node.words),
    )


def _ended(node, unfinished, event, context):
    """
    Let launch fail if the source fails, or if a node is started with wrong arguments.

    :raises RuntimeError: which launch prints in one line, before it ends with exit code 1
    """
    code = event.returncode
    if context.is_shutdown or node.respawn:
        return None
    if code == USER_ERROR or (code and node.is_source):
        raise RuntimeError(
            f'{event.process_name} ended with exit code {code}; see its message above'
        )
    return [Shutdown(reason=f'{node.name} has ended')] if unfinished.ends_all(node) else None
