# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every option of the package, once: name, default, unit, range, documentation."""
