# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The tree of frames that ``/tf`` and ``/tf_static`` describe, looked up at a stamp.

Bags and live nodes both use this tree. tf2's Python buffer is not on the package registries,
would serve only the nodes, has no tolerance and forgets what is older than ten seconds.
"""

from typing import Any

from depth_refiner_ros.mapping.pose_track import PoseTrack
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.sources.ros.pose import numbers_of, stamp_ns_of
import numpy as np

JUMP_NS = 100_000_000
"""A stamp older than the newest by up to this is late; farther back, time has jumped."""
STATIC_NS = 0
"""Stamp under which static transforms are kept, as they hold at all times."""
FIXED_FRAMES = ('map', 'odom', 'world')
"""Fixed frames of REP-105."""


class Edge:
    """
    The pose of a frame in its parent.

    :param static: holds at all times
    :param keep: transforms remembered; None remembers all
    """

    def __init__(self, parent: str, *, static: bool, keep: int | None) -> None:
        self.parent, self.static = parent, static
        self.track = PoseTrack(keep)

    def at(self, stamp_ns: int, max_gap_ns: int) -> np.ndarray | None:
        """Return ``parent_from_child``, None if no transform is near enough."""
        return self.track.at(STATIC_NS if self.static else stamp_ns, max_gap_ns=max_gap_ns)

    def settled(self, stamp_ns: int) -> bool:
        """Whether later transforms cannot change the answer."""
        latest_ns = self.track.latest_ns
        return self.static or (latest_ns is not None and latest_ns >= stamp_ns)


class TransformTree:
    """
    Transforms as they arrive.

    :param keep: transforms of each frame remembered; None remembers all
    :param live: a jump back in time, as of a recording that starts over, forgets the moving
        transforms of a frame; otherwise a late transform is sorted in by its stamp
    """

    def __init__(self, *, keep: int | None = None, live: bool = False) -> None:
        self._keep, self._live = keep, live
        self._edges: dict[str, Edge] = {}

    @property
    def frames(self) -> list[str]:
        """Return all frames, sorted."""
        return sorted({*self._edges, *(edge.parent for edge in self._edges.values())})

    def add(self, transform: Any, *, static: bool) -> None:
        """
        Add a TransformStamped.

        :raises MappingError: if a value is not finite or the quaternion is not of length 1
        """
        parent, child = plain(transform.header.frame_id), plain(transform.child_frame_id)
        stamp_ns = STATIC_NS if static else stamp_ns_of(transform.header)
        edge = self._edges.get(child)
        if edge is None or (edge.parent, edge.static) != (parent, static):
            edge = Edge(parent, static=static, keep=self._keep)
            edge.track.add(stamp_ns, numbers_of(transform))
            self._edges[child] = edge
            return
        latest_ns = edge.track.latest_ns
        if self._live and latest_ns is not None and stamp_ns < latest_ns - JUMP_NS:
            edge.track.clear()
        edge.track.add(stamp_ns, numbers_of(transform))

    def connects(self, target: str, source: str) -> bool:
        """Whether a chain of transforms leads from one frame to the other."""
        return self._chains(target, source) is not None

    def at(self, target: str, source: str, stamp_ns: int, *, max_gap_ns: int) -> np.ndarray | None:
        """
        Return ``target_from_source`` at a stamp.

        :param max_gap_ns: largest distance in time to the nearer transform, for each moving frame
        :return: 4 x 4 float64, None if no chain leads there or a transform is missing
        """
        chains = self._chains(target, source)
        if chains is None:
            return None
        ways = [_product(chain, stamp_ns, max_gap_ns) for chain in chains]
        to_target, to_source = ways
        if to_target is None or to_source is None:
            return None
        return inverse(to_target) @ to_source

    def settled(self, target: str, source: str, stamp_ns: int) -> bool:
        """Whether later transforms cannot change the answer; False without a chain."""
        chains = self._chains(target, source)
        return chains is not None and all(
            edge.settled(stamp_ns) for chain in chains for edge in chain
        )

    def gap_ns(self, target: str, source: str, stamp_ns: int) -> int:
        """Return how far the nearest transforms are from a stamp, for the worst edge."""
        chains = self._chains(target, source) or ([], [])
        gaps_ns = [
            edge.track.gap_ns(stamp_ns) for chain in chains for edge in chain if not edge.static
        ]
        return max((gap_ns for gap_ns in gaps_ns if gap_ns is not None), default=0)

    def fixed_frame_of(self, frame: str) -> str | None:
        """
        Return the frame that a frame moves in: map, odom or world, else the root of its tree.

        :return: None if nothing moves it and no ancestor is one of these
        """
        names, edges = self._way_up(plain(frame))
        for name in FIXED_FRAMES:
            if name in names[1:]:
                return name
        return names[-1] if any(not edge.static for edge in edges) else None

    def _chains(self, target: str, source: str) -> tuple[list[Edge], list[Edge]] | None:
        """Return the edges from both frames up to their nearest common ancestor."""
        target_names, target_edges = self._way_up(plain(target))
        source_names, source_edges = self._way_up(plain(source))
        for steps, name in enumerate(target_names):
            if name in source_names:
                return target_edges[:steps], source_edges[: source_names.index(name)]
        return None

    def _way_up(self, frame: str) -> tuple[list[str], list[Edge]]:
        """Return a frame and its ancestors, and the edges between them; a loop ends the walk."""
        names: list[str] = [frame]
        edges: list[Edge] = []
        while (edge := self._edges.get(names[-1])) is not None and edge.parent not in names:
            names.append(edge.parent)
            edges.append(edge)
        return names, edges


def plain(frame: str) -> str:
    """Return a frame's name without the leading slash that old recordings have."""
    return frame.removeprefix('/')


def _product(chain: list[Edge], stamp_ns: int, max_gap_ns: int) -> np.ndarray | None:
    """Return ``ancestor_from_frame`` for the edges from a frame upwards."""
    pose = np.eye(4)
    for edge in chain:
        step = edge.at(stamp_ns, max_gap_ns)
        if step is None:
            return None
        pose = step @ pose
    return pose
