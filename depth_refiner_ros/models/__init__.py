# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sources of weights: bundles, the table of published models, the hub, pickles."""
