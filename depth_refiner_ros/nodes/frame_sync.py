"""Which camera_info, and which depth, belongs to an image."""

from collections.abc import Callable
from dataclasses import dataclass
import time
from types import ModuleType
from typing import Any

from depth_refiner_ros.nodes import message_sync
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of

try:
    import message_filters
except ImportError:
    message_filters = None

QUEUE = 10
STRICT_SLOP_S = 1e-9
"""``message_filters`` refuses a gap equal to its slop; this much more lets it pass."""


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """
    What arrived together.

    :param image: the image, raw or compressed
    :param info: its camera model
    :param depth: its depth, where one was asked for
    :param arrived_s: monotonic time at which the set was complete
    """

    image: Any
    info: Any
    depth: Any = None
    arrived_s: float = 0.0

    @property
    def header(self) -> Any:
        """Give the image's header."""
        return self.image.header


class FrameSync:
    """
    Join images with camera_info, and with depth where asked for.

    ``exact`` waits for the camera_info of the same stamp, ``approx`` for one within the
    tolerance, ``cached`` takes the latest there is. ``exact_then_cached`` waits for the exact one
    only while the camera keeps sending them, and never longer than until the next image.

    :param mode: one of the four
    :param tolerance_ms: largest gap of stamps in ``approx``, and for depth
    :param with_depth: join depth too
    :param on_frame: called with each :class:`ImageSet`; it may only store
    :param on_drop: called with the header of each image that found no partner
    :param filters: module with the synchronisers; ``message_filters`` where it is installed
    """

    def __init__(self, mode: str, tolerance_ms: float, *, with_depth: bool,
                 on_frame: Callable[[ImageSet], None], on_drop: Callable[[Any], None],
                 filters: ModuleType = message_filters or message_sync) -> None:
        self._mode = mode
        self._tolerance_s = tolerance_ms * 1e-3 + STRICT_SLOP_S
        self._with_depth = with_depth
        self._on_frame = on_frame
        self._on_drop = on_drop
        self._filters = filters
        self.reset()

    def reset(self) -> None:
        """Forget all messages, as after a jump in time."""
        self._last_ns: dict[str, int] = {}
        self._pending: dict[int, Any] = {}
        self._info: Any = None
        self._infos_follow_images = False
        self._held: Any = None
        self._images = self._filters.SimpleFilter()
        self._depths = self._filters.SimpleFilter()
        self._infos = self._filters.SimpleFilter()
        self._connect()

    def add_image(self, image: Any) -> None:
        """Take in an image, raw or compressed."""
        self._notice_time_jump('image', image)
        self._pending[stamp_ns_of(image.header)] = image
        while len(self._pending) > QUEUE:
            self._drop(min(self._pending))
        self._images.signalMessage(image)

    def add_depth(self, depth: Any) -> None:
        """Take in the depth of an image."""
        self._notice_time_jump('depth', depth)
        self._depths.signalMessage(depth)

    def add_info(self, info: Any) -> None:
        """Take in a camera model."""
        self._notice_time_jump('info', info)
        self._info = info
        self._infos.signalMessage(info)
        if self._held is not None:
            stamp_ns, held_ns = stamp_ns_of(info.header), stamp_ns_of(self._held.header)
            if stamp_ns >= held_ns:
                self._infos_follow_images = stamp_ns == held_ns
                self._release_held()

    def _connect(self) -> None:
        frames = self._filters.SimpleFilter()
        if self._with_depth:
            pairs = self._filters.ApproximateTimeSynchronizer(
                [self._images, self._depths], QUEUE, self._tolerance_s)
            pairs.registerCallback(lambda image, depth: frames.signalMessage(
                ImageSet(image=image, info=None, depth=depth)))
        else:
            self._images.registerCallback(lambda image: frames.signalMessage(
                ImageSet(image=image, info=None)))
        if self._mode == 'exact':
            joined = self._filters.TimeSynchronizer([frames, self._infos], QUEUE)
            joined.registerCallback(self._emit)
        elif self._mode == 'approx':
            joined = self._filters.ApproximateTimeSynchronizer([frames, self._infos], QUEUE,
                                                               self._tolerance_s)
            joined.registerCallback(self._emit)
        elif self._mode == 'cached':
            frames.registerCallback(self._emit_cached)
        else:
            frames.registerCallback(self._emit_or_hold)
        self._joined = frames

    def _emit_cached(self, frame: ImageSet) -> None:
        if self._info is not None:
            self._emit(frame, self._info)

    def _emit_or_hold(self, frame: ImageSet) -> None:
        self._release_held()
        exact = (self._info is not None
                 and stamp_ns_of(self._info.header) == stamp_ns_of(frame.header))
        if exact or (self._info is not None and not self._infos_follow_images):
            self._infos_follow_images = exact
            self._emit(frame, self._info)
        else:
            self._held = frame

    def _release_held(self) -> None:
        held, self._held = self._held, None
        if held is not None and self._info is not None:
            self._emit(held, self._info)

    def _emit(self, frame: ImageSet, info: Any) -> None:
        stamp_ns = stamp_ns_of(frame.header)
        self._pending.pop(stamp_ns, None)
        for passed_ns in sorted(other for other in self._pending if other < stamp_ns):
            self._drop(passed_ns)
        self._on_frame(ImageSet(image=frame.image, info=info, depth=frame.depth,
                                arrived_s=time.monotonic()))

    def _drop(self, stamp_ns: int) -> None:
        self._on_drop(self._pending.pop(stamp_ns).header)

    def _notice_time_jump(self, stream: str, message: Any) -> None:
        """Start anew where time moves back, as in a looped bag; one topic never reorders."""
        stamp_ns = stamp_ns_of(message.header)
        if stamp_ns < self._last_ns.get(stream, stamp_ns):
            for pending_ns in sorted(self._pending):
                self._drop(pending_ns)
            self.reset()
        self._last_ns[stream] = stamp_ns
