# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of a copy of a bag with depth added."""

from dataclasses import dataclass

from depth_refiner_ros.settings.options import option
from depth_refiner_ros.settings.published import PublishedSettings


@dataclass(frozen=True, kw_only=True)
class BagCopySettings(PublishedSettings):
    """What is added to a copy of a bag."""

    all_cameras: bool = option(
        False, 'add topics for each camera: every color or gray image with a camera_info beside it'
    )
    namespace: str = option(
        'refined',
        'where the added topics are: below the namespace of their image, or, beginning with /, '
        'anywhere',
    )
    clouds: bool = option(True, 'add point clouds, the largest part of what is added')
