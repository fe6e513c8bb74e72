# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Places like the real ones, one kind per file: larger and longer than the rooms of ``rooms/``."""
