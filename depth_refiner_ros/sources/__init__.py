# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where frames come from: recordings, folders, videos, bags and a simulated camera."""
