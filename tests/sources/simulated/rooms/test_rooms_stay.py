# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The rooms of published figures are still the same: their seeds are quoted in README and docs."""

import hashlib

from depth_refiner_ros.sources.simulated import build_room, SimulatedSource
import pytest

KEPT = [
    (0, 'living', 7910, '7e7e7b4bb290', 41687.4, 2.2695, 101.22),
    (7, 'corridor', 6066, '9a5c434eb16e', 30183.4, 0.8624, 104.64),
    (900000, 'desktop', 10934, '90b4d97839c8', 72732.7, 2.3914, 89.53),
    (950000, 'kitchen', 11068, '6b438ae81c5c', 58022.8, 1.8709, 105.33),
]
"""Seed, kind, triangles, digest of the materials, sum of the corners, mean depth and color."""


@pytest.mark.parametrize('kept', KEPT)
def test_a_seed_gives_the_room_and_the_frame_that_it_gave(kept):
    seed, kind, triangles, materials, corners, depth_m, color = kept
    room, (frame,) = build_room(seed), SimulatedSource(seed, 1, 64, 48)
    names = ' '.join(material.kind for material in room.materials)
    assert (room.kind, len(room.surface.triangles_F3)) == (kind, triangles)
    assert hashlib.sha256(names.encode()).hexdigest()[:12] == materials
    assert float(room.surface.vertices_V3.astype(float).sum()) == pytest.approx(corners, abs=0.2)
    assert float(frame.depth_m_HW.astype(float).mean()) == pytest.approx(depth_m, abs=2e-4)
    assert float(frame.rgb_HW3.mean()) == pytest.approx(color, abs=0.1)
