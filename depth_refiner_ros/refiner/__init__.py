# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner: settings to networks, and the method from image to metric depth."""
