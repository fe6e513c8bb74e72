# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copies of ROS 2 bags with topics added; every message of the bag stays as it is."""
