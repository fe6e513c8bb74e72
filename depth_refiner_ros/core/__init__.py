# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of metric depth, in torch, free of ROS, files and networks."""
