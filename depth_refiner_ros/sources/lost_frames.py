# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Frames that a source or a command could not use, recorded and counted by reason."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from depth_refiner_ros.core.errors import SourceError

UNREADABLE_IMAGE = 'unreadable image'
UNREADABLE_DEPTH = 'unreadable depth'
WRONG_SIZE = 'wrong size'
UNREADABLE_ENTRY = 'unreadable entry'
COMPANION = 'companion file'
REPEATED_STAMP = 'repeated stamp'
STAMP_OUT_OF_ORDER = 'stamp out of order'
NO_DEPTH = 'no depth'
NO_CAMERA = 'no intrinsics'
NO_POSE = 'no pose'
UNFIT_POSE = 'unusable pose'
NO_ROOM = 'no room in the volume'
REFUSED = 'refused by the refiner'
NAMED = 5
"""Number of frames named per reason; further ones are only counted."""
SAID_ONCE = (NO_CAMERA,)
"""Reasons that usually hold for a whole source, so that one frame stands for all."""

FrameT = TypeVar('FrameT')


@dataclass(frozen=True, kw_only=True)
class LostFrame:
    """
    Stands in a sequence for a frame that cannot be used.

    :param name: of the frame, as in :class:`Frame`
    :param reason: a few words, the same for every frame lost this way
    :param detail: one line that names the file or topic, what is wrong and the fix
    """

    name: str
    reason: str
    detail: str


class FrameError(SourceError):
    """
    Raised inside a source when one frame cannot be used; the source goes on with the next.

    :param reason: as in :class:`LostFrame`
    :param message: becomes the ``detail`` of the lost frame
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def frame_or_lost(name: str, read: Callable[[], FrameT]) -> FrameT | LostFrame:
    """Return what ``read`` returns, or a :class:`LostFrame` where it raises FrameError."""
    try:
        return read()
    except FrameError as error:
        return LostFrame(name=name, reason=error.reason, detail=str(error))


class LostFrames:
    """
    Counts lost frames by reason and names the first few of each.

    :param report: called with each new line of ``lines``; None is silent
    """

    def __init__(self, report: Callable[[str], object] | None) -> None:
        self._report = report
        self._first: LostFrame | None = None
        self._told_words: set[tuple[str, str]] = set()
        self.by_reason: Counter[str] = Counter()
        self.lines: list[str] = []
        """One line for each frame that is named."""

    def __len__(self) -> int:
        return self.by_reason.total()

    def add(self, lost: LostFrame) -> None:
        """Count a frame, and name it if it is one of the first few lost this way."""
        self._first = self._first or lost
        self.by_reason[lost.reason] += 1
        count = self.by_reason[lost.reason]
        named = 1 if lost.reason in SAID_ONCE else NAMED
        if count <= named:
            self._say(f'frame lost ({lost.reason}): {self._told(lost)}')
        elif count == named + 1:
            self._say(f'further frames lost ({lost.reason}) are only counted')

    def usable(self, frames: Iterable[FrameT | LostFrame]) -> Iterator[FrameT]:
        """Yield the frames that can be used and count the others."""
        for frame in frames:
            if isinstance(frame, LostFrame):
                self.add(frame)
            else:
                yield frame

    def counts(self) -> str:
        """Return ``2 no depth, 1 no pose``, most frequent first; '' if no frame was lost."""
        return ', '.join(f'{count} {reason}' for reason, count in self.by_reason.most_common())

    @property
    def told(self) -> bool:
        """Whether what was wrong with the first lost frame has been reported."""
        return self._report is not None and self._first is not None

    def first_detail(self) -> str:
        """Return what was wrong with the first lost frame, '' if no frame was lost."""
        return self._first.detail if self._first else ''

    def _told(self, lost: LostFrame) -> str:
        """Return the detail, only the name if another frame was lost in the same words."""
        if not lost.name or lost.name not in lost.detail:
            return lost.detail
        words = lost.reason, lost.detail.replace(lost.name, '')
        if words in self._told_words:
            return f'{lost.name}, likewise'
        self._told_words.add(words)
        return lost.detail

    def _say(self, line: str) -> None:
        self.lines.append(line)
        if self._report is not None:
            self._report(line)
