# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Modules shared by several folders are next to this file, which puts them on the path."""
