# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Priors, the depth that is refined: one protocol, one registry."""
