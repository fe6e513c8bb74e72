# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where depth comes from before it is refined: one protocol, one registry."""
