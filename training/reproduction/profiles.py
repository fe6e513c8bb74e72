# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How much is trained: sizes, updates and processes of each profile."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Profile:
    """
    The scale of a reproduction.

    :param device: cpu or cuda
    :param at_once: pieces that are trained at a time, each in a process of its own
    :param threads: CPU threads of each
    :param updates: of each kind of piece
    :param frequency_updates: the last ones of ApDepth's stage 2, with the frequency loss
    :param size_px: width and height at the network
    :param rooms: rooms of each of the two training sets, with two views each
    :param held_out: rooms that figures are of, with two views each
    :param image: width and height of the rendered images
    :param photographs: a recording with measured depth, of which a fifth of the batches is
    :param held_out_photographs: one that every piece is compared with, too
    """

    name: str
    device: str
    at_once: int
    threads: int
    seeds: int
    updates: Mapping[str, int]
    frequency_updates: int
    block_channels: tuple[int, ...]
    size_px: int
    batch: int
    rooms: int
    held_out: int
    image: tuple[int, int]
    photographs: str = ''
    held_out_photographs: str = ''

    def updates_of(self, kind: str) -> int:
        """
        Return the number of updates of a kind of piece.

        :param kind: of ``updates``, or ``phase1`` (stage 2 without its end) or ``frequency`` (its
            end alone)
        """
        if kind == 'frequency':
            return self.frequency_updates
        if kind == 'phase1':
            return self.updates['stage2'] - self.frequency_updates
        return self.updates[kind]


# Three hours of two cores: docs/training.md counts the seconds per update.
SMALL = Profile(
    name='small',
    device='cpu',
    at_once=2,
    threads=1,
    seeds=3,
    updates={'teacher': 3600, 'student': 1200, 'stage1': 1200, 'stage2': 2600},
    frequency_updates=260,
    block_channels=(24, 32, 48, 64),
    size_px=96,
    batch=8,
    rooms=400,
    held_out=24,
    image=(192, 144),
)
SMALL_GPU = replace(
    SMALL,
    name='small-gpu',
    device='cuda',
    at_once=4,
    threads=2,
    block_channels=(48, 64, 96, 128),
    batch=12,
    rooms=800,
    held_out=48,
)
SMOKE = Profile(
    name='smoke',
    device='cpu',
    at_once=2,
    threads=1,
    seeds=1,
    updates={'teacher': 2, 'student': 2, 'stage1': 2, 'stage2': 2},
    frequency_updates=1,
    block_channels=(8, 16),
    size_px=32,
    batch=2,
    rooms=1,
    held_out=1,
    image=(64, 48),
)
PROFILES = {profile.name: profile for profile in (SMALL, SMALL_GPU, SMOKE)}
