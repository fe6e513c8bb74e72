# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Procedural albedo at hit points, filtered to the pixel's footprint."""

from collections.abc import Callable

from depth_refiner_ros.sources.simulated.render.noise import cell_value, noise
from depth_refiner_ros.sources.simulated.render.photographs import photo
from depth_refiner_ros.sources.simulated.rooms.materials import Material
import numpy as np

Texture = Callable[[np.ndarray, np.ndarray, np.ndarray, Material], np.ndarray]
"""Takes texture coordinates u and v and footprints w in metres; returns linear rgb_3N."""


def _pulse(x: np.ndarray, share: float, blur: np.ndarray) -> np.ndarray:
    """Return the mean over ``blur`` of a pulse of period 1 that is 1 on [0, share)."""
    low, high = x - blur / 2, x + blur / 2
    floor_low, floor_high = np.floor(low), np.floor(high)
    area = (
        (floor_high - floor_low) * np.float32(share)
        + np.minimum(high - floor_high, np.float32(share))
        - np.minimum(low - floor_low, np.float32(share))
    )
    return area / blur


def _blur(w: np.ndarray, period: float) -> np.ndarray:
    return np.maximum(w / np.float32(period), np.float32(1e-3))


def _fade(w: np.ndarray, period: float) -> np.ndarray:
    """Return 1 where a pattern of this period is resolved and 0 where it averages out."""
    return np.clip(np.float32(1.5) - w / np.float32(period), 0, 1)


def _mix(t: np.ndarray, m: Material) -> np.ndarray:
    return m.a[:, None] + t * (m.b - m.a)[:, None]


def _from_palette(value: np.ndarray, m: Material) -> np.ndarray:
    last = len(m.palette) - 1
    return m.palette.T.take(np.minimum((value * len(m.palette)).astype(np.int32), last), 1)


def _plain(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    return np.broadcast_to(m.a[:, None], (3, len(u)))


def _cloud(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    value = noise(u, v, m.period_u, m.period_v, m.seed) - np.float32(0.5)
    return _mix(np.float32(0.5) + value * _fade(w, m.period_u), m)


def _grain(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Return 0..1 wood grain that runs along v where period_v is the longer one."""
    bend = noise(u, v, m.period_u * 3, m.period_v, m.seed)
    fine = noise(u, v, m.period_u / 3, m.period_v, m.seed + 1)
    phase = u / np.float32(m.period_u) + 2 * bend
    rings = np.abs(phase - np.floor(phase) - np.float32(0.5)) * 2
    return np.float32(0.5) * (1 + (rings + fine - 1) * _fade(w, m.period_u))


def _wood(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    return _mix(_grain(u, v, w, m), m)


def _planks(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    width, length = m.extent
    row = np.floor(u / np.float32(width))
    shifted = v / np.float32(length) + cell_value(row, row, m.seed)
    value = cell_value(row, np.floor(shifted), m.seed + 5)
    gap = np.maximum(
        _pulse(u / np.float32(width), 0.03, _blur(w, width)),
        _pulse(shifted, 0.004, _blur(w, length)),
    )
    rgb = _mix(_grain(u + value * 3, v, w, m), m)
    rgb *= 1 + np.float32(0.5) * (value - np.float32(0.5)) * _fade(w, width)
    rgb *= 1 - np.float32(0.7) * gap
    return rgb


def _cells(
    u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material, row_shift: float
) -> np.ndarray:
    """Lay rectangles of color a with joints of color b; each has its own shade."""
    y = v / np.float32(m.period_v)
    row = np.floor(y)
    x = u / np.float32(m.period_u) + row * np.float32(row_shift)
    joint = np.maximum(
        _pulse(x, m.share, _blur(w, m.period_u)),
        _pulse(y, m.share * m.period_u / m.period_v, _blur(w, m.period_v)),
    )
    shade = cell_value(np.floor(x), row, m.seed) - np.float32(0.5)
    body = m.a[:, None] * (1 + np.float32(m.variation) * shade * _fade(w, m.period_v))
    return body + joint * (m.b[:, None] - body)


def _tiles(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    return _cells(u, v, w, m, 0.0)


def _bricks(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    rough = noise(u, v, 0.03, 0.03, m.seed) - np.float32(0.5)
    return _cells(u, v, w, m, 0.5) * (1 + np.float32(0.3) * rough * _fade(w, 0.02))


def _checker(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    x = 2 * _pulse(u / np.float32(2 * m.period_u), 0.5, _blur(w, 2 * m.period_u)) - 1
    y = 2 * _pulse(v / np.float32(2 * m.period_v), 0.5, _blur(w, 2 * m.period_v)) - 1
    return _mix((1 + x * y) / 2, m)


def _stripes(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    return _mix(_pulse(u / np.float32(m.period_u), m.share, _blur(w, m.period_u)), m)


def _plaid(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    x = _pulse(u / np.float32(m.period_u), m.share, _blur(w, m.period_u))
    y = _pulse(v / np.float32(m.period_u), m.share, _blur(w, m.period_u))
    return _mix((x + y) / 2, m)


def _weave(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    thread = (
        np.sin(u * np.float32(6.283 / m.period_u))
        * np.sin(v * np.float32(6.283 / m.period_u))
        * _fade(w, m.period_u / 2)
    )
    cloud = (noise(u, v, 0.25, 0.25, m.seed) - np.float32(0.5)) * _fade(w, 0.25)
    return _mix(
        np.clip(np.float32(0.5) + np.float32(0.4) * thread + np.float32(0.5) * cloud, 0, 1), m
    )


def _speckle(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    value = noise(u, v, m.period_u, m.period_v, m.seed)
    spots = np.clip((value - np.float32(1 - m.share)) * 30, 0, 1)
    fade = _fade(w, m.period_u / 2)
    return _mix(np.float32(m.share) + fade * (spots - np.float32(m.share)), m)


def _dots(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    x, y = u / np.float32(m.period_u), v / np.float32(m.period_u)
    distance = np.hypot(x - np.floor(x) - np.float32(0.5), y - np.floor(y) - np.float32(0.5))
    inside = np.clip(
        (np.float32(m.share) - distance) / _blur(w, m.period_u) + np.float32(0.5), 0, 1
    )
    return _mix(inside, m)


def _text(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Print rows of words of color b on paper of color a."""
    row = np.floor(v / np.float32(m.period_v))
    word = np.floor(u / np.float32(m.period_u) + cell_value(row, row, m.seed) * 5)
    ink = (cell_value(word, row, m.seed) > 0.25).astype(np.float32)
    fade = _fade(w, m.period_u / 2)
    ink = np.float32(0.7) + fade * (ink - np.float32(0.7))
    paragraph = cell_value(np.floor(row / 7), row * 0, m.seed + 3) < 0.8
    line = _pulse(v / np.float32(m.period_v), 0.5, _blur(w, m.period_v)) * ink * paragraph
    left, right = m.extent[0] * 0.08, m.extent[0] * 0.92
    return _mix(line * ((u > left) & (u < right)), m)


def _spine(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Return a book cover: color a with a label band and a title of color b."""
    band = _pulse(v / np.float32(m.period_v), 0.12, _blur(w, m.period_v))
    letters = (
        cell_value(np.floor(v / np.float32(0.006)), np.floor(u / np.float32(0.012)), m.seed) > 0.5
    )
    y = v / np.float32(m.period_v)
    title = (y - np.floor(y) > 0.3) & (y - np.floor(y) < 0.75) & letters & (w < 0.008)
    return _mix(np.maximum(band, title * np.float32(0.8)), m)


def _gradient(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    return _mix(np.clip(v / np.float32(m.extent[1]), 0, 1), m)


def _picture(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Paint a picture on the face: a ground of noise bands with shapes of the palette on it."""
    rng = np.random.default_rng(m.seed)
    width, height = m.extent
    x, y = u / np.float32(width), v / np.float32(height)
    scale = float(rng.uniform(0.2, 0.8))
    field = noise(x, y, scale, scale * float(rng.uniform(0.3, 1.2)), m.seed)
    slope = np.float32(rng.uniform(-0.3, 0.6))
    rgb = _from_palette(np.clip(field + slope * (y - np.float32(0.5)), 0, 0.999), m)
    for _ in range(int(rng.integers(0, 9))):
        cx, cy, rx, ry = (
            np.float32(value) for value in rng.uniform((0, 0, 0.03, 0.03), (1, 1, 0.35, 0.35))
        )
        dx, dy = np.abs(x - cx) / rx, np.abs(y - cy) / ry
        inside = np.maximum(dx, dy) < 1 if rng.random() < 0.6 else dx * dx + dy * dy < 1
        rgb[:, inside] = m.palette[int(rng.integers(len(m.palette)))][:, None]
    border = np.minimum(np.minimum(u, width - u), np.minimum(v, height - v)) < m.share * width
    rgb[:, border] = m.b[:, None]
    return rgb


def _rug(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Weave a carpet: borders around a lattice of diamonds."""
    width, height = m.extent
    inner = np.minimum(np.minimum(u, width - u), np.minimum(v, height - v))
    diamond = np.abs(u / np.float32(m.period_u) % 1 - np.float32(0.5)) + np.abs(
        v / np.float32(m.period_u) % 1 - np.float32(0.5)
    )
    value = np.where(inner < 0.25, inner * 12 % 1, diamond)
    pile = noise(u, v, 0.04, 0.04, m.seed) - np.float32(0.5)
    return _from_palette(np.clip(value, 0, 0.999), m) * (
        1 + np.float32(0.4) * pile * _fade(w, 0.02)
    )


def _outside(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Show what is behind a window: sky above, dim trees or houses below."""
    y = v / np.float32(m.extent[1])
    cloud = noise(u, v, 0.8, 0.3, m.seed)
    skyline = np.float32(m.share) + np.float32(0.25) * noise(u, u * 0, 0.6, 0.6, m.seed + 2)
    whiter = cloud * np.float32(0.3) + y * np.float32(0.3)
    sky = m.a[:, None] + whiter * (1 - m.a)[:, None]
    ground = m.b[:, None] * (np.float32(0.4) + noise(u, v, 0.15, 0.15, m.seed + 3))
    return np.where(y < skyline, ground, sky)


def _screen(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Show a computer screen: windows with rows of text on a background."""
    width, height = m.extent
    rgb = _picture(u, v, w, m)
    rng = np.random.default_rng(m.seed + 1)
    for _ in range(int(rng.integers(1, 4))):
        x0, y0 = rng.uniform(0, 0.5, 2)
        x1, y1 = x0 + rng.uniform(0.25, 0.5), y0 + rng.uniform(0.25, 0.5)
        inside = (u > x0 * width) & (u < x1 * width) & (v > y0 * height) & (v < y1 * height)
        rgb[:, inside] = _text(u[inside], v[inside], w[inside], m)
    return rgb


TEXTURES: dict[str, Texture] = {
    'plain': _plain,
    'cloud': _cloud,
    'wood': _wood,
    'planks': _planks,
    'tiles': _tiles,
    'bricks': _bricks,
    'checker': _checker,
    'stripes': _stripes,
    'plaid': _plaid,
    'weave': _weave,
    'speckle': _speckle,
    'dots': _dots,
    'text': _text,
    'spine': _spine,
    'gradient': _gradient,
    'picture': _picture,
    'rug': _rug,
    'outside': _outside,
    'screen': _screen,
    'photo': photo,
}


def albedo(
    material_N: np.ndarray, uv_2N: np.ndarray, footprint_m_N: np.ndarray, materials: list[Material]
) -> np.ndarray:
    """
    Evaluate the albedo of many hit points.

    :param material_N: index of each point's material
    :param uv_2N: texture coordinates in metres
    :param footprint_m_N: size of the pixel on the surface in metres
    :param materials: the room's materials
    :return: linear ``rgb_3N`` float32
    """
    order = np.argsort(material_N, kind='stable')
    u, v, w = (values.take(order) for values in (*uv_2N, footprint_m_N))
    ends = np.cumsum(np.bincount(material_N, minlength=len(materials)))
    sorted_rgb = np.empty((3, len(order)), np.float32)
    for material, start, end in zip(materials, np.concatenate([[0], ends[:-1]]), ends):
        if end > start:
            part = slice(start, end)
            sorted_rgb[:, part] = TEXTURES[material.kind](u[part], v[part], w[part], material)
    rgb_3N = np.empty_like(sorted_rgb)
    rgb_3N[:, order] = sorted_rgb
    return rgb_3N
