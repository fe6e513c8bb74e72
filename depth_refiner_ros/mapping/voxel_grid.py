# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A sparse grid of voxel blocks that grows on demand, up to a limit: Open3D's, in main memory."""

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.mesh import Mesh
import numpy as np
import open3d as o3d
import open3d.core as o3c

# Open3D also offers uint16 weights and colors, but the weights wrap after 65535 frames, and each
# frame rounds the colors down, which turns mid grey into dark grey within 300 frames.
CHANNELS = {'tsdf': 1, 'weight': 1, 'trust': 1, 'color': 3}
"""
Values of a voxel: signed distance over the truncation distance; number of observations, which
Open3D calls weight and asks for in a mesh; sum of their weights; color from 0 to 255.
"""
BYTES_PER_VOXEL = 4 * sum(CHANNELS.values())
FIRST_BLOCKS = 1024


class VolumeFullError(MappingError):
    """There is no room for what a frame shows; frames that need no more room can be fused."""


class VoxelGrid:
    """
    Blocks of voxels.

    :param voxel_m: edge of a voxel
    :param resolution: voxels along the edge of a block
    :param max_memory_mb: refuse to grow beyond this; the room for blocks, which doubles when it is
        full, does not pass it either, but the old room and the new are both there while it moves
    :param first_blocks: room for so many blocks at once
    """

    def __init__(
        self,
        voxel_m: float,
        resolution: int,
        max_memory_mb: float,
        device: o3c.Device,
        first_blocks: int = FIRST_BLOCKS,
    ) -> None:
        self.voxel_m, self.resolution, self.device = voxel_m, resolution, device
        self.max_memory_mb = max_memory_mb
        self.open3d = o3d.t.geometry.VoxelBlockGrid(
            tuple(CHANNELS),
            (o3c.float32,) * len(CHANNELS),
            tuple(o3c.SizeVector([count]) for count in CHANNELS.values()),
            voxel_m,
            resolution,
            max(first_blocks, 1),
            device,
        )

    @property
    def block_m(self) -> float:
        """Return the edge of a block."""
        return self.voxel_m * self.resolution

    @property
    def blocks(self) -> int:
        """Return the number of blocks in use."""
        return int(self.open3d.hashmap().size())

    @property
    def memory_mb(self) -> float:
        """Return the size of the blocks in use."""
        return self._size_mb(self.blocks)

    def rows(self, blocks_K3: np.ndarray) -> np.ndarray:
        """
        Return where each block is stored, int64 of shape (K,); -1 for a block that is not.

        :param blocks_K3: int32 block indices
        """
        if not len(blocks_K3):  # Open3D refuses to look for nothing
            return np.empty(0, dtype=np.int64)
        rows, known = self.open3d.hashmap().find(o3c.Tensor.from_numpy(blocks_K3).to(self.device))
        return np.where(known.cpu().numpy(), rows.cpu().numpy().astype(np.int64), -1)

    def observed(self, points_m_N3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return whether each point is in a stored block, and whether its voxel was ever observed.

        :param points_m_N3: in the map frame, finite
        """
        voxels_N3 = np.rint(points_m_N3 / self.voxel_m).astype(np.int64)
        blocks_N3 = voxels_N3 // self.resolution
        row_N = self.rows(blocks_N3.astype(np.int32))
        x, y, z = (voxels_N3 - blocks_N3 * self.resolution).T
        size = self.resolution
        at_N = ((row_N * size + z) * size + y) * size + x  # Open3D stores x fastest
        stored_N = row_N >= 0
        count_N = self.values('weight')[np.where(stored_N, at_N, 0), 0]
        return stored_N, stored_N & (count_N > 0)

    def stored(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the blocks in use, int32 of shape (K, 3), and where each is stored, (K,)."""
        table = self.open3d.hashmap()
        rows_K = table.active_buf_indices().cpu().numpy().astype(np.int64)
        return table.key_tensor().cpu().numpy()[rows_K], rows_K

    def add(self, blocks_K3: np.ndarray, beside_mb: float = 0.0) -> None:
        """
        Store blocks that are not stored yet, with weight 0.

        :param beside_mb: part of the limit that is not for blocks
        :raises VolumeFullError: if memory would not suffice; then nothing has changed
        """
        table = self.open3d.hashmap()
        blocks = o3c.Tensor.from_numpy(blocks_K3).to(self.device)
        needed = self.blocks + int(np.count_nonzero(self.rows(blocks_K3) < 0))
        needed_mb = self._size_mb(needed) + beside_mb
        if needed_mb > self.max_memory_mb:
            raise VolumeFullError(
                f'the volume would grow to {needed_mb:.0f} MB, more '
                f'than max_memory_mb = {self.max_memory_mb:g}; use a larger '
                f'voxel_m than {self.voxel_m:g} or a smaller max_range_m'
            )
        if needed > table.capacity():
            # Open3D would grow to the exact size, and copy all blocks at every frame.
            most = int((self.max_memory_mb - beside_mb) / self._size_mb(1))
            table.reserve(max(needed, min(2 * table.capacity(), most)))
        if len(blocks_K3):
            table.activate(blocks)

    def surface(self, min_weight: float) -> Mesh:
        """
        Return the surface by marching cubes, empty if there is none.

        :param min_weight: a surface needs this many observations
        """
        # Open3D requires more than its threshold; here the threshold itself is enough.
        threshold = max(min_weight - 0.5, 0.0)
        found = self.open3d.extract_triangle_mesh(threshold).cpu() if self.blocks else None
        if found is None or found.is_empty() or not len(found.triangle.indices):
            return Mesh(
                vertices_m_N3=np.empty((0, 3), dtype=np.float32),
                triangles_M3=np.empty((0, 3), dtype=np.int32),
                colors_N3=np.empty((0, 3), dtype=np.uint8),
            )
        colors = np.clip(np.rint(found.vertex.colors.numpy() * 255.0), 0, 255)
        return Mesh(
            vertices_m_N3=found.vertex.positions.numpy(),
            triangles_M3=found.triangle.indices.numpy().astype(np.int32),
            colors_N3=colors.astype(np.uint8),
        )

    def values(self, name: str) -> np.ndarray:
        """
        Return a view of one attribute of all voxels, float32 of shape (voxels, channels).

        Block row r has the voxels ``r * resolution**3`` onwards. Adding blocks may move it.
        """
        return self.open3d.attribute(name).numpy().reshape(-1, CHANNELS[name])

    def _size_mb(self, blocks: int) -> float:
        return float(blocks * self.resolution**3 * BYTES_PER_VOXEL / 1e6)
