# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the commands do, and what several of them share; ``cli`` only parses their flags."""
