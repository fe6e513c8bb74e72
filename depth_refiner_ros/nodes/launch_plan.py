# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Turn the arguments of ``refiner.launch.py`` into nodes with parameters and remaps.

Free of ``launch`` and ``rclpy``, with few imports: ``ros2 launch`` runs in the system's Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest
from depth_refiner_ros.nodes.cameras import camera_names, OPTION, PLACE
from depth_refiner_ros.nodes.launch_arguments import ARGUMENTS, MODEL, NEEDS, TOPICS, TRUTH
from depth_refiner_ros.nodes.outputs import profiles
from depth_refiner_ros.settings.config_files import config_file
from depth_refiner_ros.settings.networks import DEPTH_PRIORS
from depth_refiner_ros.settings.nodes import (
    DEFAULT_MESH_FILE,
    PlayerNodeSettings,
    RecorderNodeSettings,
    RefinerNodeSettings,
    TsdfNodeSettings,
)
from depth_refiner_ros.settings.options import options, updated
from depth_refiner_ros.settings.parameter_file import read_yaml, unmatched

FUSION = {'tsdf': 'tsdf', 'monogs': 'recorder'}
"""Argument ``fusion`` to the node that it starts."""
FUSION_SETTINGS = {'tsdf': TsdfNodeSettings, 'recorder': RecorderNodeSettings}
UNNAMED = {'mesh_file': DEFAULT_MESH_FILE}
"""What a node writes where its option is empty."""


@dataclass(frozen=True, kw_only=True)
class NodePlan:
    """
    One node to start.

    :param name: of the node; its program is ``NAME_node``, except for ``rviz``
    :param namespace: without a leading slash, empty for none
    :param parameters: parameters that override the parameter file
    :param remaps: pairs of topic names, from and to
    :param words: further words of its command line, before those of ROS
    :param several: whether the program runs nodes of this name in several namespaces
    :param ends_all: whether everything ends when it, and all others like it, have finished
    :param is_source: whether its failure ends everything
    :param respawn: whether it is started again when it ends
    """

    name: str
    namespace: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remaps: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    several: bool = False
    ends_all: bool = False
    is_source: bool = False
    respawn: bool = False


def plan(given: Mapping[str, str]) -> list[NodePlan]:
    """
    Return the nodes that the arguments request.

    :param given: values of all :data:`ARGUMENTS`, empty if left to the parameter file
    :raises SettingsError: if arguments or the parameter file cannot be used, in one line
    """
    _check(given)
    cameras = [_camera(given, name) for name in camera_names(given['cameras']) or ['']]
    _check_poses(cameras)
    refiners = [_refiner(same) for same in _with_same_networks(cameras)]
    nodes = refiners + [node for camera in cameras for node in _others(camera, cameras)]
    if given['params_file']:
        names = [f'/{camera.namespace}/refiner'.replace('//', '/') for camera in cameras]
        names += [full_name(node) for node in nodes[len(refiners) :] if node.name != 'rviz']
        if line := unmatched(Path(given['params_file']), names):
            raise SettingsError(line)
    return nodes


class Unfinished:
    """
    The nodes that everything goes on for, of which some have not finished yet.

    :param nodes: all that are started
    """

    def __init__(self, nodes: Sequence[NodePlan]) -> None:
        self._left = {full_name(node) for node in nodes if node.ends_all}

    def ends_all(self, node: NodePlan) -> bool:
        """Note that a node has ended, and return whether everything has to."""
        self._left.discard(full_name(node))
        return node.ends_all and not self._left


def full_name(node: NodePlan) -> str:
    """Return the name of a node with its namespace."""
    return '/' + '/'.join(filter(None, (node.namespace, node.name)))


def truth(given: Mapping[str, str], name: str) -> bool | None:
    """Return an argument that is true or false; None if it is empty."""
    return given[name].lower() == 'true' if given[name] else None


def _check(given: Mapping[str, str]) -> None:
    for name, argument in ARGUMENTS.items():
        truths = argument.choices[-2:] == TRUTH[1:]
        word = given[name].lower() if truths else given[name]
        if argument.choices and word not in argument.choices:
            hint = nearest(word, argument.choices)
            raise SettingsError(f'{name}:={given[name]} must be {argument.allowed}{hint}')
    for name, (other, wanted) in NEEDS.items():
        effective = given[name] not in ('', 'off', 'false')
        if effective and (not given[other] or wanted not in ('', given[other])):
            fix = f'{other}:={wanted}' if wanted else f'{other}:=... too'
            raise SettingsError(f'{name}:={given[name]} has no effect here; set {fix}')
    if given['pose_source'] == 'own' and given['fusion'] != 'tsdf':
        raise SettingsError('pose_source:=own tracks the camera for fusion; set fusion:=tsdf')
    cameras = camera_names(given['cameras'])
    absolute = [
        name for name in TOPICS if given[name].startswith('/') and PLACE not in given[name]
    ]
    if not cameras and (placed := [name for name in TOPICS if PLACE in given[name]]):
        raise SettingsError(
            f'{placed[0]}:={given[placed[0]]} needs the names of cameras; set cameras:=front,rear'
        )
    if len(cameras) > 1 and absolute:
        raise SettingsError(
            f'{absolute[0]}:={given[absolute[0]]} is one topic for {len(cameras)} cameras; put '
            f'{PLACE} where their names differ, or give a name without a leading slash, which '
            'each camera has in its namespace'
        )


@dataclass(frozen=True)
class _Camera:
    """The arguments of one camera, with the values of its parameter file."""

    given: Mapping[str, str]
    name: str
    namespace: str
    refiner: RefinerNodeSettings
    player: PlayerNodeSettings
    fusion: TsdfNodeSettings | RecorderNodeSettings | None

    @property
    def remaps(self) -> tuple[tuple[str, str], ...]:
        """Remaps of the inputs, for every node of this camera."""
        given = {name: self.given[name].replace(PLACE, self.name) for name in TOPICS}
        return tuple((name, topic) for name, topic in given.items() if topic != name)

    @property
    def full_remaps(self) -> tuple[tuple[str, str], ...]:
        """The same for a program with the nodes of other cameras, too."""
        return tuple((f'/{self.namespace}/{name}', topic) for name, topic in self.remaps)

    @property
    def output_remaps(self) -> tuple[tuple[str, str], ...]:
        """Remaps for consumers of the refiner's topics."""
        return self.remaps + tuple(profiles.remaps(self.refiner.profile))

    @property
    def fusion_poses(self) -> str:
        """Return the source of fusion's poses; empty if the parameter file says it."""
        return self.given['pose_source'] or ('pose' if self.given['source'] else '')

    @property
    def pose_sources(self) -> set[str]:
        """Return where the poses that its nodes use come from."""
        fusion = self.fusion_poses or self.fusion.pose_source if self.fusion else 'none'
        return {fusion, self.refiner.pose_source} - {'none'}

    @property
    def frames(self) -> dict[str, str]:
        """Frames that differ from those of the parameter file."""
        given = self.given
        frames = {name: given[name] for name in ('camera_frame', 'map_frame') if given[name]}
        prefix = given['frame_prefix']
        if not prefix and given['source'] and self.namespace and not self.player.frame_prefix:
            prefix = f'{self.namespace}/'
        return frames | ({'frame_prefix': prefix} if prefix else {})

    def started(self, name: str, **plan: Any) -> NodePlan:
        """Return the plan of a node, including what all nodes share."""
        parameters = {key: value for key, value in plan.pop('parameters').items() if value != ''}
        follows_clock = truth(self.given, 'use_sim_time')
        if follows_clock is None and truth(self.given, 'clock') and name != 'player':
            follows_clock = True
        if follows_clock is not None:
            parameters['use_sim_time'] = follows_clock
        autostart = truth(self.given, 'autostart')
        if autostart is not None and name != 'player':
            parameters['autostart'] = autostart
        respawn = bool(truth(self.given, 'respawn')) and name != 'player'
        return NodePlan(
            name=name, namespace=self.namespace, parameters=parameters, respawn=respawn, **plan
        )


def _camera(given: Mapping[str, str], name: str) -> _Camera:
    namespace = '/'.join(filter(None, (given['namespace'].strip('/'), name)))
    refiner = _read(RefinerNodeSettings, given, namespace, 'refiner')
    fusion = FUSION.get(given['fusion'])
    return _Camera(
        given=given,
        name=name,
        namespace=namespace,
        refiner=updated(refiner, _model(given) | _refiner_poses(given)),
        player=_read(PlayerNodeSettings, given, namespace, 'player'),
        fusion=_read(FUSION_SETTINGS[fusion], given, namespace, fusion) if fusion else None,
    )


def _model(given: Mapping[str, str]) -> dict[str, str]:
    return {option: given[option] for option in MODEL if given[option]}


def _refiner_poses(given: Mapping[str, str]) -> dict[str, str]:
    """Return the option of the refiner for its poses; with fusion, poses are for that."""
    poses = given['pose_source']
    return {'pose_source': poses} if poses and given['fusion'] not in FUSION else {}


def _check_poses(cameras: Sequence[_Camera]) -> None:
    """
    Check that what is given about poses has an effect.

    :raises SettingsError: if no node of any camera uses it
    """
    given, used = cameras[0].given, {name for camera in cameras for name in camera.pose_sources}
    effects = {
        'pose': 'pose' in used or bool(given['source']),
        'odom': 'odom' in used,
        'map_frame': bool(used or given['source'] or truth(given, 'rviz'))
        or given['fusion'] == 'tsdf',
    }
    for name, has_effect in effects.items():
        if given[name] != ARGUMENTS[name].default and not has_effect:
            fix = f'pose_source:={name}' if name in TOPICS else 'pose_source:=... too'
            raise SettingsError(f'{name}:={given[name]} has no effect here; set {fix}')


def _with_same_networks(cameras: Sequence[_Camera]) -> list[list[_Camera]]:
    """Return the cameras of each process: those whose networks are the same."""
    groups: list[list[_Camera]] = []
    for camera in cameras:
        loaded = camera.refiner.loaded
        same = (group for group in groups if group[0].refiner.loaded == loaded)
        if (found := next(same, None)) is None:
            groups.append([camera])
        else:
            found.append(camera)
    return groups


def _others(camera: _Camera, cameras: Sequence[_Camera]) -> list[NodePlan]:
    """Return the nodes of one of the cameras besides the refiner."""
    given, nodes = camera.given, []
    if given['source']:
        nodes.append(_player(camera))
    if given['fusion'] in FUSION:
        nodes.append(_fusion(camera, cameras))
    if truth(given, 'rviz'):
        nodes.append(_rviz(camera))
    return nodes


def _read(group: type, given: Mapping[str, str], namespace: str, node: str) -> Any:
    """Return a node's settings in the parameter file; the defaults without a file."""
    if not given['params_file']:
        return group()
    return read_yaml(group, Path(given['params_file']), f'{namespace}/{node}')


def _lock_step(camera: _Camera) -> str:
    """Return the stage that the source waits for, if there is a source."""
    if not camera.given['source']:
        return 'off'
    stage = camera.given['lock_step'] or camera.player.lock_step
    if stage == 'tsdf' and camera.given['fusion'] != 'tsdf':
        raise SettingsError('lock_step:=tsdf waits for fusion that is not there; set fusion:=tsdf')
    return stage


def _refiner(cameras: Sequence[_Camera]) -> NodePlan:
    """Return the program with the refiners of one or several cameras."""
    first, given = cameras[0], cameras[0].given
    # A node that must not lose frames requests and keeps every one.
    waits = any(_lock_step(camera) != 'off' for camera in cameras)
    keeps = {'input_qos': 'reliable', 'keep_every_frame': True} if waits else {}
    frames = {_map_frame(camera) for camera in cameras if camera.refiner.pose_source != 'none'}
    poses = {**_refiner_poses(given), 'map_frame': frames.pop() if len(frames) == 1 else ''}
    alone = first.started(
        'refiner', parameters={**_model(given), **poses, **keeps}, remaps=first.remaps
    )
    if len(cameras) == 1:
        return alone
    return replace(
        alone,
        namespace=given['namespace'].strip('/'),
        remaps=tuple(remap for camera in cameras for remap in camera.full_remaps),
        words=(OPTION, ','.join(camera.name for camera in cameras)),
        several=True,
    )


def _player(camera: _Camera) -> NodePlan:
    given = camera.given
    return camera.started(
        'player',
        parameters={
            'source': given['source'],
            'rate_hz': _rate_hz(given['rate_hz']),
            'lock_step': given['lock_step'],
            'publish_depth': True if camera.refiner.takes(DEPTH_PRIORS) else '',
            'publish_clock': True if truth(given, 'clock') else '',
            **camera.frames,
        },
        remaps=camera.output_remaps,
        ends_all=bool(truth(given, 'exit_with_source')),
        is_source=True,
    )


def _rate_hz(word: str) -> Any:
    """Return a rate as a number for the player; empty if none is given."""
    if not word:
        return ''
    try:
        return options(PlayerNodeSettings)['rate_hz'].check(float(word))
    except ValueError as error:
        raise SettingsError(f'rate_hz:={word} must be a number of frames per second') from error


def _fusion(camera: _Camera, cameras: Sequence[_Camera]) -> NodePlan:
    node = FUSION[camera.given['fusion']]
    parameters: dict[str, Any] = {
        'pose_source': camera.fusion_poses,
        'map_frame': _map_frame(camera),
    }
    if node == 'tsdf':
        parameters['mesh_file'] = _output(camera, cameras, 'mesh_file')
        parameters['volume_file'] = _output(camera, cameras, 'volume_file')
    else:
        parameters['layout'] = 'monogs'
        parameters['folder'] = _output(camera, cameras, 'folder')
    return camera.started(node, parameters=parameters, remaps=camera.output_remaps)


def _output(camera: _Camera, cameras: Sequence[_Camera], name: str) -> str:
    """
    Return the file or folder that a camera's fusion writes; empty if the parameter file says it.

    Cameras never share one: each has its own beside what is given for all of them, and what the
    parameter file gives to one camera alone stays.
    """
    argument = camera.given.get(name, '')
    if not camera.name:
        return argument
    own, *others = (
        getattr(each.fusion, name) for each in (camera, *(c for c in cameras if c is not camera))
    )
    unset = options(FUSION_SETTINGS[FUSION[camera.given['fusion']]])[name].default
    if not argument and own != unset and own not in others:
        return ''
    shared = Path(argument or own or UNNAMED.get(name, ''))
    if not shared.name:
        return ''
    if name == 'folder':
        return str(shared / camera.name)
    return str(shared.with_name(f'{shared.stem}_{camera.name}{shared.suffix}'))


def _map_frame(camera: _Camera) -> str:
    """Return the frame of the poses if the arguments change it; empty otherwise."""
    frames = camera.frames
    if camera.given['source'] and 'frame_prefix' in frames:
        return frames['frame_prefix'] + frames.get('map_frame', camera.player.map_frame)
    return frames.get('map_frame', '')


def _rviz(camera: _Camera) -> NodePlan:
    config = config_file('refiner.rviz')
    frame = _map_frame(camera) or camera.player.map_frame
    return NodePlan(
        name='rviz',
        namespace=camera.namespace,
        remaps=camera.output_remaps,
        words=('-d', str(config), '-f', frame),
    )
