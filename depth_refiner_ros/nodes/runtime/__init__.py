# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Infrastructure of nodes: lifecycle, worker thread, mailbox, parameters, QoS, diagnostics."""
