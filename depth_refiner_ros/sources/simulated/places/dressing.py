# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Materials as real rooms have them: paler and plainer than those of ``rooms/``."""

from collections.abc import Sequence
from typing import TypeVar

from depth_refiner_ros.sources.simulated.rooms.materials import Color, FABRICS, Kit, linear
import numpy as np

_Thing = TypeVar('_Thing')
_MOST_CHROMA = 0.45
"""Largest difference between the channels of a linear color."""


class PlaceKit(Kit):
    """A kit whose colors are mostly muted, whose walls are mostly painted."""

    def one_of(self, things: Sequence[_Thing]) -> _Thing:
        """Draw one of some things."""
        return things[self.integer(0, len(things) - 1)]

    def color(self, palette: tuple[Color, ...], spread: float = 12.0) -> np.ndarray:
        """Draw a linear color near one of the palette, most often greyer than it is."""
        drawn = super().color(palette, spread)
        keep = self.uniform(0.25, 1.0) if self.chance(0.7) else 1.0
        keep *= min(1.0, _MOST_CHROMA / max(float(np.ptp(drawn)), 1e-3))
        return np.asarray(drawn.mean() + keep * (drawn - drawn.mean()), np.float32)

    def wall(self) -> int:
        """Return a wall: usually pale paint with slow changes of its brightness."""
        if self.chance(0.3):
            return super().wall()
        paint = linear(self.rng.uniform(168, 248) + self.rng.normal(0, 6, 3))
        period = self.uniform(0.3, 2.0)
        return self.material(
            'cloud',
            paint,
            paint * np.float32(self.uniform(0.9, 0.98)),
            period_u=period,
            period_v=period,
            grime=self.uniform(0.02, 0.15),
            gloss=self.uniform(0, 0.12),
        )

    def floor(self) -> int:
        """Return a floor: more often planks, even tiles, stone or plain carpet than patterns."""
        drawn = self.rng.random()
        if drawn < 0.35:
            return super().floor()
        if drawn < 0.55:
            return self.stone()
        a = self.color(FABRICS)
        if drawn < 0.75:
            return self.material(
                'weave', a, a * np.float32(self.uniform(0.5, 0.9)), period_u=0.008, grime=0.2
            )
        shade = linear(self.rng.uniform(90, 235) + self.rng.normal(0, 8, 3))
        side = self.uniform(0.2, 0.8)
        return self.material(
            'tiles',
            shade,
            shade * np.float32(self.uniform(0.5, 0.9)),
            period_u=side,
            period_v=side,
            share=self.uniform(0.004, 0.015),
            variation=self.uniform(0, 0.2),
            gloss=self.uniform(0, 0.6),
        )

    def stone(self) -> int:
        """Return stone, concrete or terrazzo whose two colors are close to each other."""
        body = linear(self.rng.uniform(70, 225) + self.rng.normal(0, 8, 3))
        speckled = self.chance(0.5)
        period = self.uniform(0.01, 0.05) if speckled else self.uniform(0.3, 1.5)
        return self.material(
            'speckle' if speckled else 'cloud',
            body,
            body * np.float32(self.uniform(0.6, 0.92)),
            period_u=period,
            period_v=period,
            share=self.uniform(0.1, 0.4),
            gloss=self.uniform(0, 0.5),
        )

    def picture(self, width: float, height: float, emission: float = 0.0) -> int:
        """Return a picture of this size: mostly with the statistics of a photograph."""
        if self.chance(0.4):
            return super().picture(width, height, emission)
        return self.material(
            'photo',
            self.color(FABRICS, 40),
            linear((238, 238, 234)),
            extent=(width, height),
            emission=emission,
            share=0.0 if emission or self.chance(0.6) else self.uniform(0.03, 0.12),
            gloss=self.uniform(0, 0.3),
        )
