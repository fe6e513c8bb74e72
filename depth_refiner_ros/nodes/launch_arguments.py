# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The arguments of ``refiner.launch.py``; an empty default leaves an option to ``params_file``."""

from typing import NamedTuple

from depth_refiner_ros.settings.nodes import (
    PlayerNodeSettings,
    RefinerNodeSettings,
    TsdfNodeSettings,
)
from depth_refiner_ros.settings.options import options

TOPICS = ('image', 'camera_info', 'depth_in', 'pose', 'odom')
"""Inputs that can be remapped; the compressed topics follow."""
MODEL = (
    'prior',
    'prior_weights',
    'scale_prior',
    'refiner',
    'refiner_weights',
    'backend',
    'profile',
)
"""Options of the refiner that are also arguments."""


class Argument(NamedTuple):
    """
    One argument.

    :param default: value if it is not given
    :param text: what it does
    :param choices: allowed words; empty if any is allowed
    """

    default: str
    text: str
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """Return the allowed words as one text."""
        return ' | '.join(filter(None, self.choices))

    @property
    def description(self) -> str:
        """Return its meaning and allowed values, for ``ros2 launch --show-args``."""
        return f'{self.text} ({self.allowed})' if self.choices else self.text


def _option(group: type, name: str, text: str) -> Argument:
    """Return the argument of an option, with its choices; it can also be in a parameter file."""
    choices = options(group)[name].choices
    return Argument('', text, ('', *choices) if choices else ())


TRUTH = ('', 'true', 'false')
ARGUMENTS = {
    'image': Argument('image', 'color images; image/compressed and its like follow'),
    'camera_info': Argument('camera_info', 'camera model of the images'),
    'depth_in': Argument('depth_in', 'measured depth, for priors that start from a sensor'),
    'pose': Argument('pose', 'PoseStamped of the optical frame, for pose_source:=pose'),
    'odom': Argument('odom', 'Odometry, for pose_source:=odom'),
    'cameras': Argument(
        '',
        'names of several cameras, such as front,rear: each has a namespace and nodes, all share '
        'one set of networks; {camera} in a topic stands for the name',
    ),
    'source': Argument(
        '', 'play this instead of a live camera: sim:SEED, a bag, a TUM folder, a video'
    ),
    'rate_hz': Argument('', 'frames per second of the source'),
    'lock_step': _option(PlayerNodeSettings, 'lock_step', 'stage that the source waits for'),
    'clock': Argument(
        'false', 'let the source publish /clock, and the other nodes follow it', TRUTH[1:]
    ),
    'exit_with_source': Argument(
        'false', 'end everything when the source, or that of every camera, has ended', TRUTH[1:]
    ),
    'prior': _option(RefinerNodeSettings, 'prior', 'where metric depth comes from'),
    'prior_weights': Argument('', 'weights of the prior: a folder, a hub id or a size'),
    'scale_prior': _option(
        RefinerNodeSettings, 'scale_prior', 'second prior, for the metres of a relative one'
    ),
    'refiner': _option(RefinerNodeSettings, 'refiner', 'the one-step refiner'),
    'refiner_weights': Argument(
        '', 'weights of the refiner: a bundle, the folder of a release or a hub id'
    ),
    'backend': _option(RefinerNodeSettings, 'backend', 'how networks are executed'),
    'profile': _option(
        RefinerNodeSettings, 'profile', 'topic names and defaults for one consumer of depth'
    ),
    'fusion': Argument(
        'none',
        'what the depth is for: a mesh or a recording for MonoGS',
        ('tsdf', 'monogs', 'none'),
    ),
    'pose_source': Argument(
        '',
        'where the poses of fusion come from, or without it those of the refiner; with a source '
        'and fusion, its own',
        ('', *options(TsdfNodeSettings)['pose_source'].choices),
    ),
    'mesh_file': Argument('', 'where fusion:=tsdf writes its mesh'),
    'folder': Argument('', 'where fusion:=monogs records'),
    'map_frame': Argument('', 'frame of the poses and of the mesh'),
    'camera_frame': Argument('', 'optical frame of the images that source plays'),
    'frame_prefix': Argument('', 'put before both frames of a source; empty: the namespace'),
    'params_file': Argument('', 'YAML with parameters of the nodes, see config/'),
    'namespace': Argument('', 'namespace of all nodes'),
    'use_sim_time': Argument('', 'follow /clock', TRUTH),
    'autostart': Argument('', 'configure and activate without a lifecycle manager', TRUTH),
    'respawn': Argument('false', 'start a node again 2 s after it has ended', TRUTH[1:]),
    'log_level': Argument('', 'of all nodes', ('', 'debug', 'info', 'warn', 'error', 'fatal')),
    'rviz': Argument('false', 'show depth, points and mesh in RViz', TRUTH[1:]),
}
NEEDS = {
    'rate_hz': ('source', ''),
    'lock_step': ('source', ''),
    'clock': ('source', ''),
    'exit_with_source': ('source', ''),
    'camera_frame': ('source', ''),
    'frame_prefix': ('source', ''),
    'mesh_file': ('fusion', 'tsdf'),
    'folder': ('fusion', 'monogs'),
}
"""Argument to the other argument and value that it needs to have an effect."""
