# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objectives: the loss of one method section each; networks come from ``training/models``."""
