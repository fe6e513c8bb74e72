# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figures of a person's size that stand about."""

from depth_refiner_ros.sources.simulated.places.site import Site
from depth_refiner_ros.sources.simulated.rooms.storage_furniture import column


def stand_about(site: Site, most: int) -> None:
    """Let up to ``most`` people stand on the free floor."""
    if count := site.kit.integer(0, most):
        site.stand([column(site.kit) for _ in range(min(count, 3))], count)
