# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A scene as Gaussian splats (Kerbl et al. 2023) that start at posed depth."""
