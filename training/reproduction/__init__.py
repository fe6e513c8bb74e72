# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Both papers' tables at a small scale: what is trained, in which order, and what comes out."""
