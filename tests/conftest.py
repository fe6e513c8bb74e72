# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Helpers that several folders share lie beside this file, which puts their folder on the path."""
