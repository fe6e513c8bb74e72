# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fused mesh as a marker for RViz, latched for late subscribers."""

from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.conversions.mesh import coarsened, deleting_marker, marker_from_mesh
from depth_refiner_ros.nodes.runtime.topics import Topics
from visualization_msgs.msg import Marker


class MeshMarker:
    """
    Publishes the newest mesh on ``mesh``.

    :param topics: makes the publisher
    """

    def __init__(self, topics: Topics) -> None:
        self._publisher = topics.publisher(Marker, 'mesh', depth=1, late=True)
        self._shown_in = ''

    @property
    def wanted(self) -> bool:
        """Whether there is a subscriber."""
        return self._publisher.get_subscription_count() > 0

    def show(self, stamp_ns: int, frame_id: str, mesh: Mesh, max_triangles: int) -> None:
        """Publish a mesh, coarsened to what one message may hold."""
        self._publisher.publish(
            marker_from_mesh(header_of(stamp_ns, frame_id), coarsened(mesh, max_triangles))
        )
        self._shown_in = frame_id

    def delete(self, stamp_ns: int) -> None:
        """Remove the mesh from displays; does nothing if none was published."""
        if self._shown_in:
            self._publisher.publish(deleting_marker(header_of(stamp_ns, self._shown_in)))
        self._shown_in = ''
