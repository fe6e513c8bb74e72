# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Furnished rooms: shapes, materials, furniture and its placement."""
