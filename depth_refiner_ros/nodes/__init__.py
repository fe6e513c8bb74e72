# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 adapters: convert messages, call the library, publish. Nothing is computed here."""
