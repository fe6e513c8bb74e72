# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of tests that share what one process keeps, so that one worker runs them."""

COUNTED = 'networks of true size, counted once in a process'
