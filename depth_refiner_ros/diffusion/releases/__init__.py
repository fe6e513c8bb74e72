# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load official releases of depth diffusion models in the form that their authors publish."""
