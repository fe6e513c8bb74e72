# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one-step diffusion refiners: latent codecs, UNets, methods, losses."""
