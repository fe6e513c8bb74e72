# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from tests.training.evaluation.made_images import made

__all__ = ['made']
