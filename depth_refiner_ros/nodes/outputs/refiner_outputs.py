"""The refiner's topics; one that nobody listens to costs nothing."""

import time

from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.cloud import cloud_from_points
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth, image_from_depth_mm
from depth_refiner_ros.nodes.outputs.profiles import topic
from depth_refiner_ros.nodes.runtime.topics import Topics
from depth_refiner_ros.settings.nodes import PointsSettings, RefinerNodeSettings
import numpy as np
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
import torch

KINDS = {
    'depth/image': Image,
    'depth/image_raw': Image,
    'depth/camera_info': CameraInfo,
    'depth/confidence': Image,
    'points': PointCloud2,
    'color/image': Image,
    'color/camera_info': CameraInfo,
}


class RefinerOutputs:
    """
    Publishes what is listened to.

    :param topics: makes the publishers
    :param settings: the profile that names them and the depth of their queues
    """

    def __init__(self, topics: Topics, settings: RefinerNodeSettings) -> None:
        self._publishers = {
            name: topics.publisher(
                kind,
                topic(settings.profile, name),
                settings.output_depth,
                late=settings.keep_every_frame,
            )
            for name, kind in KINDS.items()
        }
        self._cloud_key: tuple[Intrinsics, int, torch.device] | None = None
        self._cloud: CloudBuilder | None = None
        self._cloud_at_s = 0.0

    def wanted(self) -> set[str]:
        """Return the names of the outputs that somebody listens to."""
        return {
            name
            for name, publisher in self._publishers.items()
            if publisher.get_subscription_count()
        }

    def publish(
        self,
        header: Header,
        camera: Intrinsics,
        rgb_HW3: np.ndarray,
        depth_m_HW: torch.Tensor,
        confidence_HW: torch.Tensor,
        points: PointsSettings,
    ) -> None:
        """
        Publish what is wanted of one frame, all with the image's stamp and frame.

        :param camera: of the depth
        """
        names = self.wanted()
        depth = depth_m_HW.cpu().numpy()
        makers = {
            'depth/image': lambda: image_from_depth(header, depth),
            'depth/image_raw': lambda: image_from_depth_mm(header, depth),
            'depth/camera_info': lambda: info_from_intrinsics(header, camera),
            'depth/confidence': lambda: image_from_depth(header, confidence_HW.cpu().numpy()),
            'points': lambda: self._points(header, camera, rgb_HW3, depth_m_HW, points),
            'color/image': lambda: image_from_rgb(header, rgb_HW3),
            'color/camera_info': lambda: info_from_intrinsics(header, camera),
        }
        if not self._cloud_is_due(points.max_rate_hz):
            names.discard('points')
        for name in KINDS:
            if name in names:
                self._publishers[name].publish(makers[name]())

    def _points(
        self,
        header: Header,
        camera: Intrinsics,
        rgb_HW3: np.ndarray,
        depth_m_HW: torch.Tensor,
        points: PointsSettings,
    ) -> PointCloud2:
        key = (camera, points.stride, depth_m_HW.device)
        if self._cloud is None or key != self._cloud_key:
            self._cloud = CloudBuilder(camera, points.stride, device=depth_m_HW.device)
            self._cloud_key = key
        self._cloud_at_s = time.monotonic()
        rgb = torch.from_numpy(rgb_HW3).to(depth_m_HW.device)
        cloud_hw4 = self._cloud.build(depth_m_HW, rgb).cpu().numpy()
        return cloud_from_points(header, cloud_hw4, points.layout, organized=points.organized)

    def _cloud_is_due(self, max_rate_hz: float) -> bool:
        return max_rate_hz == 0.0 or time.monotonic() - self._cloud_at_s >= 1.0 / max_rate_hz
