# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ray casting: what a camera in a room sees, with exact depth."""
