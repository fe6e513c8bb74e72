# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""All options of the package, each defined once: name, default, unit, range, documentation."""
