# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Formulas of lenses, from places on the image plane at focal length 1 to unit rays, and back.

Where a model shows nothing, the ray is that of a place near by. Coefficients are as in OpenCV.
"""

import math

import numpy as np

NEWTON_STEPS = 8
TABLE = 2048
"""Angles from which the search for that of a place starts."""
SURE = 5e-5
"""A ray is that of its place if it is projected this near to it: 0.05 px at 1000 px of focal."""
Coefficients = tuple[float, ...]
Rays = tuple[np.ndarray, np.ndarray]
"""Rays, ``rays_3...`` in float64, and where the model shows something, bool."""


def panorama_rays(longitude: np.ndarray, latitude: np.ndarray) -> Rays:
    """Return rays of angles, to the right and down, in radians."""
    seen = (np.abs(latitude) <= math.pi / 2) & (np.abs(longitude) <= math.pi)
    latitude = np.clip(latitude, -math.pi / 2, math.pi / 2)
    ahead = np.cos(latitude)
    rays = np.stack((ahead * np.sin(longitude), np.sin(latitude), ahead * np.cos(longitude)))
    return rays, seen


def fisheye_rays(x: np.ndarray, y: np.ndarray, coefficients: Coefficients) -> Rays:
    """Return rays of places on the plane of focal length 1, up to where the polynomial turns."""
    radius = np.hypot(x, y)
    last = _last_angle(coefficients)
    angles = np.linspace(0.0, last, TABLE)
    radii, _ = fisheye_radius(angles, coefficients)
    angle = np.interp(radius, radii, angles)
    for _ in range(NEWTON_STEPS):
        found, slope = fisheye_radius(angle, coefficients)
        angle = np.clip(angle - (found - radius) / np.maximum(slope, 1e-6), 0.0, last)
    sideways = np.where(radius > 1e-12, np.sin(angle) / np.maximum(radius, 1e-12), 1.0)
    return np.stack((x * sideways, y * sideways, np.cos(angle))), radius <= radii[-1]


def fisheye_radius(angle: np.ndarray, k: Coefficients) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance from the principal point at an angle off the axis, and its slope."""
    square = angle * angle
    terms = (1.0, *k)
    radius, slope = np.zeros_like(square), np.zeros_like(square)
    for power in reversed(range(len(terms))):
        radius = radius * square + terms[power]
        slope = slope * square + (2 * power + 1) * terms[power]
    return radius * angle, slope


def _last_angle(k: Coefficients) -> float:
    """Return the angle off the axis at which the polynomial turns back, at most half a turn."""
    slopes = [(2 * power + 1) * value for power, value in enumerate((1.0, *k))]
    roots = np.roots(slopes[::-1])
    turns = np.sqrt(roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0.0)])
    return float(min((math.pi, *turns)))


def opencv_rays(x: np.ndarray, y: np.ndarray, coefficients: Coefficients) -> Rays:
    """Return rays of places on the plane of focal length 1, found by OpenCV's iteration."""
    import cv2

    places_N2 = np.stack((x, y), -1).reshape(-1, 2)
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
    flat_N2 = cv2.undistortPoints(
        places_N2[:, None], np.eye(3), np.array(coefficients), criteria=until
    )[:, 0]
    with np.errstate(all='ignore'):
        error_N = np.linalg.norm(opencv_distorted(flat_N2, coefficients) - places_N2, axis=1)
        seen_N = error_N < SURE
    flat_N2 = np.where(seen_N[:, None], flat_N2, places_N2)
    along_N3 = np.concatenate((flat_N2, np.ones_like(flat_N2[:, :1])), axis=1)
    rays_N3 = along_N3 / np.linalg.norm(along_N3, axis=1, keepdims=True)
    return rays_N3.T.reshape(3, *x.shape), seen_N.reshape(x.shape)


def opencv_distorted(flat_N2: np.ndarray, coefficients: Coefficients) -> np.ndarray:
    """Return where OpenCV's model moves places on the plane of focal length 1."""
    import cv2

    points_N3 = np.concatenate((flat_N2, np.ones_like(flat_N2[:, :1])), axis=1)
    none = np.zeros(3)
    found, _ = cv2.projectPoints(points_N3, none, none, np.eye(3), np.array(coefficients))
    return found[:, 0]
