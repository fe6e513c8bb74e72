# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The header of our source files for ``ament_copyright``, which does not know SPDX lines."""

from typing import NamedTuple


class Header(NamedTuple):
    """A licence in the form that ``ament_copyright`` loads from an entry point."""

    name: str
    spdx: str
    file_headers: list[str]
    license_files: list[str]
    contributing_files: list[str]


SPDX = Header(
    name='Apache License, Version 2.0, by its SPDX identifier',
    spdx='Apache-2.0',
    file_headers=['{copyright}\nSPDX-License-Identifier: Apache-2.0'],
    license_files=[],
    contributing_files=[],
)
