# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Inputs of nodes: images joined by stamp, and poses."""
