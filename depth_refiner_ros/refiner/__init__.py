# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner: networks from settings, and the method from image to metric depth."""
