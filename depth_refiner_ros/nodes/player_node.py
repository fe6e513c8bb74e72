"""The node ``player``: a recording or the simulated camera as ROS topics."""

from collections.abc import Iterator
from itertools import chain, repeat
import threading
import time

from depth_refiner_ros.core.errors import DepthRefinerError, SourceError
from depth_refiner_ros.core.types import Intrinsics
from depth_refiner_ros.nodes.outputs.player_topics import PlayerTopics
from depth_refiner_ros.nodes.runtime.lock_step import LockStep
from depth_refiner_ros.nodes.runtime.parameters import NodeParameters
from depth_refiner_ros.nodes.runtime.run import BUG, run, SUCCESS, USER_ERROR
from depth_refiner_ros.settings.nodes import PlayerNodeSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import LostFrames
from depth_refiner_ros.sources.registry import open_source
from rclpy.node import Node
from std_srvs.srv import Trigger

POLL_S = 0.05
RESEND_S = 5.0
SETTLE_S = 0.5
"""Listeners see each other a little later than the player sees them."""
FLUSH_S = 2.0


class PlayerNode(Node):
    """
    See the module.

    :raises DepthRefinerError: where a parameter is unfit or the source cannot be opened
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
        self._lost = LostFrames(self.get_logger().warning)
        self._sent = self._given_up = 0
        self._last_ns: int | None = None
        self._sent_at_s = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._play, name='player')
        self.create_service(Trigger, '~/start', self._serve_start)

    def autostarted(self) -> bool:
        """Start to play where asked to."""
        if self._settings.autostart:
            self._thread.start()
        return True

    def close(self) -> None:
        """Stop playing and say what was sent."""
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
            f'sent {self._sent} frames of {self._source.name}{given_up}{without}{lost}'
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
            self.exit_code = BUG
            raise
        finally:
            self.finished = True

    def _frames(self) -> Iterator[Frame]:
        rounds = repeat(self._source) if self._settings.loop else [self._source]
        return self._lost.usable(chain.from_iterable(rounds))

    def _wait_for_listeners(self) -> None:
        deadline_s = time.monotonic() + self._settings.wait_for_subscribers_s
        while (missing := self._missing()) and not self._ending.is_set():
            if time.monotonic() >= deadline_s:
                self._tell_missing(missing)
                return
            self._ending.wait(POLL_S)
        self._ending.wait(SETTLE_S)

    def _missing(self) -> str:
        if self._lock_step is None:
            return self._topics.missing
        return ', '.join(filter(None, (self._topics.missing, self._lock_step.missing)))

    def _tell_missing(self, missing: str) -> None:
        if self._settings.lock_step != 'off':
            raise SourceError(
                f'{missing}; start the {self._settings.lock_step} first or set lock_step:=off'
            )
        self.get_logger().warning(f'{missing}; playing all the same')

    def _pace(self, frame: Frame, started_s: float) -> None:
        """Wait until the frame is due; in lock-step it is due at once."""
        if self._lock_step is not None:
            return
        if self._settings.rate_hz:
            due_s = started_s + self._sent / self._settings.rate_hz
            self._ending.wait(max(0.0, due_s - time.monotonic()))
        elif self._last_ns is not None and frame.stamp_ns > self._last_ns:
            due_s = self._sent_at_s + (frame.stamp_ns - self._last_ns) * 1e-9
            self._ending.wait(max(0.0, due_s - time.monotonic()))
        self._last_ns, self._sent_at_s = frame.stamp_ns, time.monotonic()

    def _send(self, frame: Frame) -> None:
        stamp_ns = self.get_clock().now().nanoseconds if self._settings.restamp else frame.stamp_ns
        if self._lock_step is not None:
            self._lock_step.expect(stamp_ns)
        self._topics.publish(frame, self._camera(frame), stamp_ns)
        self._sent += 1
        if self._lock_step is None:
            return
        ended = self._ended(self._lock_step, frame, stamp_ns)
        if ended and self._sent == 1:
            ended = self._come_through(self._lock_step, frame, stamp_ns)
        if not ended and not self._ending.is_set():
            self._given_up += 1
            self.get_logger().warning(
                f'frame {self._sent} was not finished within '
                f'{self._settings.lock_step_timeout_s:g} s; going on'
            )

    def _come_through(self, lock_step: LockStep, frame: Frame, stamp_ns: int) -> bool:
        """Send the first frame until it has output: the other nodes may still seek each other."""
        deadline_s = time.monotonic() + self._settings.wait_for_subscribers_s
        ended = True
        while ended and time.monotonic() < deadline_s and not self._ending.is_set():
            # The end and whether it had output come on two topics, which keep no order.
            self._ending.wait(SETTLE_S)
            if not lock_step.was_skipped(stamp_ns):
                break
            lock_step.forget(stamp_ns)
            self._topics.publish(frame, self._camera(frame), stamp_ns)
            ended = self._ended(lock_step, frame, stamp_ns)
        return ended

    def _ended(self, lock_step: LockStep, frame: Frame, stamp_ns: int) -> bool:
        """
        Wait for the last stage, sending the frame again now and then.

        Of two processes that see each other, one may not be connected yet, and what is sent then
        is lost without a trace; fusion takes a frame that comes twice only once.
        """
        deadline_s = time.monotonic() + self._settings.lock_step_timeout_s
        while not lock_step.wait(stamp_ns, min(RESEND_S, deadline_s - time.monotonic())):
            if time.monotonic() >= deadline_s or self._ending.is_set():
                return False
            self._topics.publish(frame, self._camera(frame), stamp_ns)
        return True

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
        response.message = 'playing' if response.success else 'is playing already'
        return response


def main(args: list[str] | None = None) -> int:
    """Play to the end or until told to stop."""
    return run('player', PlayerNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
