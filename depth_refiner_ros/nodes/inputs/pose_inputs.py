# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses from the source in the settings: TF, PoseStamped, Odometry or a TUM file."""

from collections.abc import Callable
from functools import partial
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.mapping.trajectory import read_tum
from depth_refiner_ros.nodes.inputs.poses import FilePoses, LivePoses, Poses
from depth_refiner_ros.nodes.runtime.topics import Topics
from depth_refiner_ros.sources.ros.camera_poses import parsed_body_from_camera
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None

POSE_QUEUE = 1000
TF_QUEUE = 100
POSE_KINDS = {'pose': (PoseStamped, 'pose'), 'odom': (Odometry, 'odom')}


def pose_input(
    topics: Topics, settings: Any, on_error: Callable[[str], None], *, topic: str = ''
) -> Poses:
    """
    Subscribe to poses; these subscriptions end with the node's others.

    :param settings: with pose_source, pose_file, map_frame, body_from_camera and input_qos
    :param topic: of the poses; '' is ``pose`` or ``odom``
    :param on_error: called with one line for each message that cannot be used, and about a file
        whose stamps are not in seconds or some of whose lines are ignored
    :raises DepthRefinerError: if the source cannot be used; the message states the fix
    """
    if settings.pose_source == 'file':
        if not settings.pose_file:
            raise SettingsError('pose_source = file needs pose_file, a TUM trajectory')
        return FilePoses(read_tum(user_path(settings.pose_file), on_error))
    from_tree = settings.pose_source == 'tf'
    if from_tree and TFMessage is None:
        raise SettingsError(
            'pose_source = tf needs tf2_msgs, which this Python lacks; install '
            'ros-<distro>-tf2-msgs or set pose_source to pose, odom or file'
        )
    poses = LivePoses(
        settings.map_frame,
        parsed_body_from_camera(settings.body_from_camera),
        on_error,
        from_tree=from_tree,
    )
    carried = settings.pose_source == 'odom' and not settings.body_from_camera
    if TFMessage is not None and (from_tree or carried):
        _subscribe_transforms(topics, poses, optional=carried)
    if not from_tree:
        kind, name = POSE_KINDS[settings.pose_source]
        topics.subscribe(
            kind, topic or name, poses.add_pose, reliability=settings.input_qos, depth=POSE_QUEUE
        )
    return poses


def without_effect(settings: Any) -> list[str]:
    """Return a line for each option about poses that is set and that pose_source does not use."""
    users = {
        'pose_file': ('file',),
        'pose_topic': tuple(POSE_KINDS),
        'body_from_camera': tuple(POSE_KINDS),
    }
    return [
        f'{name} = {shown(value)} has no effect with pose_source = {settings.pose_source}; set '
        f'pose_source to {" or ".join(sources)}'
        for name, sources in users.items()
        if (value := getattr(settings, name, '')) and settings.pose_source not in sources
    ]


def _subscribe_transforms(topics: Topics, poses: LivePoses, *, optional: bool) -> None:
    """Subscribe to transforms like tf2's listener; static ones are published once and latched."""
    topics.subscribe(
        TFMessage,
        '/tf_static',
        partial(poses.add_transforms, static=True),
        reliability='reliable',
        depth=TF_QUEUE,
        late=True,
        optional=True,
    )
    topics.subscribe(
        TFMessage,
        '/tf',
        partial(poses.add_transforms, static=False),
        reliability='reliable',
        depth=TF_QUEUE,
        optional=optional,
    )
