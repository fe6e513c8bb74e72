# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What nodes publish: depth by REP-117 and REP-118, clouds, topics by consumer profile."""
