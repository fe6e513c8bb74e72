# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors of real priors, made on exact depth: the same in training and in evaluation."""
