# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node ``refiner``: image and camera_info in, sharp metric depth and cloud out."""

from collections.abc import Callable
from dataclasses import replace
import sys
from typing import Any

from depth_refiner_ros.core.checks import finite
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.images import depth_batch, image_batch
from depth_refiner_ros.core.scale import ScaleHealth, ScaleLock, ScaleReading
from depth_refiner_ros.core.types import FitStatus, Intrinsics, RefinedDepth
from depth_refiner_ros.nodes.cameras import camera_namespaces
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.frame_sync import FrameSync, ImageSet
from depth_refiner_ros.nodes.inputs.held_scale import HeldScale
from depth_refiner_ros.nodes.inputs.pose_inputs import without_effect
from depth_refiner_ros.nodes.inputs.pose_lookup import PoseLookup
from depth_refiner_ros.nodes.outputs import profiles
from depth_refiner_ros.nodes.outputs.refiner_outputs import RefinerOutputs
from depth_refiner_ros.nodes.runtime.diagnostics import UNWANTED
from depth_refiner_ros.nodes.runtime.latency import Stopwatch
from depth_refiner_ros.nodes.runtime.run import run_together
from depth_refiner_ros.nodes.runtime.topics import COLOR, DEPTH
from depth_refiner_ros.nodes.runtime.worker import Worker
from depth_refiner_ros.nodes.runtime.worker_node import SkipError, WorkerNode
from depth_refiner_ros.nodes.shared_networks import BegunFrame, SharedNetworks
from depth_refiner_ros.refiner.checks import kept_lenses
from depth_refiner_ros.refiner.published_depth import published_depth
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.refiner.shots import Shot
from depth_refiner_ros.settings.networks import DEPTH_PRIORS
from depth_refiner_ros.settings.nodes import RefinerNodeSettings
from depth_refiner_ros.sources.doubts import Doubts
from depth_refiner_ros.sources.rectify import Keep, none_kept, Rectifier
from depth_refiner_ros.sources.ros.camera import CameraReader, UNCALIBRATED
from depth_refiner_ros.sources.ros.image import depth_from_message, rgb_from_message
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
import torch

QUEUE_OF_ALL = 1000
"""Size of the queue that keeps every frame."""


class RefinerNode(WorkerNode):
    """
    Turns images of one camera into metric depth and clouds.

    :param networks: shared with the nodes of other cameras; None for its own
    :param worker: shared with them, too
    :param namespace: in full, instead of that of the command line
    """

    def __init__(
        self,
        networks: SharedNetworks | None = None,
        worker: Worker | None = None,
        namespace: str = '',
    ) -> None:
        super().__init__(
            'refiner', RefinerNodeSettings(), profiles.changes, namespace=namespace, worker=worker
        )
        self._networks = networks or SharedNetworks()
        self._refiner: DepthRefiner | None = None
        self._outputs: RefinerOutputs | None = None
        self._scale = ScaleHealth()
        self._lock = ScaleLock()
        self._held: HeldScale | None = None
        self._scale_reading: ScaleReading | None = None
        self._fit_status = FitStatus.OK
        self._camera = CameraReader('image')
        self._keep: Keep = none_kept
        self._sixteen_bits = BitRange()
        self._clamped_px = 0

    def configure(self) -> None:
        """Load the networks and log their licences, unless another camera did."""
        self._keep = kept_lenses(self.settings, self.settings.rectify)
        self._refiner = self._networks.join(
            self.get_fully_qualified_name(), self.settings, self._log
        )
        if self._outputs is None:
            self._outputs = RefinerOutputs(self.topics, self.settings)

    def _log(self, line: str) -> None:
        self.get_logger().info(line)

    def cleanup(self) -> None:
        """Release the networks and reset their measurements."""
        self._refiner = None
        self._networks.leave(self.get_fully_qualified_name())
        self._scale.reset()
        self._lock.reset()
        self._held = None
        self._scale_reading = None
        self._fit_status = FitStatus.OK
        self._clamped_px = 0

    def capacity(self) -> int:
        """Return 1 to keep only the newest frame, or the size of a queue for every frame."""
        return QUEUE_OF_ALL if self.settings.keep_every_frame else 1

    def subscribe(self) -> None:
        """Subscribe to poses and camera_info first, so that they are there before their image."""
        settings = self.settings
        self._held = None
        for line in without_effect(settings):
            self.get_logger().warning(line)
        if settings.pose_source != 'none':
            poses = PoseLookup(self.get_logger())
            poses.subscribe(self.topics, settings)
            self._held = HeldScale(poses)
        with_depth = settings.takes(DEPTH_PRIORS)
        sync = FrameSync(
            settings.sync_mode,
            settings.sync_tolerance_ms,
            with_depth=with_depth,
            on_frame=self.accept,
            on_drop=self.refuse,
            on_far=self.get_logger().warning,
        )
        self.topics.subscribe(
            CameraInfo, 'camera_info', sync.add_info, reliability=settings.input_qos
        )
        if with_depth:
            self._subscribe_image('depth_in', settings.depth_transport, DEPTH, sync.add_depth)
        self._camera = CameraReader(self.topics.full_name('image'), self._log, self._keep)
        self._doubts = Doubts(self.get_logger().warning)
        self._sixteen_bits = BitRange(settings.image_bits, self._log)
        self._subscribe_image('image', settings.input_transport, COLOR, sync.add_image)

    def _subscribe_image(
        self, name: str, transport: str, plugin: str, callback: Callable[[Any], None]
    ) -> None:
        compressed = transport == 'compressed'
        self.topics.subscribe(
            CompressedImage if compressed else Image,
            name,
            callback,
            transport=plugin if compressed else '',
            reliability=self.settings.input_qos,
        )

    @property
    def joins(self) -> bool:
        """Whether images are refined together with those of other cameras."""
        return self._networks.batches(self.settings.batch_cameras)

    def process(self, item: ImageSet, watch: Stopwatch) -> None:
        """Refine one image and publish the outputs that have subscribers."""
        frame = self.begun(item, watch)
        with watch.stage('refine'):
            result = frame.shot.refined()
        self.publish(frame, result)

    def begun(self, item: ImageSet, watch: Stopwatch) -> BegunFrame:
        """
        Return an image that is to be refined, decoded and rectified.

        :raises SkipError: if nobody wants its depth, or it is too old
        :raises InputError: if a message cannot be used
        """
        settings, refiner, outputs = self.settings, self._refiner, self._outputs
        assert refiner is not None, 'configure loaded it'
        assert outputs is not None, 'configure made them'
        if not (settings.always_on or outputs.wanted()):
            raise SkipError(UNWANTED)
        self._check_age(item)
        refiner.update_settings(settings)
        with watch.stage('decode'):
            rectifier, rgb_HW3, sensor_m_HW = self._decoded(item)
        shot = Shot(
            refiner=refiner,
            rgb_13HW=image_batch(rgb_HW3),
            intrinsics=rectifier.lens or rectifier.intrinsics,
            sensor_depth_m_11HW=None if sensor_m_HW is None else depth_batch(sensor_m_HW),
            stamp_ns=stamp_ns_of(item.header),
        )
        seen_HW = None if rectifier.seen_HW is None else torch.from_numpy(rectifier.seen_HW)
        return BegunFrame(
            node=self, item=item, watch=watch, shot=shot, rgb_HW3=rgb_HW3, seen_HW=seen_HW
        )

    def publish(self, frame: BegunFrame, result: RefinedDepth) -> None:
        """Publish the outputs of a refined image that have subscribers."""
        settings, outputs, camera = self.settings, self._outputs, frame.shot.intrinsics
        assert outputs is not None, 'configure made them'
        assert camera is not None, 'images without one are refused'
        result = result.within(frame.seen_HW)
        held_m_B1HW = result.depth_m_B1HW
        if self._held is not None:
            with frame.watch.stage('pose'):
                held_m_B1HW = self._held.apply(
                    held_m_B1HW, camera, frame.item.header, frame.item.arrived_s, settings
                )
        with frame.watch.stage('clean'):
            self._scale_reading = self._scale.update(result.depth_m_B1HW, result.prior_m_B1HW)
            if not result.continued:
                self._lock.reset()
            held_m_B1HW = self._lock.apply(held_m_B1HW, settings.scale_lock)
            depth_m_HW = published_depth(replace(result, depth_m_B1HW=held_m_B1HW), settings)
            confidence_HW = _confidence(result, depth_m_HW)
        self._clamped_px += result.clamped
        self._fit_status = FitStatus(int(result.scale_shift.status_B[0]))
        with frame.watch.stage('publish'):
            outputs.publish(
                frame.item.header, camera, frame.rgb_HW3, depth_m_HW, confidence_HW, settings
            )

    def _decoded(self, item: ImageSet) -> tuple[Rectifier, np.ndarray, np.ndarray | None]:
        """Return the camera's rectifier, and image and depth as it returns them."""
        rgb_HW3 = rgb_from_message(item.image, self._sixteen_bits)
        height, width = rgb_HW3.shape[:2]
        rectifier = self._camera.rectifier(item.info, width, height)
        rectifier = rectifier or self._assumed(width, height)
        self._doubts.camera('camera_info', rectifier.intrinsics)
        if item.depth is None:
            return rectifier, rectifier.rgb(rgb_HW3), None
        sensor_m_HW = depth_from_message(item.depth)
        if sensor_m_HW.shape != rgb_HW3.shape[:2]:
            raise InputError(
                f'depth_in is {sensor_m_HW.shape[1]}x{sensor_m_HW.shape[0]} but the '
                f'image is {rgb_HW3.shape[1]}x{rgb_HW3.shape[0]}; use the depth that '
                'is registered (aligned) to the color image'
            )
        self._doubts.depth('depth_in', sensor_m_HW)
        self._doubts.encoding('depth_in', item.depth)
        return rectifier, rectifier.rgb(rgb_HW3), rectifier.depth(sensor_m_HW)

    def _assumed(self, width: int, height: int) -> Rectifier:
        """
        Return the assumed camera of the settings for an uncalibrated one.

        :raises InputError: if they assume none
        """
        fov_deg = self.settings.assume_fov_deg
        if not fov_deg:
            raise InputError(f'{UNCALIBRATED}, or set assume_fov_deg')
        self.get_logger().warning(
            f'camera_info has K = 0, so the camera is not calibrated: assuming {fov_deg:g} deg '
            'across; if that is wrong, so is the scale (assume_fov_deg)',
            once=True,
        )
        return Rectifier(Intrinsics.from_fov(width, height, fov_deg))

    def _check_age(self, item: ImageSet) -> None:
        max_age_ms = self.settings.max_age_ms
        age_ms = (self.get_clock().now().nanoseconds - stamp_ns_of(item.header)) * 1e-6
        if max_age_ms and age_ms > max_age_ms:
            raise SkipError('too_old')

    def facts(self) -> dict[str, str]:
        """Return the scale of the refined depth, what holds it, and the clamped pixels."""
        reading, held = self._scale_reading, self._held
        if reading is None:
            return {}
        return {
            'scale_ratio': f'{reading.now.ratio:.4f}',
            'scale_spread': f'{reading.now.spread:.4f}',
            'scale_jumps': str(reading.jumps),
            'scale_lock_factor': f'{self._lock.factor:.4f}',
            'clamped_px': str(self._clamped_px),
        } | (held.facts() if held else {})

    def warnings(self) -> list[str]:
        """Return warnings about the scale, poses, and depth that cannot be aligned."""
        held = self._held
        lines = [held.error] if held and held.error else []
        if self._fit_status != FitStatus.OK:
            lines.append(
                'refined depth cannot be aligned to its prior '
                f'({self._fit_status.name.lower()}), publishing the prior'
            )
        if self._scale_reading is not None and self._scale_reading.jump:
            lines.append(f'scale jumped to {self._scale_reading.now.ratio:.2f} of the prior')
        return lines

    def advice(self) -> dict[str, str]:
        """Return why images are dropped and what to do, by reason."""
        depth = ', depth_in' if self.settings.takes(DEPTH_PRIORS) else ''
        return {
            'unmatched': f'the stamps of image{depth} and camera_info differ; see sync_mode and '
            'sync_tolerance_ms',
            'too_old': f'older than max_age_ms = {self.settings.max_age_ms:g}, or stamped by '
            'another clock; raise it or see use_sim_time',
        }


def _confidence(result: RefinedDepth, depth_m_HW: torch.Tensor) -> torch.Tensor:
    """Return the confidence, 0 where depth was removed."""
    return torch.where(finite(depth_m_HW), result.confidence_B1HW[0, 0], 0.0)


def main(args: list[str] | None = None) -> int:
    """
    Run the node, or with ``--cameras front,rear`` one in each of these namespaces.

    :param args: command line without the program's name; None for ``sys.argv``
    """
    words = sys.argv[1:] if args is None else args

    def made() -> list[RefinerNode]:
        namespaces = camera_namespaces(words)
        if not namespaces:
            return [RefinerNode()]
        networks = SharedNetworks()
        worker = Worker(networks.serve)
        return [RefinerNode(networks, worker, namespace) for namespace in namespaces]

    return run_together('refiner', made, words)


if __name__ == '__main__':
    raise SystemExit(main())
