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
        False,
        'add to a copy of a bag topics for each camera: every color or gray image with a '
        'camera_info in its namespace',
    )
    namespace: str = option(
        'refined',
        'where the topics added to a copy of a bag are: below the namespace of their image, or, '
        'beginning with /, anywhere',
    )
    clouds: bool = option(
        True, 'add point clouds to a copy of a bag, the largest part of what is added'
    )
