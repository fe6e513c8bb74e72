# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth, its camera and its cloud as the bytes of messages, without ROS."""

from typing import Any

from depth_refiner_ros.bags.additions import AddedTopic
from depth_refiner_ros.bags.progress import Bytes
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.message_fields import (
    camera_fields,
    cloud_fields,
    depth_fields,
    point_offsets,
)
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.settings.published import PublishedSettings
from depth_refiner_ros.sources.rectify import view_of
from depth_refiner_ros.sources.ros.bag_files import usual_types
import numpy as np
from rosbags.typesys.store import Typestore
import torch

KINDS = {
    'depth/image': 'sensor_msgs/msg/Image',
    'depth/camera_info': 'sensor_msgs/msg/CameraInfo',
    'points': 'sensor_msgs/msg/PointCloud2',
}
"""Names of the node's outputs that a bag gets, and their types."""
FLOAT32 = 7
"""Of PointField."""


class MessageMaker:
    """
    Makes the messages of the frames of one camera.

    :param types: of the bag, so that types which it defines are written as it defines them
    :param published: layout of the cloud, and what stands for unknown depth
    :param clouds: make the cloud, too
    """

    def __init__(self, types: Typestore, published: PublishedSettings, *, clouds: bool) -> None:
        self._types, self._published = types, published
        self._names = [name for name in KINDS if clouds or name != 'points']
        self._builder: tuple[Camera, CloudBuilder] | None = None

    def topics(self, image: str, namespace: str) -> list[AddedTopic]:
        """
        Return the topics of the messages.

        :param image: topic of the images
        :param namespace: of the new topics, without a slash at its end
        """
        return [self._topic(KINDS[name], f'{namespace}/{name}', image) for name in self._names]

    def _topic(self, kind: str, name: str, image: str) -> AddedTopic:
        types = self._defining(kind)
        definition, _ = types.generate_msgdef(kind, ros_version=2)
        digest = types.hash_rihs01(kind)
        return AddedTopic(name=name, kind=kind, definition=definition, digest=digest, image=image)

    def _defining(self, kind: str) -> Typestore:
        """Return the types of the bag, or those of ROS for one that the bag does not define."""
        return self._types if kind in self._types.types else usual_types()

    def messages(
        self, header: Any, camera: Camera, rgb_HW3: np.ndarray, depth_m_HW: torch.Tensor
    ) -> list[Bytes]:
        """
        Return the messages of a frame as CDR.

        :param header: of the image
        :param camera: of the depth; of a lens, the cloud has all that it shows, the depth image
            what its pinhole view does
        :param rgb_HW3: color of its pixels
        :raises SourceError: if the bag defines a message in another way than ROS does
        """
        view = view_of(camera)
        makers = {
            'depth/image': lambda: depth_fields(
                view.depth(depth_m_HW.cpu().numpy(), self._published.unknown_m)
            ),
            'depth/camera_info': lambda: self._camera(view.camera),
            'points': lambda: self._cloud(camera, rgb_HW3, depth_m_HW),
        }
        return [self._packed(KINDS[name], header, makers[name]()) for name in self._names]

    def _packed(self, kind: str, header: Any, fields: dict[str, Any]) -> Bytes:
        types = self._defining(kind)
        try:
            message = types.types[kind](header=header, **fields)
        except TypeError as error:
            raise SourceError(f'the bag defines {kind} in its own way: {error}') from error
        return types.serialize_cdr(message, kind)

    def _camera(self, camera: Intrinsics) -> dict[str, Any]:
        region = self._defining(KINDS['depth/camera_info']).types[
            'sensor_msgs/msg/RegionOfInterest'
        ](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
        fields = {
            name: np.array(value) if isinstance(value, list) else value
            for name, value in camera_fields(camera).items()
        }
        return {**fields, 'binning_x': 0, 'binning_y': 0, 'roi': region}

    def _cloud(
        self, camera: Camera, rgb_HW3: np.ndarray, depth_m_HW: torch.Tensor
    ) -> dict[str, Any]:
        points, depth = self._published.points, depth_m_HW.cpu()
        if self._builder is None or self._builder[0] != camera:
            self._builder = camera, CloudBuilder(camera, points.stride)
        cloud_hw4 = self._builder[1].build(depth, torch.from_numpy(rgb_HW3)).numpy()
        field = self._defining(KINDS['points']).types['sensor_msgs/msg/PointField']
        offsets = point_offsets(points.layout).items()
        return {
            'fields': [
                field(name=name, offset=offset, datatype=FLOAT32, count=1)
                for name, offset in offsets
            ],
            **cloud_fields(cloud_hw4, points.layout, organized=points.organized),
        }
