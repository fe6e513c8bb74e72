# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Materials of surfaces, and a kit that draws them for one room."""

from dataclasses import dataclass, field

import numpy as np

Color = tuple[int, int, int]

WOODS: tuple[tuple[Color, Color], ...] = (
    ((222, 190, 145), (196, 156, 106)),
    ((181, 132, 84), (146, 98, 56)),
    ((120, 78, 46), (86, 52, 30)),
    ((70, 46, 34), (48, 30, 22)),
    ((205, 170, 125), (170, 132, 88)),
    ((236, 214, 180), (214, 184, 140)),
    ((150, 84, 50), (112, 58, 34)),
)
WALLS: tuple[Color, ...] = (
    (240, 238, 232),
    (228, 224, 214),
    (214, 206, 190),
    (226, 214, 196),
    (200, 208, 212),
    (188, 202, 190),
    (232, 216, 200),
    (176, 186, 198),
    (236, 226, 190),
    (208, 190, 184),
    (150, 160, 168),
    (120, 140, 130),
    (96, 110, 130),
    (180, 110, 90),
    (245, 245, 245),
)
FABRICS: tuple[Color, ...] = (
    (88, 96, 110),
    (52, 60, 78),
    (150, 140, 128),
    (190, 178, 160),
    (120, 60, 56),
    (60, 90, 80),
    (200, 160, 80),
    (70, 70, 74),
    (40, 44, 50),
    (160, 90, 70),
    (110, 130, 150),
    (220, 214, 204),
)
BRIGHT: tuple[Color, ...] = (
    (200, 50, 44),
    (36, 90, 170),
    (240, 190, 50),
    (50, 140, 80),
    (230, 120, 40),
    (120, 60, 140),
    (240, 240, 236),
    (30, 32, 36),
    (80, 170, 190),
    (220, 130, 150),
    (130, 90, 60),
    (180, 190, 70),
)
METALS: tuple[Color, ...] = (
    (60, 62, 66),
    (28, 29, 31),
    (170, 172, 176),
    (200, 202, 205),
    (110, 112, 116),
    (150, 130, 90),
)
STONES: tuple[Color, ...] = (
    (190, 186, 178),
    (140, 138, 134),
    (90, 90, 92),
    (214, 204, 188),
    (164, 150, 134),
    (70, 74, 80),
    (226, 224, 220),
    (150, 110, 90),
)


def linear(color: Color | np.ndarray) -> np.ndarray:
    """Convert an sRGB color in 0..255 to linear light in 0..1."""
    return (np.asarray(color, np.float32) / np.float32(255)) ** np.float32(2.2)


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """
    One material; the texture ``kind`` decides what the other values mean.

    :param a: linear color of the body
    :param b: linear color of the pattern, joint or ink
    :param period_u: width of the pattern in metres
    :param period_v: height of the pattern in metres
    :param extent: size in metres of the face or board that the pattern fills
    :param share: part of a period that has color b
    :param variation: how much cells differ in brightness
    :param gloss: strength of the highlight
    :param emission: light given off, as a multiple of the albedo
    :param grime: large-scale unevenness of the brightness
    """

    kind: str
    a: np.ndarray
    b: np.ndarray
    period_u: float = 0.1
    period_v: float = 0.1
    extent: tuple[float, float] = (1.0, 1.0)
    share: float = 0.5
    variation: float = 0.2
    seed: int = 0
    gloss: float = 0.0
    emission: float = 0.0
    grime: float = 0.12
    palette: np.ndarray = field(default_factory=lambda: np.zeros((1, 3), np.float32))


class Kit:
    """Draws from one random generator: numbers, choices and the materials of a room."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.materials: list[Material] = []
        self.main_wood = self.wood()
        self.main_metal = self.metal()

    def uniform(self, low: float, high: float) -> float:
        """Draw a number from low..high."""
        return float(self.rng.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from low..high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < probability)

    def color(self, palette: tuple[Color, ...], spread: float = 12.0) -> np.ndarray:
        """Draw a linear color near one of the palette, rarely an arbitrary color."""
        if self.chance(0.06):
            return linear(self.rng.uniform(15, 245, 3))
        base = np.array(palette[int(self.rng.integers(len(palette)))], np.float32)
        return linear(np.clip(base + self.rng.normal(0, spread, 3), 8, 250))

    def material(
        self, kind: str, a: np.ndarray, b: np.ndarray | None = None, **values: object
    ) -> int:
        """Add a material and return its index."""
        other = a if b is None else b
        seed = self.integer(0, 1 << 30)
        self.materials.append(Material(kind=kind, a=a, b=other, seed=seed, **values))  # type: ignore[arg-type]
        return len(self.materials) - 1

    def plain(self, palette: tuple[Color, ...] = BRIGHT, gloss: float = 0.1) -> int:
        """Return paint or plastic of one color."""
        return self.material('plain', self.color(palette), gloss=gloss)

    def wood(self) -> int:
        """Return grained wood, sometimes painted."""
        if self.chance(0.2):
            return self.plain(WALLS, gloss=0.15)
        light, dark = WOODS[int(self.rng.integers(len(WOODS)))]
        shade = self.uniform(0.8, 1.1)
        return self.material(
            'wood',
            linear(light) * np.float32(shade),
            linear(dark) * np.float32(shade),
            period_u=self.uniform(0.02, 0.08),
            period_v=self.uniform(0.4, 1.2),
            gloss=self.uniform(0, 0.25),
        )

    def metal(self) -> int:
        """Return painted or bare metal."""
        return self.plain(METALS, gloss=self.uniform(0.2, 0.8))

    def fabric(self) -> int:
        """Return cloth: woven, striped, plaid, dotted or plain."""
        a = self.color(FABRICS if self.chance(0.75) else BRIGHT)
        b = a * np.float32(self.uniform(0.45, 0.8)) if self.chance(0.6) else self.color(FABRICS)
        kind = str(
            self.rng.choice(['weave', 'weave', 'weave', 'stripes', 'plaid', 'dots', 'cloud'])
        )
        period = self.uniform(0.004, 0.012) if kind == 'weave' else self.uniform(0.03, 0.15)
        return self.material(
            kind, a, b, period_u=period, period_v=period, share=self.uniform(0.2, 0.5)
        )

    def stone(self) -> int:
        """Return stone, concrete or a speckled work top."""
        a, b = self.color(STONES), self.color(STONES)
        kind = 'speckle' if self.chance(0.5) else 'cloud'
        period = self.uniform(0.02, 0.06) if kind == 'speckle' else self.uniform(0.2, 0.8)
        return self.material(
            kind,
            a,
            b,
            period_u=period,
            period_v=period,
            share=self.uniform(0.1, 0.4),
            gloss=self.uniform(0, 0.4),
        )

    def book(self) -> int:
        """Return a book cover."""
        return self.material(
            'spine',
            self.color(BRIGHT),
            self.color(BRIGHT),
            period_u=0.03,
            period_v=self.uniform(0.17, 0.24),
        )

    def paper(self, width: float, height: float) -> int:
        """Return a printed page of this size."""
        row = self.uniform(0.004, 0.012)
        return self.material(
            'text',
            linear((240, 238, 230)),
            linear((40, 40, 46)),
            period_u=row * 0.9,
            period_v=row,
            extent=(width, height),
        )

    def picture(self, width: float, height: float, emission: float = 0.0) -> int:
        """Return a painted or printed picture of this size."""
        palette = np.stack(
            [
                self.color(BRIGHT if self.chance(0.5) else FABRICS, 25)
                for _ in range(self.integer(3, 8))
            ]
        )
        return self.material(
            'screen' if emission else 'picture',
            linear((235, 235, 232)),
            self.color(WALLS) if not emission else linear((20, 22, 30)),
            extent=(width, height),
            palette=palette,
            emission=emission,
            share=0.0 if emission or self.chance(0.5) else self.uniform(0.04, 0.12),
            period_u=0.006,
            period_v=0.009,
            gloss=self.uniform(0, 0.2),
        )

    def carton(self) -> int:
        """Return a package: brown board, a printed box or a plain color."""
        if self.chance(0.35):
            return self.material('cloud', linear((176, 138, 96)), linear((160, 122, 82)))
        if self.chance(0.5):
            return self.picture(self.uniform(0.1, 0.3), self.uniform(0.1, 0.3))
        return self.plain()

    def floor(self) -> int:
        """Return a floor: planks, tiles, checker, carpet or stone."""
        kind = str(self.rng.choice(['planks', 'planks', 'tiles', 'checker', 'carpet', 'stone']))
        if kind == 'planks':
            light, dark = WOODS[int(self.rng.integers(len(WOODS)))]
            return self.material(
                'planks',
                linear(light),
                linear(dark),
                period_u=self.uniform(0.02, 0.05),
                period_v=self.uniform(0.4, 1.0),
                extent=(self.uniform(0.07, 0.22), self.uniform(0.8, 2.0)),
                gloss=self.uniform(0, 0.5),
            )
        if kind in ('tiles', 'checker'):
            side = self.uniform(0.15, 0.6)
            return self.material(
                kind,
                self.color(STONES),
                self.color(STONES),
                period_u=side,
                period_v=side,
                share=self.uniform(0.01, 0.03),
                variation=self.uniform(0, 0.3),
                gloss=self.uniform(0, 0.6),
            )
        return self.fabric() if kind == 'carpet' else self.stone()

    def wall(self) -> int:
        """Return a wall: paint, rough plaster, wallpaper, bricks or tiles."""
        kind = str(
            self.rng.choice(
                [
                    'plain',
                    'plain',
                    'plain',
                    'plain',
                    'cloud',
                    'cloud',
                    'stripes',
                    'dots',
                    'bricks',
                    'tiles',
                    'planks',
                ]
            )
        )
        a = self.color(WALLS)
        if kind == 'bricks':
            brick = linear((160, 90, 70)) if self.chance(0.6) else a
            return self.material(
                kind,
                brick,
                self.color(STONES),
                period_u=0.225,
                period_v=0.075,
                share=0.05,
                variation=0.5,
            )
        if kind == 'tiles':
            return self.material(
                kind,
                a,
                self.color(STONES),
                period_u=self.uniform(0.1, 0.3),
                period_v=self.uniform(0.1, 0.3),
                share=0.02,
                gloss=0.4,
            )
        if kind == 'planks':
            return self.material(
                kind,
                a,
                a * np.float32(0.8),
                period_u=0.04,
                period_v=0.8,
                extent=(self.uniform(0.08, 0.15), 3.0),
            )
        period = self.uniform(0.04, 0.4) if kind != 'cloud' else self.uniform(0.1, 1.0)
        return self.material(
            kind,
            a,
            a * np.float32(self.uniform(0.6, 0.93)),
            period_u=period,
            period_v=period,
            share=self.uniform(0.2, 0.5),
            grime=self.uniform(0.02, 0.15),
        )
