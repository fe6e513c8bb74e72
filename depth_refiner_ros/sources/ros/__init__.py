# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 bags, and messages from any library, read without ROS."""
