# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Base class of the lifecycle nodes: states, one worker thread, clean shutdown."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
import time
import traceback
from typing import Any

from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.core.needed import missing_line
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.runtime.diagnostics import Diagnostics
from depth_refiner_ros.nodes.runtime.latency import Statistics, Stopwatch
from depth_refiner_ros.nodes.runtime.mailbox import Mailbox
from depth_refiner_ros.nodes.runtime.parameters import NodeParameters
from depth_refiner_ros.nodes.runtime.qos import qos
from depth_refiner_ros.nodes.runtime.run import FAILURE, SUCCESS, USER_ERROR
from depth_refiner_ros.nodes.runtime.topics import Topics
from depth_refiner_ros.nodes.runtime.worker import Worker
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_msgs.msg import Float64, Header

DONE_QUEUE = 100
DEBUG_TOPICS = ('processing_time_ms', 'pipeline_latency_ms', 'cyclic_time_ms')
THROTTLE_S = 2.0
REPEATED = 'repeated'
"""Reason of a frame with the stamp of the last one; a player in lock-step sends some again."""


class SkipError(Exception):
    """Raised by :meth:`WorkerNode.process` for a frame without output that is not an error."""


class WorkerNode(LifecycleNode):
    """
    A lifecycle node whose callbacks only store frames, for a single worker thread.

    The end of each frame is published on ``~/done``, and also on ``~/skipped`` if it had no
    output, so that a player can run in lock-step.

    :param name: of the node
    :param defaults: settings for parameters that are not set
    :param preset: see :class:`NodeParameters`
    :param namespace: in full, instead of that of the command line
    :param worker: shared with other nodes; None for one of its own
    :raises SettingsError: if a given parameter is unknown or unfit
    """

    def __init__(
        self,
        name: str,
        defaults: Any,
        preset: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _: {},
        *,
        namespace: str = '',
        worker: Worker | None = None,
    ) -> None:
        own = ['--ros-args', '-r', f'__ns:={namespace}'] if namespace else None
        super().__init__(name, cli_args=own, automatically_declare_parameters_from_overrides=True)
        self._options = NodeParameters(self, defaults, preset)
        self.exit_code = SUCCESS
        self.finished = False
        self.statistics = Statistics()
        self.topics = Topics(self)
        self._mailbox: Mailbox[Any] = Mailbox()
        self._queued_ns: set[int] = set()
        self._worker = worker or Worker()
        self._state = 'unconfigured'
        self._camera_frame = ''
        self._processed_at_s = time.monotonic()
        self._done = self.create_publisher(Header, '~/done', qos('reliable', DONE_QUEUE))
        self._skipped = self.create_publisher(Header, '~/skipped', qos('reliable', DONE_QUEUE))
        self._debug = {
            topic: self.create_publisher(Float64, f'~/debug/{topic}', 10) for topic in DEBUG_TOPICS
        }
        self.diagnostics = Diagnostics(
            self,
            self.statistics,
            self.topics,
            state=lambda: self._state,
            period_s=lambda: self.settings.diagnostics_period_s,
            expected_rate_hz=lambda: getattr(self.settings, 'expected_rate_hz', 0.0),
            facts=self.facts,
            warnings=self.warnings,
            advice=self.advice,
            hardware_id=lambda: self._camera_frame or self.get_fully_qualified_name(),
        )

    @property
    def settings(self) -> Any:
        """Return the current settings."""
        return self._options.settings

    # To be overridden.

    def configure(self) -> None:
        """Load what is needed and create the outputs."""

    def subscribe(self) -> None:
        """Create the inputs."""

    def capacity(self) -> int:
        """Return the number of frames that may wait."""
        return 1

    def process(self, item: Any, watch: Stopwatch) -> None:
        """Turn one frame into output; ``item`` has ``header`` and ``arrived_s``."""
        raise NotImplementedError

    def idle(self) -> None:
        """Do periodic work between frames."""

    def cleanup(self) -> None:
        """Release what :meth:`configure` created."""

    def facts(self) -> dict[str, str]:
        """Return further values for diagnostics."""
        return {}

    def warnings(self) -> list[str]:
        """Return further reasons for diagnostics to warn."""
        return []

    def advice(self) -> dict[str, str]:
        """Return why frames are dropped and what to do, by reason, where no other comes out."""
        return {}

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; after a user's mistake, logged as one line, the node stays unconfigured."""
        if not self._succeeds(self.configure):
            self.cleanup()
            return TransitionCallbackReturn.FAILURE
        self._state = 'inactive'
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker; after a user's mistake the node stays inactive."""
        self._mailbox = self._worker.box(self.capacity())
        self._queued_ns.clear()
        if not self._succeeds(self.subscribe):
            self.topics.unsubscribe_all()
            return TransitionCallbackReturn.FAILURE
        self.topics.warn_of_unused_overrides()
        result = super().on_activate(state)
        self._worker.start(self, self._mailbox)
        self._state = 'active'
        return result

    def _succeeds(self, step: Callable[[], None]) -> bool:
        self.exit_code = FAILURE
        try:
            step()
        except DepthRefinerError as error:
            self.get_logger().error(str(error))
            self.exit_code = USER_ERROR
            return False
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and (line := missing_line(error)):
                self.get_logger().error(line)
                self.exit_code = USER_ERROR
                return False
            # rclpy would swallow it.
            self.get_logger().error(traceback.format_exc())
            raise
        self.exit_code = SUCCESS
        return True

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Destroy the subscriptions and stop the worker."""
        self.stop()
        self._state = 'inactive'
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything that was loaded."""
        self.cleanup()
        self._state = 'unconfigured'
        return super().on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release what a failed transition has created."""
        self.stop()
        self.cleanup()
        self._state = 'unconfigured'
        return super().on_error(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and release everything."""
        self.close()
        self._state = 'finalized'
        return super().on_shutdown(state)

    def autostarted(self) -> bool:
        """Configure and activate unless the settings say otherwise; return False on failure."""
        if not self.settings.autostart:
            return True
        return (
            self.trigger_configure() == TransitionCallbackReturn.SUCCESS
            and self.trigger_activate() == TransitionCallbackReturn.SUCCESS
        )

    def stop(self) -> None:
        """Accept no more frames and wait for the current one; it may be called twice."""
        self.topics.unsubscribe_all()
        for item in self._mailbox.close():
            if self.context.ok():
                self.drop(item.header, 'stopped')
        self._worker.stop(self)

    def close(self) -> None:
        """Stop, report one last time and release everything; it may be called twice."""
        self.stop()
        if self.context.ok():
            self.diagnostics.close()
        self.cleanup()

    # Frames.

    def accept(self, item: Any) -> None:
        """
        Store a frame for the worker; an older one that it replaces is counted.

        In a queue, a repeat of a waiting or current frame is ignored: a player in lock-step
        repeats slow frames, and processing each copy would make them even slower.
        """
        stamp_ns = stamp_ns_of(item.header)
        queues = self.capacity() > 1
        if queues and stamp_ns in self._queued_ns:
            return
        self._queued_ns.add(stamp_ns)
        self._camera_frame = item.header.frame_id
        self.statistics.receive()
        evicted = self._mailbox.put(item)
        if evicted is not None:
            self._queued_ns.discard(stamp_ns_of(evicted.header))
            self.drop(evicted.header, 'queue_full' if queues else 'superseded')

    def refuse(self, header: Header) -> None:
        """Count a frame without matching messages on the other topics."""
        self.statistics.receive()
        self.drop(header, 'unmatched')

    def drop(self, header: Header, reason: str, error: str = '') -> None:
        """
        Count a frame that ends without output, and publish its end.

        The stamp of a repeated one has its output already, so it is not skipped.
        """
        self.statistics.drop(reason, error)
        if reason != REPEATED:
            self._skipped.publish(header)
        self._done.publish(header)

    def serve(self, item: Any) -> None:
        """Process one frame."""
        watch = Stopwatch()
        with self.guarded(item):
            self.process(item, watch)
            self.finish(item, watch)

    def rest(self) -> None:
        """Do what :meth:`idle` does."""
        with self.guarded(None):
            self.idle()

    @contextmanager
    def guarded(self, item: Any) -> Iterator[None]:
        """
        Count and log a fault in the block, which ends the frame and does not stop the next one.

        :param item: the frame, None between frames
        """
        try:
            yield
        except SkipError as skipped:
            self._end(item, str(skipped))
        except DepthRefinerError as error:
            self.get_logger().error(str(error), throttle_duration_sec=THROTTLE_S)
            self._end(item, 'bad_input', str(error))
        except Exception as error:
            # A bug. Only here the program continues after one, so that a robot keeps its depth.
            self.get_logger().error(traceback.format_exc(), throttle_duration_sec=THROTTLE_S)
            self._end(item, 'error', f'{type(error).__name__}: {error}')

    def _end(self, item: Any, reason: str, error: str = '') -> None:
        if not self.context.ok():  # nobody hears the report any more
            return
        if item is None:
            self.statistics.drop('error', error)
            return
        self._queued_ns.discard(stamp_ns_of(item.header))
        self.drop(item.header, reason, error)

    def finish(self, item: Any, watch: Stopwatch) -> None:
        """Count a frame with output, and publish its end."""
        self._queued_ns.discard(stamp_ns_of(item.header))
        now_s = time.monotonic()
        latency_ms = (now_s - item.arrived_s) * 1e3
        clock_ns = self.get_clock().now().nanoseconds
        stamp_latency_ms = (clock_ns - stamp_ns_of(item.header)) * 1e-6
        self.statistics.finish(
            latency_ms=latency_ms, stamp_latency_ms=stamp_latency_ms, stages_ms=watch.stages_ms
        )
        cyclic_ms = (now_s - self._processed_at_s) * 1e3
        self._processed_at_s = now_s
        for topic, value in zip(DEBUG_TOPICS, (watch.total_ms, stamp_latency_ms, cyclic_ms)):
            if self._debug[topic].get_subscription_count():
                self._debug[topic].publish(Float64(data=value))
        self._done.publish(item.header)
