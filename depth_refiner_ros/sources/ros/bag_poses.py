# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The poses of the camera in a bag."""

from collections.abc import Callable

from depth_refiner_ros.core.errors import DepthRefinerError, InputError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.ros.bag_messages import BagMessages
from depth_refiner_ros.sources.ros.camera_poses import CameraPoses
from depth_refiner_ros.sources.ros.topics import NONE, Topic, TRANSFORMS
from depth_refiner_ros.sources.ros.transforms import TransformTree
import numpy as np

Log = Callable[[str], None]


class BagPoses:
    """
    Reads poses and transforms of a bag, once.

    :param messages: of the open bag
    :param topics: all that the bag holds
    :param log: called with one line for whatever is left out or taken from TF
    """

    def __init__(self, messages: BagMessages, topics: list[Topic], log: Log) -> None:
        self._messages, self._log = messages, log
        self._transforms = [topic.name for topic in topics if topic.kind in TRANSFORMS]

    def read(
        self,
        topic: str | None,
        wanted: str,
        camera_frame: str,
        body_from_camera: np.ndarray | None,
    ) -> CameraPoses:
        """
        Return the poses of the camera.

        :param topic: chosen pose topic, None if there is none
        :param wanted: the topic as the user gave it
        :param camera_frame: frame of the images
        :raises SourceError: if the poses are those of another frame, with no transform from it to
            the camera
        """
        tree = TransformTree()
        poses = CameraPoses('', body_from_camera, tree)
        if wanted == NONE or (topic is None and not self._transforms):
            return poses
        if topic is None or topic in self._transforms:
            self._read_transforms(tree)
            return self._of_tree(tree, wanted, camera_frame) or poses
        self._read(topic, poses)
        if poses.unnamed and body_from_camera is None:
            self._log(
                f'{topic} has no child_frame_id: it is taken for the pose of the camera; if it is '
                "the robot's, set body_from_camera"
            )
        if not poses.is_of(camera_frame):
            self._read_transforms(tree)
        try:
            poses.check_way_to(camera_frame)
        except InputError as error:
            raise SourceError(f'{topic}: {error}; pose_topic:={NONE} ignores poses') from error
        return poses

    def _of_tree(self, tree: TransformTree, wanted: str, camera_frame: str) -> CameraPoses | None:
        fixed_frame = tree.fixed_frame_of(camera_frame)
        if fixed_frame is not None:
            self._log(
                f'poses are those of {shown(camera_frame)} in {shown(fixed_frame)}, from /tf'
            )
            return CameraPoses(fixed_frame, None, tree, from_tree=True)
        if wanted:
            raise SourceError(
                f"{wanted} does not say how the images' frame {shown(camera_frame)} moves; "
                'its frames: '
                f'{", ".join(tree.frames)}'
            )
        return None

    def _read_transforms(self, tree: TransformTree) -> None:
        unfit: list[str] = []
        count = 0
        for item in self._messages.of(self._transforms):
            for transform in getattr(item.message, 'transforms', ()):
                count += 1
                try:
                    tree.add(transform, static=item.topic.endswith('static'))
                except DepthRefinerError as error:
                    unfit.append(str(error))
        self._report('transforms of /tf', count, unfit)

    def _read(self, topic: str, poses: CameraPoses) -> None:
        unfit: list[str] = []
        count = 0
        for item in self._messages.of([topic]):
            count += 1
            try:
                if item.message is None:
                    raise InputError(item.error)
                poses.add(item.message, item.stamp_ns)
            except DepthRefinerError as error:
                unfit.append(str(error))
        self._report(f'poses of {topic}', count, unfit)
        repeated = count - len(unfit) - len(poses)
        if repeated:
            self._log(f'{repeated} of {count} poses of {topic} repeat a stamp; the last counts')

    def _report(self, what: str, count: int, unfit: list[str]) -> None:
        if unfit:
            self._log(f'{len(unfit)} of {count} {what} left out; the first: {unfit[0]}')
