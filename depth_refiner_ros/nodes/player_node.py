# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node ``player``: a recording or the simulated camera as ROS topics."""

from collections.abc import Iterator
import threading
import time

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import DepthRefinerError, SourceError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.nodes.outputs.player_topics import PlayerTopics
from depth_refiner_ros.nodes.runtime.lock_step import LockStep
from depth_refiner_ros.nodes.runtime.parameters import NodeParameters
from depth_refiner_ros.nodes.runtime.patience import Patience, SETTLE_S
from depth_refiner_ros.nodes.runtime.run import FAILURE, run, SUCCESS, USER_ERROR
from depth_refiner_ros.settings.nodes import PlayerNodeSettings
from depth_refiner_ros.sources.doubts import Doubts
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import LostFrame, LostFrames, NO_DEPTH
from depth_refiner_ros.sources.registry import open_source
from rclpy.node import Node
from std_srvs.srv import Trigger

POLL_S = 0.05
REPORT_S = 5.0
"""Time between two lines about what the player waits for."""
FLUSH_S = 2.0
LONG_WAIT_S = 5.0
"""A wait for the next frame that is longer is reported."""
LONGEST_WAIT_S = 60.0
"""A larger gap of stamps is a wrong stamp or a pause of hours, and is cut short."""


class PlayerNode(Node):
    """
    Publishes the frames of a source.

    :raises DepthRefinerError: if a parameter is unfit or the source cannot be opened
    """

    def __init__(self) -> None:
        super().__init__('player', automatically_declare_parameters_from_overrides=True)
        self.exit_code = SUCCESS
        self.finished = False
        self._settings = NodeParameters(self, PlayerNodeSettings()).settings
        self._source = open_source(
            self._settings.source, recording=self._settings.bag_options(), log=self._log
        )
        self._topics = PlayerTopics(self, self._settings)
        lock_step = self._settings.lock_step
        self._lock_step = None if lock_step == 'off' else LockStep(self, lock_step)
        self._ending = threading.Event()
        self._patience = None if self._lock_step is None else self._patient(self._lock_step)
        self._lost = LostFrames(self.get_logger().warning)
        self._doubts = Doubts(self.get_logger().warning)
        self._sent = self._given_up = 0
        self._last_ns: int | None = None
        self._sent_at_s = 0.0
        self._thread = threading.Thread(target=self._play, name='player')
        self.create_service(Trigger, '~/start', self._serve_start)

    def _patient(self, lock_step: LockStep) -> Patience:
        return Patience(
            lock_step=lock_step,
            timeout_s=self._settings.lock_step_timeout_s,
            start_s=self._settings.wait_for_subscribers_s,
            ending=self._ending,
            log=self.get_logger().warning,
        )

    def autostarted(self) -> bool:
        """Start playing unless the settings leave that to the service ``~/start``."""
        if self._settings.autostart:
            self._thread.start()
        return True

    def close(self) -> None:
        """Stop playing and log what was sent."""
        self._ending.set()
        if self._lock_step is not None:
            self._lock_step.stop()
        if self._thread.is_alive():
            self._thread.join()
        given_up = f', {self._given_up} given up' if self._given_up else ''
        skipped = self._lock_step.skipped if self._lock_step else 0
        without = f', {skipped} without output' if skipped else ''
        lost = f', {len(self._lost)} lost ({self._lost.counts()})' if len(self._lost) else ''
        self.get_logger().info(
            f'sent {counted(self._sent, "frame")} of {self._source.name}{given_up}{without}{lost}'
        )

    def _play(self) -> None:
        try:
            self._wait_for_listeners()
            started_s = time.monotonic()
            for frame in self._frames():
                if self._ending.is_set():
                    break
                self._pace(frame, started_s)
                self._send(frame)
            self._topics.flush(FLUSH_S)
        except DepthRefinerError as error:
            self.get_logger().error(str(error))
            self.exit_code = USER_ERROR
        except Exception:
            # A thread's exception would not end the program.
            self.exit_code = FAILURE
            raise
        finally:
            self.finished = True

    def _frames(self) -> Iterator[Frame]:
        return self._lost.usable(self._rounds())

    def _rounds(self) -> Iterator[Frame | LostFrame]:
        """
        Yield the frames, with ``loop`` again and again, until the node ends.

        :raises SourceError: if none can be used, so that another round would find none either
        """
        while True:
            any_usable = False
            for frame in self._source:
                if self._ending.is_set():
                    return
                found = self._with_depth(frame)
                any_usable = any_usable or not isinstance(found, LostFrame)
                yield found
            if not self._settings.loop:
                return
            if not any_usable:
                raise SourceError(
                    f'{self._source.name} has no frame that can be used, so it is not played '
                    f'again: {self._lost.first_detail()}'
                )

    def _with_depth(self, frame: Frame | LostFrame) -> Frame | LostFrame:
        """Return a frame; in lock-step, it is lost if the refiner would wait in vain for depth."""
        lock_step = self._lock_step if self._settings.publish_depth else None
        if isinstance(frame, LostFrame) or frame.depth_m_HW is not None or lock_step is None:
            return frame
        if not lock_step.hears('refiner', 'depth_in'):
            return frame
        fix = f'{frame.why_no_depth}, or set' if frame.why_no_depth else 'set'
        return LostFrame(
            name=frame.name,
            reason=NO_DEPTH,
            detail=f'{frame.name} has no depth, which the refiner starts from; {fix} its prior '
            'to bundled',
        )

    def _wait_for_listeners(self) -> None:
        """
        Wait until all receivers of frames are ready.

        In lock-step a stage in the graph may take any time, for example to load networks; the
        time limit in the settings applies only to a stage that is not in the graph.

        :raises SourceError: if a stage of lock-step did not appear
        """
        started_s = reported_s = time.monotonic()
        while (missing := self._missing()) and not self._ending.is_set():
            now_s = time.monotonic()
            is_over = now_s - started_s >= self._settings.wait_for_subscribers_s
            absent = self._lock_step.absent if self._lock_step else []
            if is_over and absent:
                raise SourceError(
                    f'lock-step: {" and ".join(absent)} not in the graph; start it, or set '
                    'lock_step:=off'
                )
            if is_over and self._lock_step is None:
                self.get_logger().warning(f'{missing}; playing anyway')
                return
            if now_s - reported_s >= REPORT_S:
                reported_s = now_s
                self.get_logger().info(f'waiting: {missing}')
            self._ending.wait(POLL_S)
        self._ending.wait(SETTLE_S)

    def _missing(self) -> str:
        """Return a text with what is not ready yet; empty if everything is."""
        of_stages = self._lock_step.missing if self._lock_step else ''
        return ', '.join(filter(None, (of_stages, self._topics.missing)))

    def _pace(self, frame: Frame, started_s: float) -> None:
        """Wait until the frame is due, which is immediately in lock-step."""
        if self._lock_step is not None:
            return
        if self._settings.rate_hz:
            due_s = started_s + self._sent / self._settings.rate_hz
            self._ending.wait(max(0.0, due_s - time.monotonic()))
        elif self._last_ns is not None and frame.stamp_ns > self._last_ns:
            gap_s = (frame.stamp_ns - self._last_ns) * 1e-9
            due_s = self._sent_at_s + min(gap_s, LONGEST_WAIT_S)
            if gap_s > LONG_WAIT_S:
                self.get_logger().warning(
                    f'{frame.name} is stamped {gap_s:.1f} s after the frame before; waiting '
                    f'{min(gap_s, LONGEST_WAIT_S):.0f} s (set rate_hz for frames at another pace)'
                )
            self._ending.wait(max(0.0, due_s - time.monotonic()))
        self._last_ns, self._sent_at_s = frame.stamp_ns, time.monotonic()

    def _send(self, frame: Frame) -> None:
        self._doubts.frame(frame)
        stamp_ns = self.get_clock().now().nanoseconds if self._settings.restamp else frame.stamp_ns
        camera = self._camera(frame)
        if self._lock_step is not None:
            self._lock_step.expect(stamp_ns)
        self._topics.publish(frame, camera, stamp_ns)
        self._sent += 1
        if self._patience is not None and not self._patience.see_through(
            self._sent, stamp_ns, lambda: self._topics.publish(frame, camera, stamp_ns)
        ):
            self._given_up += 1
            self.exit_code = FAILURE

    def _log(self, line: str) -> None:
        self.get_logger().info(line)

    def _camera(self, frame: Frame) -> Intrinsics | None:
        if frame.intrinsics is not None:
            return frame.intrinsics
        fov_deg = self._settings.assume_fov_deg
        if not fov_deg:
            self.get_logger().warning(
                'the source has no camera model, so there is no camera_info; set assume_fov_deg',
                once=True,
            )
            return None
        height, width = frame.rgb_HW3.shape[:2]
        return Intrinsics.from_fov(width, height, fov_deg)

    def _serve_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = not self._thread.is_alive()
        if response.success:
            self._thread.start()
        response.message = 'playing' if response.success else 'already playing'
        return response


def main(args: list[str] | None = None) -> int:
    """Play to the end, or until a signal ends it."""
    return run('player', PlayerNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
