# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ``depth-refiner`` command: one module per sub-command, heavy imports only when it runs."""
