# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options for reading recordings and cameras."""

from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.settings.options import option

BODY_FROM_CAMERA = (
    'x y z qx qy qz qw of the optical frame in the frame that the poses describe, such as '
    'base_link; empty takes it from /tf_static and /tf if the two differ'
)
POSE_TOLERANCE = 'largest gap between the stamps of image and pose; poses are interpolated'


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """What the recording or topic does not state about a camera."""

    assume_fov_deg: float = option(
        0.0,
        'horizontal field of view of a camera that is not calibrated; 0 assumes nothing',
        unit='deg',
        low=0.0,
        high=179.0,
    )
    image_bits: int = option(
        0,
        'bits that 16-bit color and gray images use, such as 12; 0 finds them from the brightest '
        'value',
        low=0,
        high=16,
    )


@dataclass(frozen=True, kw_only=True)
class PoseSettings:
    """Poses of the frames of a node."""

    pose_file: str = option('', 'TUM trajectory, for pose_source file')
    pose_tolerance_ms: float = option(
        20.0, POSE_TOLERANCE, unit='ms', low=0.0, high=10000.0, runtime=True
    )
    pose_wait_ms: float = option(
        500.0,
        'how long a frame waits for its pose',
        unit='ms',
        low=0.0,
        high=60000.0,
        runtime=True,
    )
    map_frame: str = option('map', 'fixed frame that the poses are in, and so is a mesh of them')
    body_from_camera: str = option('', BODY_FROM_CAMERA)


@dataclass(frozen=True, kw_only=True)
class RecordingSettings(CameraSettings):
    """What is read from a recording; the topics apply to bags."""

    image_topic: str = option('', 'color topic; empty finds it by type and name')
    depth_topic: str = option(
        '',
        'depth topic, registered to the color; empty finds it by type and name, none reads none',
    )
    info_topic: str = option(
        '', 'camera_info topic; empty finds the one of the color topic, none reads none'
    )
    pose_topic: str = option(
        '',
        'topic of PoseStamped, PoseWithCovarianceStamped, Odometry or TransformStamped, or /tf; '
        'empty finds it by type and name, none reads none',
    )
    body_from_camera: str = option('', BODY_FROM_CAMERA)
    pose_tolerance_ms: float = option(
        20.0,
        f'{POSE_TOLERANCE}; also the largest gap between image and depth',
        unit='ms',
        low=0.0,
        high=10000.0,
    )

    def bag_options(self) -> dict[str, Any]:
        """Return the arguments for opening a bag."""
        return {
            'image_topic': self.image_topic,
            'depth_topic': self.depth_topic,
            'info_topic': self.info_topic,
            'pose_topic': self.pose_topic,
            'body_from_camera': self.body_from_camera,
            'image_bits': self.image_bits,
            'max_gap_s': self.pose_tolerance_ms * 1e-3,
        }
