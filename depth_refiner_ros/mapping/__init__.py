# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Posed depth in, surface out: TSDF volume, mesh, tracking, trajectories and recordings."""
