# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Fusion of posed depth maps into a truncated signed distance volume (Curless and Levoy 1996).

The volume is Open3D's ``VoxelBlockGrid``. Depth is along the optical Z axis, which is what a
projective TSDF needs.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.core.messages import counted, shown
from depth_refiner_ros.mapping.blocks import blocks_between, reach_m, touched_blocks, unique_rows
from depth_refiner_ros.mapping.gpu_integration import integrate_on_gpu
from depth_refiner_ros.mapping.integration import integrate
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_cells import Cell, cells_of, mesh_of_cells
from depth_refiner_ros.mapping.poses import check_resolution, checked_pose, inverse
from depth_refiner_ros.mapping.ray_blocks import compiled_walk
from depth_refiner_ros.mapping.surface_bias import without_bias
from depth_refiner_ros.mapping.volume_file import read_volume, write_volume
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
from depth_refiner_ros.mapping.voxel_update import compiled_update
import numpy as np
import open3d as o3d
import open3d.core as o3c

CARVED_STRIDE_PX = 8
"""Every n-th row and column looks for blocks to carve; a block is far wider than that."""
NONE_SEEN_M3 = np.empty((0, 3), np.int32)
WHOLE: Cell = (0, 0, 0)
"""The one cell of a volume on a GPU, which is meshed as a whole."""
NEEDS_MAIN_MEMORY = (
    'a volume on a GPU is neither kept in a file nor asked for distances; set device = cpu'
)


class TsdfVolume:
    """
    A volume that grows where depth is integrated. The first of a process is compiled.

    :param voxel_m: edge of a voxel
    :param truncation_voxels: truncation distance in voxels
    :param min_range_m: ignore nearer depth
    :param max_range_m: ignore farther depth
    :param device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``: a GPU if Open3D can use one
    :param block_resolution: voxels along the edge of a block
    :param max_memory_mb: refuse to grow beyond this
    :raises MappingError: if a value is out of range or the device does not exist
    """

    def __init__(
        self,
        voxel_m: float = 0.02,
        *,
        truncation_voxels: float = 4.0,
        min_range_m: float = 0.1,
        max_range_m: float = 5.0,
        device: str = 'cpu',
        block_resolution: int = 8,
        max_memory_mb: float = 4096.0,
    ) -> None:
        for name, value in (
            ('voxel_m', voxel_m),
            ('truncation_voxels', truncation_voxels),
            ('block_resolution', block_resolution),
        ):
            if not value > 0:
                raise MappingError(f'TSDF volume: {name} = {value:g} must be positive')
        if not max_range_m > min_range_m:
            raise MappingError(
                f'TSDF volume: max_range_m {max_range_m:g} must be above min_range_m '
                f'{min_range_m:g}'
            )
        self.voxel_m = voxel_m
        self.truncation_m = voxel_m * truncation_voxels
        self.truncation_share = 0.0
        """Of the depth, where that is more than the truncation distance; not on a GPU."""
        self.error_share = 0.0
        """Standard deviation of depth, as a share of it, see ``surface_bias``; not on a GPU."""
        self.range_m = (min_range_m, max_range_m)
        self.beside_mb = 0.0
        """What the map keeps besides, which counts towards the limit."""
        self._truncation_voxels = truncation_voxels
        self._block_resolution, self._max_memory_mb = block_resolution, max_memory_mb
        self._device = _device(device)
        # Compiled now, and not while the first frame waits.
        compiled_walk()
        if self._on_cpu:
            compiled_update()
        self.reset()

    def reset(self) -> None:
        """Remove all depth."""
        self.frames = 0
        self._changed: set[Cell] = set()
        self._grid = VoxelGrid(
            self.voxel_m, self._block_resolution, self._max_memory_mb, self._device
        )

    @property
    def blocks(self) -> int:
        """Return the number of blocks in use."""
        return self._grid.blocks

    @property
    def memory_mb(self) -> float:
        """Return the size of the blocks in use, and of what the map keeps besides."""
        return self._grid.memory_mb + self.beside_mb

    def integrate(
        self,
        depth_m_HW: np.ndarray,
        rgb_HW3: np.ndarray | None,
        intrinsics: Intrinsics,
        map_from_camera: np.ndarray,
        *,
        confidence_HW: np.ndarray | None = None,
        min_confidence: float = 0.0,
        reject_HW: np.ndarray | None = None,
        weight_HW: np.ndarray | None = None,
        carve: bool = False,
    ) -> int:
        """
        Add one depth map.

        :param depth_m_HW: float32 depth along Z; NaN, infinite or out of range is ignored
        :param rgb_HW3: uint8 colors of the same size; without them new surfaces stay black
        :param map_from_camera: 4 x 4 pose of the optical frame
        :param confidence_HW: trust in [0, 1]; NaN counts as none
        :param min_confidence: ignore pixels below this
        :param reject_HW: bool, True where a pixel must be ignored, such as flying pixels
        :param weight_HW: float32, above 0, how much each pixel counts in the average; None is 1
            everywhere, and so is a volume on a GPU, whose kernel knows no weights
        :param carve: also empty what is stored in front of this depth; not on a GPU
        :return: number of pixels used; 0 leaves the volume unchanged
        :raises PoseError: if the pose is not rigid, or too far away for this size of voxels
        :raises MappingError: if shapes do not fit, or VolumeFullError without enough memory
        """
        _check_shapes(
            intrinsics,
            depth=depth_m_HW,
            color=rgb_HW3,
            confidence=confidence_HW,
            reject=reject_HW,
            weight=weight_HW,
        )
        pose = checked_pose(map_from_camera)
        check_resolution(pose, self.voxel_m)
        used_HW = self._usable(depth_m_HW, confidence_HW, min_confidence, reject_HW)
        pixels = int(np.count_nonzero(used_HW))
        if pixels:
            depth_m_HW = np.where(used_HW, depth_m_HW, np.float32(0)).astype(np.float32, order='C')
            if self._on_cpu:
                depth_m_HW = without_bias(
                    depth_m_HW,
                    error_share=self.error_share,
                    truncation_m=self.truncation_m,
                    truncation_share=self.truncation_share,
                    by_precision=weight_HW is not None,
                )
            self._fuse(depth_m_HW, rgb_HW3, weight_HW, intrinsics, pose, carve=carve)
        self.frames += 1
        return pixels

    def mesh(
        self, *, min_weight: float = 1.0, min_trust: float = 0.0, min_part_triangles: int = 0
    ) -> Mesh:
        """
        Extract the surface by marching cubes.

        :param min_weight: a surface needs this many observations
        :param min_trust: and this sum of their weights; not on a GPU
        :param min_part_triangles: drop connected parts of fewer triangles
        :raises MappingError: if there is no surface, with the reason
        """
        if not self.blocks:
            raise MappingError(
                f'the volume is empty after {counted(self.frames, "frame")}: no pixel was '
                f'between {self.range_m[0]:g} and {self.range_m[1]:g} m with '
                'enough confidence; check depth unit, range, poses and min_confidence'
            )
        with self._without(min_trust):
            surface = self._grid.surface(min_weight)
        if not len(surface.triangles_M3):
            raise MappingError(
                f'no surface was seen {min_weight:g} times in {counted(self.frames, "frame")}; '
                'lower min_weight or min_trust, or add frames'
            )
        mesh = surface.without_small_parts(min_part_triangles)
        if not len(mesh.triangles_M3):
            raise MappingError(
                f'no connected surface has {min_part_triangles} triangles; lower '
                'min_part_triangles'
            )
        return mesh

    @property
    def block_m(self) -> float:
        """Return the edge of a block."""
        return self._grid.block_m

    def observed(self, points_m_N3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return whether each point is in a stored block, and whether a frame saw its voxel.

        :raises MappingError: on a GPU
        """
        if not self._on_cpu:
            raise MappingError(NEEDS_MAIN_MEMORY)
        return self._grid.observed(points_m_N3)

    def take_changed(self) -> set[Cell]:
        """Return the cells that may have another surface than when this was called last."""
        changed, self._changed = self._changed, set()
        return changed

    def mark_all_changed(self) -> None:
        """Count every cell as changed."""
        self._changed = cells_of(self._grid.stored()[0]) if self._on_cpu else {WHOLE}

    def cell_meshes(
        self, cells: Collection[Cell], *, min_weight: float = 1.0, min_trust: float = 0.0
    ) -> dict[Cell, Mesh]:
        """
        Return the surface in each cell, empty where there is none.

        :param cells: of :meth:`take_changed`
        :param min_weight: a surface needs this many observations
        :param min_trust: and this sum of their weights
        """
        if not self._on_cpu:
            return {cell: self._grid.surface(min_weight) for cell in cells}
        return mesh_of_cells(self._grid, cells, min_weight=min_weight, min_trust=min_trust)

    def write(self, path: Path, seen_M3: np.ndarray = NONE_SEEN_M3) -> None:
        """
        Write the volume to a file.

        :param seen_M3: int32, blocks of space that frames looked through, to keep with it
        :raises MappingError: on a GPU
        :raises OutputError: if it cannot be written; an older file stays
        """
        self.check_keepable()
        write_volume(
            path, self._grid, truncation_m=self.truncation_m, frames=self.frames, seen_M3=seen_M3
        )

    def read(self, path: Path) -> np.ndarray:
        """
        Replace the depth by that of a file.

        :return: int32, the blocks of space that are kept with it, of shape (M, 3)
        :raises MappingError: if the file cannot be read or is of another size; then the volume is
            empty
        """
        self.check_keepable()
        self.reset()
        self.frames, seen_M3 = read_volume(path, self._grid, truncation_m=self.truncation_m)
        self.mark_all_changed()
        return seen_M3

    def check_keepable(self) -> None:
        """
        Raise if this volume cannot be kept in a file.

        :raises MappingError: on a GPU
        """
        if not self._on_cpu:
            raise MappingError(NEEDS_MAIN_MEMORY)

    @contextmanager
    def _without(self, min_trust: float) -> Iterator[None]:
        """Hide voxels of less trust from Open3D, which asks for the number of observations."""
        if not (min_trust > 0 and self._on_cpu):
            yield
            return
        weights = self._grid.values('weight')
        kept = weights.copy()
        weights[self._grid.values('trust') < min_trust] = 0
        try:
            yield
        finally:
            weights[:] = kept

    @property
    def _on_cpu(self) -> bool:
        return bool(self._device.get_type() == o3c.Device.DeviceType.CPU)

    def _usable(
        self,
        depth_m_HW: np.ndarray,
        confidence_HW: np.ndarray | None,
        min_confidence: float,
        reject_HW: np.ndarray | None,
    ) -> np.ndarray:
        used_HW = (depth_m_HW >= self.range_m[0]) & (depth_m_HW <= self.range_m[1])
        used_HW &= depth_m_HW > 0
        if confidence_HW is not None:
            used_HW &= confidence_HW >= min_confidence
        if reject_HW is not None:
            used_HW &= ~reject_HW
        return used_HW

    def _fuse(
        self,
        depth_m_HW: np.ndarray,
        rgb_HW3: np.ndarray | None,
        weight_HW: np.ndarray | None,
        intrinsics: Intrinsics,
        map_from_camera: np.ndarray,
        *,
        carve: bool,
    ) -> None:
        grid = self._grid
        blocks_K3 = touched_blocks(
            depth_m_HW,
            intrinsics,
            map_from_camera,
            block_m=grid.block_m,
            truncation_m=self.truncation_m,
            truncation_share=self.truncation_share if self._on_cpu else 0.0,
        )
        grid.add(blocks_K3, self.beside_mb)
        camera_from_map = inverse(map_from_camera)
        if self._on_cpu:
            if carve:
                in_front_K3 = self._stored_in_front(depth_m_HW, intrinsics, map_from_camera)
                blocks_K3 = np.concatenate([blocks_K3, in_front_K3])
                blocks_K3 = unique_rows(blocks_K3).astype(np.int32)
            integrate(
                grid,
                blocks_K3,
                depth_m_HW,
                rgb_HW3,
                weight_HW,
                intrinsics,
                camera_from_map,
                truncation_m=self.truncation_m,
                truncation_share=self.truncation_share,
            )
            self._changed |= cells_of(blocks_K3)
            return
        self._changed = {WHOLE}
        limits = (1.0, self.range_m[1], self._truncation_voxels)
        integrate_on_gpu(
            grid, blocks_K3, depth_m_HW, rgb_HW3, intrinsics, camera_from_map, limits=limits
        )

    def _stored_in_front(
        self, depth_m_HW: np.ndarray, intrinsics: Intrinsics, map_from_camera: np.ndarray
    ) -> np.ndarray:
        """Return the stored blocks between the camera and the surface, along some of the rays."""
        some_HW = np.zeros_like(depth_m_HW)
        some = np.s_[::CARVED_STRIDE_PX, ::CARVED_STRIDE_PX]
        margin_m = reach_m(depth_m_HW[some], self.truncation_m, self.truncation_share)
        some_HW[some] = np.maximum(depth_m_HW[some] - margin_m, 0.0)
        blocks_K3 = blocks_between(
            np.minimum(some_HW, np.float32(self.range_m[0])),
            some_HW,
            intrinsics,
            map_from_camera,
            block_m=self._grid.block_m,
        )
        return blocks_K3[self._grid.rows(blocks_K3) >= 0]


def _device(name: str) -> o3c.Device:
    if name == 'auto':
        # Not asked of torch, because Open3D's wheel on PyPI has no CUDA even if torch has.
        return o3c.Device('CUDA:0' if o3c.cuda.is_available() else 'CPU:0')
    kind, _, number = name.lower().partition(':')
    if kind not in ('cpu', 'cuda') or (number and not number.isdigit()):
        raise MappingError(f'device {shown(name)} must be auto, cpu, cuda or cuda:N')
    device = o3c.Device(f'{kind.upper()}:{number or 0}')
    if kind == 'cuda' and not (
        o3c.cuda.is_available() and int(number or 0) < o3c.cuda.device_count()
    ):
        raise MappingError(
            f'device {shown(name)} is not available in this Open3D '
            f'({o3d.__version__}); use cpu or install a CUDA build of Open3D'
        )
    return device


def _check_shapes(intrinsics: Intrinsics, **images: np.ndarray | None) -> None:
    size = (intrinsics.height, intrinsics.width)
    for name, image in images.items():
        wanted = (*size, 3) if name == 'color' else size
        if image is not None and image.shape != wanted:
            raise MappingError(
                f'{name} of shape {image.shape} does not fit the camera: '
                f'{wanted} expected; resize images and intrinsics together'
            )
