# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures and pages a person looks at: color maps, panels, plots, mesh views, the report."""
