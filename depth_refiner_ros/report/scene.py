# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A sequence as a file for the 3D viewer rerun: camera, image and depth over time, then the mesh.

rerun shows clouds, cameras and meshes on one time line, which a page of pictures cannot. It is
imported only here, when a recording is requested.
"""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from depth_refiner_ros.core.atomic import staged_file
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.report.pipe import FilePipe
import numpy as np

JPEG_QUALITY = 85


class SceneRecording:
    """
    Writes ``FILE.rrd`` in a ``with`` statement; an older file stays until the new one is complete.

    rerun writes to a pipe: on a full disk its own writer logs a warning or hangs.

    :param path: file to write
    :raises SettingsError: if rerun is not installed or the path is a folder
    :raises OutputError: if the file cannot be written, or another process writes it
    """

    def __init__(self, path: Path) -> None:
        self._rerun = _import_rerun()
        self._path = path
        self._places_m: list[np.ndarray] = []
        if path.is_dir():
            raise SettingsError(f'{path} is a folder; name a file such as {path / "scene.rrd"}')
        self._stream = self._rerun.RecordingStream('depth_refiner_ros')
        self._open = ExitStack()
        self._pipe: FilePipe

    def __enter__(self) -> 'SceneRecording':
        with ExitStack() as opened:
            opened.enter_context(locked_file(self._path))
            part = opened.enter_context(staged_file(self._path))
            self._pipe = FilePipe(opened.enter_context(part.open('r+b')))
            self._stream.save(self._pipe.path)
            self._pipe.opened()
            self._open = opened.pop_all()
        self._log('map', self._rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._open:
            self._stream.disconnect()
            self._pipe.finish()
            if error is not None:
                raise error

    def add_frame(
        self,
        stamp_ns: int,
        rgb_HW3: np.ndarray,
        depth_mm_HW: np.ndarray,
        intrinsics: Intrinsics,
        map_from_camera: np.ndarray,
    ) -> None:
        """
        Add what the camera saw, and where it was.

        :param depth_mm_HW: uint16 millimetres, 0 where unknown
        :param map_from_camera: 4 x 4 pose of the optical frame
        """
        rerun = self._rerun
        self._stream.set_time('stamp', timestamp=np.datetime64(stamp_ns, 'ns'))
        place_m = map_from_camera[:3, 3]
        self._places_m.append(place_m)
        self._log(
            'map/camera', rerun.Transform3D(translation=place_m, mat3x3=map_from_camera[:3, :3])
        )
        self._log(
            'map/camera/view',
            rerun.Pinhole(
                focal_length=(intrinsics.fx, intrinsics.fy),
                principal_point=(intrinsics.cx, intrinsics.cy),
                resolution=(intrinsics.width, intrinsics.height),
                camera_xyz=rerun.ViewCoordinates.RDF,
            ),
        )
        self._log('map/camera/view/image', rerun.Image(rgb_HW3).compress(JPEG_QUALITY))
        self._log('map/camera/view/depth', rerun.DepthImage(depth_mm_HW, meter=1000.0))
        self._pipe.check()

    def add_mesh(
        self, vertices_m_N3: np.ndarray, triangles_M3: np.ndarray, colors_N3: np.ndarray
    ) -> None:
        """Add the fused surface, visible at all times, and the path of the camera."""
        rerun = self._rerun
        self._log(
            'map/mesh',
            rerun.Mesh3D(
                vertex_positions=vertices_m_N3,
                triangle_indices=triangles_M3,
                vertex_colors=colors_N3,
            ),
            static=True,
        )
        if len(self._places_m) > 1:
            self._log('map/way', rerun.LineStrips3D([np.stack(self._places_m)]), static=True)

    def _log(self, name: str, what: Any, static: bool = False) -> None:
        self._stream.log(name, what, static=static)


def _import_rerun() -> Any:
    try:
        import rerun
    except ImportError as error:
        raise SettingsError(
            "the 3D recording needs rerun; run: pip install 'rerun-sdk>=0.39'"
        ) from error
    return rerun
