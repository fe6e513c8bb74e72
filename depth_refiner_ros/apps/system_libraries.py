# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Shared libraries that Open3D's wheel takes from the system, and the Debian packages they are in.

``scripts/system_libraries.py`` reads this file before anything is installed; it imports nothing.
"""

PACKAGE_OF = {
    'libusb-1.0.so.0': 'libusb-1.0-0',
    'libGL.so.1': 'libgl1',
    'libEGL.so.1': 'libegl1',
    'libX11.so.6': 'libx11-6',
    'libudev.so.1': 'libudev1',
    'libidn2.so.0': 'libidn2-0',
}
