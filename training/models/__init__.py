# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks under training: what is trained, what is frozen, how each becomes a bundle."""
