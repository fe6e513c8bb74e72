# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Start the whole graph on the simulated camera: player, refiner and fusion in lock-step.

ros2 launch depth_refiner_ros demo.launch.py mesh_file:=mesh.ply
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from launch import LaunchDescription

ARGUMENTS = {
    'source': ('sim:900001:60', 'simulated room and number of frames, or a recording'),
    'prior': ('bundled', 'source of metric depth: bundled | sensor | smeared | ...'),
    'refiner': ('apdepth', 'the one-step refiner: none | sharpdepth | apdepth | aligned'),
    'mesh_file': ('mesh.ply', 'file of the mesh, written at the end'),
    'rviz': ('false', 'show depth, points and mesh in RViz: true | false'),
}
FIXED = {'fusion': 'tsdf', 'lock_step': 'tsdf', 'exit_with_source': 'true'}


def generate_launch_description():
    """Declare the demo's arguments and include the general launch file."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            OpaqueFunction(function=_general),
        ]
    )


def _general(context):
    """Include the general file from a function, so that only our own arguments are listed."""
    chosen = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    source = PythonLaunchDescriptionSource(str(Path(__file__).with_name('refiner.launch.py')))
    return [IncludeLaunchDescription(source, launch_arguments={**chosen, **FIXED}.items())]
