# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training, evaluation and export of priors and refiners; run from a checkout."""
