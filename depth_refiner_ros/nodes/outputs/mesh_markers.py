# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fused mesh as markers for RViz, one per cell, of which only changed ones are sent."""

from itertools import islice

from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_cells import Cell
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.conversions.mesh import (
    coarsened,
    deleting_all,
    deleting_marker,
    marker_from_mesh,
)
from depth_refiner_ros.nodes.runtime.topics import Topics
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

CELLS_AT_ONCE = 32


class MeshMarkers:
    """
    Publishes what changed of the mesh on ``mesh``.

    A new subscriber is sent the whole mesh, in as many messages as their size asks for.

    :param topics: makes the publisher
    """

    def __init__(self, topics: Topics) -> None:
        self._publisher = topics.publisher(MarkerArray, 'mesh')
        self._numbers: dict[Cell, int] = {}
        self._due: dict[Cell, None] = {}
        self._subscribers = 0
        self._joined = False

    def look(self) -> bool:
        """
        Note who comes and goes, and return whether there is a subscriber.

        To be called often: of one that leaves and another that joins in between, nothing is seen.
        """
        before, self._subscribers = self._subscribers, self._publisher.get_subscription_count()
        self._joined |= self._subscribers > before
        return self._subscribers > 0

    @property
    def due(self) -> bool:
        """Whether there is anything left to send."""
        return bool(self._due)

    def joined(self) -> bool:
        """Whether a subscriber has come since the last call, which has nothing yet."""
        joined, self._joined = self._joined, False
        return joined

    def mark(self, cells: set[Cell]) -> None:
        """Send these cells with the next messages, after those that are due already."""
        self._due |= dict.fromkeys(sorted(cells))

    def next_cells(self) -> list[Cell]:
        """Return some of the cells that are due."""
        return list(islice(self._due, CELLS_AT_ONCE))

    def show(
        self, stamp_ns: int, frame_id: str, meshes: dict[Cell, Mesh], max_triangles: int
    ) -> None:
        """
        Publish as many cells as one message may hold; the others stay due.

        :param meshes: of :meth:`next_cells`
        :param max_triangles: of one message; a single cell with more is coarsened
        """
        header, triangles = header_of(stamp_ns, frame_id), 0
        markers: list[Marker] = []
        for cell, whole in meshes.items():
            mesh = coarsened(whole, max_triangles)
            triangles += len(mesh.triangles_M3)
            if triangles > max_triangles and markers:
                break
            self._due.pop(cell, None)
            markers += self._of_cell(header, cell, mesh)
        if markers:
            self._publisher.publish(MarkerArray(markers=markers))

    def _of_cell(self, header: Header, cell: Cell, mesh: Mesh) -> list[Marker]:
        if len(mesh.triangles_M3):
            number = self._numbers.setdefault(cell, len(self._numbers))
            return [marker_from_mesh(header, mesh, number)]
        if cell in self._numbers:
            return [deleting_marker(header, self._numbers[cell])]
        return []

    def delete(self, stamp_ns: int, frame_id: str) -> None:
        """Remove the mesh from displays; does nothing if none was published."""
        if self._numbers:
            markers = [deleting_all(header_of(stamp_ns, frame_id))]
            self._publisher.publish(MarkerArray(markers=markers))
        self._numbers.clear()
        self._due.clear()
