# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The demo: camera, refiner and fusion as ROS nodes, watched and judged against the truth."""
