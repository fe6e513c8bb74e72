# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a command ends when some frames, or all of them, could not be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from depth_refiner_ros.apps.console import note, say
from depth_refiner_ros.core.errors import DepthRefinerError, InputError, MappingError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.sources.lost_frames import LostFrames

MANY_LOST = 0.5
"""Above this share of lost frames a run ends with a warning."""


class StrictError(DepthRefinerError):
    """Frames were lost although ``--strict`` was given; everything was written."""

    exit_code = 1


def counter_for(frames: int) -> LostFrames:
    """
    Return a counter that names lost frames on stderr.

    It is silent if the source has only one frame, which :func:`check_some_left` then names.
    """
    return LostFrames(note if frames > 1 else None)


def check_some_left(lost: LostFrames, frames_in: int, what: str) -> None:
    """
    Raise InputError if every frame was lost.

    :param what: start of the message, such as ``cannot fuse wall``
    """
    if frames_in == 0 or len(lost) < frames_in:
        return
    if not lost.told:
        raise InputError(lost.first_detail())
    which = 'the only frame is' if frames_in == 1 else f'all {frames_in} frames are'
    raise InputError(f'{what}: {which} lost ({lost.counts()}); the lines above say why')


def end_run(lost: LostFrames, frames_in: int, *, strict: bool) -> None:
    """
    Print how many frames were lost; a command calls this last.

    :raises StrictError: if any frame was lost and ``strict`` is set
    """
    if not len(lost):
        return
    line = _lost_line(lost, frames_in)
    say(line)
    if len(lost) > MANY_LOST * frames_in:
        note(
            f'WARNING: more than {MANY_LOST:.0%} of the frames are lost; the result is based on '
            f'{frames_in - len(lost)} of {frames_in}'
        )
    if strict:
        raise StrictError(f'{line}; exit code 1 because of --strict')


@contextmanager
def naming_lost(lost: LostFrames, frames_in: int) -> Iterator[None]:
    """
    Add the number of lost frames to an error about the result of the frames that are left.

    :raises MappingError: with the message of the one from inside
    """
    try:
        yield
    except MappingError as error:
        if not len(lost):
            raise
        raise MappingError(f'{error}; {_lost_line(lost, frames_in)}') from error


def _lost_line(lost: LostFrames, frames_in: int) -> str:
    return f'{len(lost)} of {counted(frames_in, "frame")} lost: {lost.counts()}'


def dropped(lost: LostFrames) -> dict[str, Any]:
    """Return the number of frames for each reason, as in ``summary.json``."""
    return dict(lost.by_reason)
