"""
Start the whole graph on the simulated camera: player, refiner and fusion in lock-step.

ros2 launch depth_refiner_ros demo.launch.py mesh_file:=mesh.ply
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from launch import LaunchDescription

ARGUMENTS = {
    'source': ('sim:900001:60', 'simulated room and number of frames, or a recording'),
    'prior': ('bundled', 'bundled | sensor | smeared'),
    'refiner': ('apdepth', 'none | sharpdepth | apdepth'),
    'mesh_file': ('mesh.ply', 'where the mesh is written at the end'),
}


def generate_launch_description():
    """Include the general launch file with the demo's arguments."""
    folder = Path(get_package_share_directory('depth_refiner_ros')) / 'launch'
    chosen = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(folder / 'refiner.launch.py')),
                launch_arguments={
                    **chosen,
                    'fusion': 'tsdf',
                    'lock_step': 'tsdf',
                    'exit_with_source': 'true',
                }.items(),
            ),
        ]
    )
