# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Arrays to messages, and camera_info back, as pure functions.

Images are read by ``sources/ros/image.py``, from bags and from live topics alike.

``cv_bridge`` is neither used nor asked for: it adds nothing to these functions, and its
binaries break under NumPy 2, its big-endian path too (vision_opencv#535).
"""
