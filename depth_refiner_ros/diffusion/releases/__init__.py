# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Official releases of depth diffusion models, as their authors publish them, made usable here."""
