# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth as it is stored in 16 bits."""

SATURATED = 65535
"""No measurement, but the end of the format, or a mark for none."""
