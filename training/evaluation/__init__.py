# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation as the papers do it: infer, score, tables, figures."""
