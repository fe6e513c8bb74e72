# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node ``tsdf``: posed depth in, colored mesh out."""

from contextlib import ExitStack, nullcontext
from pathlib import Path
import threading
import time

from depth_refiner_ros.core.atomic import check_writable
from depth_refiner_ros.core.errors import DepthRefinerError, InputError, MappingError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_io import write_ply
from depth_refiner_ros.mapping.odometry.track import TrackStatus
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.own_poses import OwnPoses
from depth_refiner_ros.nodes.inputs.posed_frames import DepthFrame, DepthSet
from depth_refiner_ros.nodes.inputs.posed_node import PosedNode
from depth_refiner_ros.nodes.outputs.distance_topics import DistanceTopics
from depth_refiner_ros.nodes.outputs.mesh_markers import MeshMarkers
from depth_refiner_ros.nodes.outputs.odometry_topics import OdometryTopics
from depth_refiner_ros.nodes.runtime.latency import Stopwatch
from depth_refiner_ros.nodes.runtime.run import run
from depth_refiner_ros.nodes.runtime.worker_node import REPEATED, SkipError
from depth_refiner_ros.settings.nodes import DEFAULT_MESH_FILE, TsdfNodeSettings
import numpy as np
from rclpy.publisher import Publisher
from std_msgs.msg import Float32
from std_srvs.srv import Trigger


class TsdfNode(PosedNode):
    """Fuses posed depth into a volume and publishes, saves and resets its mesh."""

    @property
    def uses_color(self) -> bool:
        """Whether frames wait for their color."""
        return bool(self.settings.use_color)

    @property
    def uses_confidence(self) -> bool:
        """Whether frames wait for their confidence."""
        return bool(self.settings.use_confidence)

    def __init__(self) -> None:
        super().__init__('tsdf', TsdfNodeSettings())
        self._mapper: Mapper | None = None
        self._volume_lock = threading.Lock()
        self._facts: dict[str, str] = {}
        self._markers: MeshMarkers | None = None
        self._scale: Publisher | None = None
        self._outdated_marker = False
        self._marked_at_s = self._saved_at_s = time.monotonic()
        self._marked_with: tuple[float, float] | None = None
        self._saved_frames = self._emptied = 0
        self._volume_file_held = ExitStack()
        self._fused_ns: int | None = None
        self._own: OwnPoses | None = None
        self._odometry_topics: OdometryTopics | None = None
        self._distances: DistanceTopics | None = None
        self.create_service(Trigger, '~/save', self._serve_save)
        self.create_service(Trigger, '~/reset', self._serve_reset)

    def configure(self) -> None:
        """Create the volume."""
        settings = self.settings
        if settings.mesh_file:  # now, and not after a drive; the default may never be saved
            check_writable(self._mesh_file)
        self._mapper = Mapper(settings, distances=settings.distance_queries)
        if settings.distance_queries and self._distances is None:
            self._distances = DistanceTopics(self.topics, settings.map_frame)
        if settings.pose_source == 'own':
            self._own = OwnPoses(settings)
            self._odometry_topics = self._odometry_topics or OdometryTopics(
                self, self.topics, settings.map_frame, publish_tf=settings.publish_tf
            )
        if self._volume_file:
            self._volume_file_held.enter_context(locked_file(self._volume_file))
            self.get_logger().info(self._mapper.go_on(self._volume_file))
            self._saved_frames = self._frames()
            if settings.pose_source == 'own':
                self._mapper.check_origin()
        lost_before = self._mapper.count_unkept(self._volume_file or self._mesh_file)
        if lost_before:
            self.get_logger().warning(lost_before)
        if self._markers is None:
            self._markers = MeshMarkers(self.topics)
            self._scale = self.topics.publisher(Float32, 'scale')

    def cleanup(self) -> None:
        """Save the mesh, then release the volume."""
        if self.settings.save_at_shutdown and self._unsaved():
            self._save_and_log()
        self._mapper = self._own = None
        self._volume_file_held.close()
        self._forget()

    def subscribe(self) -> None:
        """Create the inputs."""
        super().subscribe()
        if self._distances is not None:
            self._distances.subscribe()

    def process(self, item: DepthSet, watch: Stopwatch) -> None:
        """Fuse one frame at its pose; a repeat of the last frame is left out."""
        stamp_ns = stamp_ns_of(item.header)
        if stamp_ns == self._fused_ns:
            raise SkipError(REPEATED)
        with watch.stage('decode'):
            frame = self.decoded(item)
        with watch.stage('pose'):
            pose = self.pose_of(item) if self._own is None else self._tracked(frame, item)
        if pose is None:
            raise SkipError('no_pose')
        with watch.stage('integrate'):
            self._integrate(frame, pose)
        self._fused_ns = stamp_ns

    def idle(self) -> None:
        """Publish and save the mesh if it is due."""
        now_s = time.monotonic()
        self._answer()
        markers = self._markers
        assert markers is not None, 'configure made it'
        if self._outdated_marker:
            self._outdated_marker = False
            markers.delete(self.get_clock().now().nanoseconds, self.settings.map_frame)
        if markers.look() and now_s - self._marked_at_s >= self.settings.marker_period_s:
            self._publish_markers(markers)
            self._marked_at_s = time.monotonic()
        period_s = self.settings.autosave_period_s
        if period_s and now_s - self._saved_at_s >= period_s and self._unsaved():
            self._save_and_log()
            self._saved_at_s = time.monotonic()

    def _answer(self) -> None:
        """Answer a question about distances; without a surface, nothing is known."""
        try:
            if self._distances is not None:
                self._distances.answer(self._distance_m)
        except InputError as error:
            self.get_logger().error(str(error), throttle_duration_sec=5.0)

    def _distance_m(self, points_m_N3: np.ndarray) -> np.ndarray:
        try:
            with self._volume_lock:
                return self._configured.distance_m(points_m_N3, self.settings)
        except MappingError:
            return np.full(len(points_m_N3), np.nan, np.float32)

    def facts(self) -> dict[str, str]:
        """Return the size of the volume."""
        return self._facts | (self._own.facts() if self._own else {})

    def advice(self) -> dict[str, str]:
        """Return why frames are dropped and what to do, by reason."""
        lost = {'no_pose': 'the camera is not found; go back to a place seen before'}
        return super().advice() | (lost if self._own else {})

    def _tracked(self, frame: DepthFrame, item: DepthSet) -> np.ndarray | None:
        """Return the pose that the frame itself gives, and publish it; None if it is lost."""
        assert self._own is not None, 'pose_source is own'
        assert self._odometry_topics is not None, 'configure made it'
        track = self._own.track(frame)
        if track.status is TrackStatus.FIRST and self._frames():
            self.get_logger().warning(
                'no frame could be aligned to the first one: the map begins anew'
            )
            with self._volume_lock:
                self._configured.reset()
                self._forget()
        if track.map_from_camera is None:
            self.get_logger().warning(
                f'tracking lost: {track.reason}; go back to a place seen before',
                throttle_duration_sec=5.0,
            )
        else:
            self._odometry_topics.publish(item.header, track)
        return track.map_from_camera

    def _integrate(self, frame: DepthFrame, map_from_camera: np.ndarray) -> None:
        settings, mapper = self.settings, self._configured
        view = PosedDepth(
            depth_m_HW=frame.depth_m_HW,
            intrinsics=frame.intrinsics,
            map_from_camera=map_from_camera,
        )
        with self._volume_lock:
            view, factor = mapper.held(view, settings)
            mapper.add(view, frame.rgb_HW3, frame.confidence_HW, settings)
            volume = mapper.volume
            assert self._scale is not None, 'configure made it'
            self._scale.publish(Float32(data=factor))
            # Only the worker may access the volume: diagnostics run in another thread.
            self._facts = {
                'frames_fused': str(volume.frames),
                'blocks': str(volume.blocks),
                'memory_mb': f'{volume.memory_mb:.1f}',
                'scale_factor': f'{factor:.4f}',
            }

    @property
    def _configured(self) -> Mapper:
        assert self._mapper is not None, 'configure made it'
        return self._mapper

    def _mesh(self) -> Mesh:
        with self._volume_lock:
            return self._configured.mesh(self.settings)

    def _publish_markers(self, markers: MeshMarkers) -> None:
        """Publish what changed; all of it for a new subscriber or another threshold."""
        settings, now_ns = self.settings, self.get_clock().now().nanoseconds
        limits = (settings.min_weight, settings.min_trust)
        with self._volume_lock:
            volume = self._configured.volume
            if markers.joined() or limits != self._marked_with:
                volume.mark_all_changed()
            markers.mark(volume.take_changed())
            meshes = volume.cell_meshes(
                markers.next_cells(), min_weight=limits[0], min_trust=limits[1]
            )
        self._marked_with = limits
        markers.show(now_ns, settings.map_frame, meshes, settings.marker_max_triangles)

    @property
    def _volume_file(self) -> Path | None:
        name = self.settings.volume_file
        return user_path(name).resolve() if name else None

    @property
    def _mesh_file(self) -> Path:
        return user_path(self.settings.mesh_file or DEFAULT_MESH_FILE).resolve()

    def _save(self) -> str:
        """
        Write the mesh, and the volume if it is to be kept.

        :return: a text about what was written
        :raises DepthRefinerError: if there is no surface, no space or no permission to write
        """
        mesh_file, volume_file, emptied = self._mesh_file, self._volume_file, self._emptied
        frames = self._frames()
        kept = ''
        if volume_file is not None:
            # First, because it can be kept where there is no surface yet or no room for a mesh.
            with self._volume_lock:
                frames = self._frames()
                self._configured.keep(volume_file)
            kept = f'; the volume of {counted(frames, "frame")} is kept in {volume_file}'
        try:
            mesh = self._mesh()
            with nullcontext() if kept else self._configured.saving(frames):
                write_ply(mesh_file, mesh)
        except DepthRefinerError as error:
            raise MappingError(f'{error}{kept}') from error
        with self._volume_lock:
            if emptied == self._emptied:
                self._saved_frames = frames
        return (
            f'{mesh_file}: {len(mesh.vertices_m_N3)} vertices, {len(mesh.triangles_M3)} triangles '
            f'of {counted(frames, "frame")}'
        )

    def _save_and_log(self) -> None:
        try:
            self.get_logger().info(f'saved {self._save()}')
        except DepthRefinerError as error:
            self.get_logger().error(str(error))

    def _frames(self) -> int:
        return 0 if self._mapper is None else self._mapper.volume.frames

    def _unsaved(self) -> bool:
        return self._frames() > self._saved_frames

    def _serve_save(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            response.message = self._save() if self._frames() else 'nothing was fused yet'
            response.success = bool(self._frames())
        except DepthRefinerError as error:
            self.get_logger().error(str(error))
            response.message = str(error)
        return response

    def _serve_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._mapper is None:
            response.message = 'the node is not configured'
            return response
        with self._volume_lock:
            response.message = f'forgot {counted(self._mapper.volume.frames, "frame")}'
            self._mapper.reset()
            self._forget()
            if self._own is not None:
                self._own.reset()
        response.success = True
        return response

    def _forget(self) -> None:
        """Reset the counts, because the next volume starts empty, and delete the marker."""
        self._outdated_marker = True
        self._facts = {}
        self._saved_frames = 0
        self._emptied += 1
        self._fused_ns = None


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal ends it."""
    return run('tsdf', TsdfNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
