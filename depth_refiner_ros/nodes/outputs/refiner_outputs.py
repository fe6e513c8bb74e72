# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner's topics; those without a subscriber cost nothing."""

from functools import cache
import time

from depth_refiner_ros.core.lens import Camera, Lens
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.cloud import cloud_from_points
from depth_refiner_ros.nodes.conversions.color import compressed_from_rgb, image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import (
    compressed_from_depth,
    compressed_from_depth_mm,
    image_from_depth,
    image_from_depth_mm,
)
from depth_refiner_ros.nodes.outputs.profiles import topic
from depth_refiner_ros.nodes.runtime.topics import COLOR, DEPTH, Topics
from depth_refiner_ros.settings.nodes import RefinerNodeSettings
from depth_refiner_ros.settings.published import PointsSettings
from depth_refiner_ros.sources.rectify import view_of
import numpy as np
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
import torch

KINDS = {
    'depth/image': Image,
    'depth/image_raw': Image,
    'depth/camera_info': CameraInfo,
    'depth/confidence': Image,
    'range/image': Image,
    'points': PointCloud2,
    'color/image': Image,
    'color/camera_info': CameraInfo,
}
TRANSPORTS = {'color/image': COLOR, 'depth/image': DEPTH, 'depth/image_raw': DEPTH}
"""Images that are also published compressed, under the names of image_transport."""
OF_A_LENS = {'range/image'}
"""Only published for images of a lens that are not rectified."""
NEAREST_M = 0.05
"""Nearest depth of compressedDepth; a smaller one would coarsen the codes of far depth."""


class RefinerOutputs:
    """
    Publishes the outputs that have subscribers.

    :param topics: makes the publishers
    :param settings: with the profile, which names the topics
    """

    def __init__(self, topics: Topics, settings: RefinerNodeSettings) -> None:
        def publisher(kind: type, name: str, transport: str = '') -> Publisher:
            return topics.publisher(
                kind,
                topic(settings.profile, name),
                settings.output_depth,
                transport=transport,
                late=settings.keep_every_frame,
            )

        self._publishers = {name: publisher(kind, name) for name, kind in KINDS.items()}
        self._publishers |= {
            f'{name}/{transport}': publisher(CompressedImage, name, transport)
            for name, transport in TRANSPORTS.items()
        }
        self._cloud_key: tuple[Camera, int, torch.device] | None = None
        self._cloud: CloudBuilder | None = None
        self._cloud_at_s = 0.0

    def wanted(self) -> set[str]:
        """Return the names of the outputs that have subscribers."""
        return {
            name
            for name, publisher in self._publishers.items()
            if publisher.get_subscription_count()
        }

    def publish(
        self,
        header: Header,
        camera: Camera,
        rgb_HW3: np.ndarray,
        depth_m_HW: torch.Tensor,
        confidence_HW: torch.Tensor,
        settings: RefinerNodeSettings,
    ) -> None:
        """
        Publish the requested outputs of one frame, with the stamp and frame of its image.

        :param camera: of the depth; of a lens, the cloud has all that it shows, and all images but
            that of ranges are what its pinhole view shows
        :param settings: current settings
        """
        points = settings.points
        near_m = max(settings.min_range_m, NEAREST_M)
        names = self.wanted() - (set() if isinstance(camera, Lens) else OF_A_LENS)
        view, given = view_of(camera), depth_m_HW.cpu().numpy()
        depth = cache(lambda: view.depth(given, settings.unknown_m))
        rgb = cache(lambda: view.rgb(rgb_HW3))
        makers = {
            'depth/image': lambda: image_from_depth(header, depth()),
            'depth/image_raw': lambda: image_from_depth_mm(header, depth()),
            'depth/camera_info': lambda: info_from_intrinsics(header, view.camera),
            'depth/confidence': lambda: image_from_depth(
                header, view.confidence(confidence_HW.cpu().numpy())
            ),
            'range/image': lambda: image_from_depth(header, given),
            'points': lambda: self._points(header, camera, rgb_HW3, depth_m_HW, points),
            'color/image': lambda: image_from_rgb(header, rgb()),
            'color/image/compressed': lambda: compressed_from_rgb(header, rgb()),
            'depth/image/compressedDepth': lambda: compressed_from_depth(
                header, depth(), near_m, settings.max_range_m
            ),
            'depth/image_raw/compressedDepth': lambda: compressed_from_depth_mm(header, depth()),
            'color/camera_info': lambda: info_from_intrinsics(header, view.camera),
        }
        if not self._cloud_is_due(points.max_rate_hz):
            names.discard('points')
        for name in self._publishers:
            if name in names:
                self._publishers[name].publish(makers[name]())

    def _points(
        self,
        header: Header,
        camera: Camera,
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
