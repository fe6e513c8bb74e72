# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Readers of public data sets and of own recordings; docs/data.md says what each expects."""
