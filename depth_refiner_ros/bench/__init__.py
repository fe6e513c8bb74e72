# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: measured times beside the shortest that arithmetic and memory allow."""
