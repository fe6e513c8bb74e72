# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options for images of distorted and fisheye lenses, and for panoramas."""

from dataclasses import dataclass

from depth_refiner_ros.settings.options import option


@dataclass(frozen=True, kw_only=True)
class RectifySettings:
    """Whether images of a lens are refined as they are."""

    rectify: str = option(
        'auto',
        'map images of a lens to a pinhole camera first, which leaves out their borders: always, '
        'never (for priors unik3d and sensor), or auto, which keeps those of fisheye lenses and '
        'panoramas for prior unik3d (docs/lenses.md)',
        choices=('auto', 'always', 'never'),
    )


@dataclass(frozen=True, kw_only=True)
class LensSettings(RectifySettings):
    """Lenses of images in files."""

    camera_file: str = option(
        '', 'calibration of the camera of images and videos (calibration.yaml, docs/recordings.md)'
    )
