# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Pure functions that convert arrays to messages, and camera_info to and from cameras.

Images are read by ``sources/ros/image.py``, from bags and from live topics alike.

``cv_bridge`` is neither used nor required: it adds nothing to these functions, and its
binaries fail with NumPy 2, as does its big-endian path (vision_opencv#535).
"""
