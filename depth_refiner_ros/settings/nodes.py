# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of the nodes."""

from dataclasses import dataclass

from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.lenses import RectifySettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.odometry import OdometrySettings
from depth_refiner_ros.settings.options import option
from depth_refiner_ros.settings.published import PublishedSettings
from depth_refiner_ros.settings.recordings import CameraSettings, PoseSettings, RecordingSettings

PROFILES = (
    'rep118',
    'nvblox',
    'rtabmap',
    'depth_image_proc',
    'monogs',
    'realsense_compat',
    'nav2',
)
QOS = ('sensor_data', 'reliable')
DEFAULT_MESH_FILE = 'mesh.ply'


@dataclass(frozen=True, kw_only=True)
class RefinerNodeSettings(
    PublishedSettings, ModelSettings, CameraSettings, PoseSettings, RectifySettings
):
    """The node ``refiner``: image in, metric depth and cloud out."""

    profile: str = option(
        'rep118', 'defaults for one consumer: encodings and the unknown value', choices=PROFILES
    )
    input_transport: str = option(
        'raw', 'read image or image/compressed', choices=('raw', 'compressed')
    )
    depth_transport: str = option(
        'raw', 'read depth_in or depth_in/compressedDepth', choices=('raw', 'compressed')
    )
    input_qos: str = option(
        'sensor_data', 'reliability of the subscriptions to the camera', choices=QOS
    )
    output_depth: int = option(5, 'queue of each output (reliable)', low=1, high=100)
    sync_mode: str = option(
        'exact_then_cached',
        'how image and camera_info are matched',
        choices=('exact', 'approx', 'cached', 'exact_then_cached'),
    )
    sync_tolerance_ms: float = option(
        5.0,
        'largest stamp gap in approx mode and for depth_in; keep it below half the period of the '
        'images',
        unit='ms',
        low=0.0,
        high=1000.0,
    )
    max_age_ms: float = option(
        0.0,
        'drop images older than this when they are due; 0 is off',
        unit='ms',
        low=0.0,
        high=60000.0,
        runtime=True,
    )
    keep_every_frame: bool = option(
        False,
        'queue images instead of keeping the newest '
        '(recordings in lock-step; never for a live robot)',
    )
    scale_lock: float = option(
        0.0,
        'stabilise the scale of the depth against flicker: weight of the '
        'past frames; 0 is off, 0.7 about halves the flicker of the '
        'bundled prior',
        low=0.0,
        high=0.95,
        runtime=True,
    )
    pose_source: str = option(
        'none',
        'poses by which each frame is brought to the scale of those before it; a frame without '
        'one keeps its scale',
        choices=('none', 'tf', 'pose', 'odom', 'file'),
    )
    pose_wait_ms: float = option(
        100.0,
        'how long depth waits for its pose after its image has arrived',
        unit='ms',
        low=0.0,
        high=60000.0,
        runtime=True,
    )
    batch_cameras: str = option(
        'auto',
        'refine images of several cameras of one process in one call if they wait together; '
        'auto: on a GPU whose frames are not CUDA graphs, as a CPU is no faster so',
        choices=('auto', 'always', 'never'),
        runtime=True,
    )
    always_on: bool = option(False, 'work even without subscribers', runtime=True)
    diagnostics_period_s: float = option(
        1.0, 'time between diagnostics; 0 is off', unit='s', low=0.0, high=60.0, runtime=True
    )
    expected_rate_hz: float = option(
        0.0,
        'warn below 0.9 times this output rate; 0 is off',
        unit='Hz',
        low=0.0,
        high=1000.0,
        runtime=True,
    )
    autostart: bool = option(True, 'configure and activate without a lifecycle manager')


@dataclass(frozen=True, kw_only=True)
class TsdfNodeSettings(TsdfSettings, OdometrySettings, PoseSettings):
    """The node ``tsdf``: posed depth in, colored mesh out."""

    pose_source: str = option(
        'tf',
        'where poses come from; own tracks the camera by its frames, from the origin of '
        'map_frame, and publishes odometry',
        choices=('tf', 'pose', 'odom', 'file', 'own'),
    )
    publish_tf: bool = option(
        True, 'with pose_source own, also publish the optical frame in map_frame on /tf'
    )
    use_color: bool = option(True, 'wait for color/image and paint the mesh')
    use_confidence: bool = option(True, 'wait for depth/confidence; off for depth without it')
    input_qos: str = option(
        'reliable', 'reliability of the subscriptions to depth topics', choices=QOS
    )
    sync_tolerance_ms: float = option(
        5.0,
        'largest stamp gap of depth, color and confidence; keep it below half their period',
        unit='ms',
        low=0.0,
        high=1000.0,
    )
    queue: int = option(10, 'frames that may wait for a pose or for processing', low=1, high=1000)
    mesh_file: str = option(
        '',
        'mesh file of save, autosave and shutdown; '
        f'empty is {DEFAULT_MESH_FILE} in the working folder',
    )
    volume_file: str = option(
        '', 'keep the volume in this file, too, and go on with it at the next start; on a CPU'
    )
    distance_queries: bool = option(
        False, 'answer the points of distance_query by their distances from the mesh; on a CPU'
    )
    autosave_period_s: float = option(
        0.0, 'write the mesh this often; 0 is off', unit='s', low=0.0, high=86400.0, runtime=True
    )
    save_at_shutdown: bool = option(True, 'write the mesh when the node ends', runtime=True)
    marker_max_triangles: int = option(
        100000,
        'triangles of one message of the mesh, of which only changed parts are sent; each has 120 '
        'bytes',
        low=100,
        high=500000,
        runtime=True,
    )
    marker_period_s: float = option(
        2.0,
        'publish what changed of the mesh this often while there are subscribers',
        unit='s',
        low=0.1,
        high=3600.0,
        runtime=True,
    )
    diagnostics_period_s: float = option(
        1.0, 'time between diagnostics; 0 is off', unit='s', low=0.0, high=60.0, runtime=True
    )
    autostart: bool = option(True, 'configure and activate without a lifecycle manager')


@dataclass(frozen=True, kw_only=True)
class PlayerNodeSettings(RecordingSettings):
    """The node ``player``: a recording or the simulated camera as ROS topics."""

    source: str = option(
        'sim:900000', 'sim:SEED[:FRAMES[:PEOPLE]], a TUM folder, images, a video or a bag'
    )
    rate_hz: float = option(
        10.0,
        'frames per second; 0 keeps the pace of the recording',
        unit='Hz',
        low=0.0,
        high=1000.0,
    )
    lock_step: str = option(
        'off',
        'send the next frame when this stage has finished the previous one',
        choices=('off', 'refiner', 'tsdf'),
    )
    lock_step_timeout_s: float = option(
        30.0, 'give up a frame after this long', unit='s', low=0.1, high=3600.0
    )
    wait_for_subscribers_s: float = option(
        30.0,
        'wait this long for a subscriber before the first frame',
        unit='s',
        low=0.0,
        high=3600.0,
    )
    loop: bool = option(False, 'start over at the end')
    restamp: bool = option(False, 'use the current time instead of recorded stamps')
    publish_depth: bool = option(False, 'also publish the recorded depth as depth_in')
    compressed: bool = option(False, 'publish image/compressed instead of image')
    camera_frame: str = option('camera_optical_frame', 'frame of the images')
    map_frame: str = option('map', 'frame of the poses')
    frame_prefix: str = option('', 'prefix of both frames, such as robot1/')
    publish_clock: bool = option(
        False, 'publish the stamp of each frame on /clock, for nodes with use_sim_time'
    )
    autostart: bool = option(True, 'start playing at once; false waits for the service ~/start')


@dataclass(frozen=True, kw_only=True)
class RecorderNodeSettings(PoseSettings):
    """The node ``recorder``: depth and color topics into a folder that SLAM programs read."""

    folder: str = option('recording', 'new or empty folder to write')
    image_topic: str = option('', 'color topic; empty is color/image')
    depth_topic: str = option('', 'depth topic; empty is depth/image')
    info_topic: str = option(
        '', 'camera_info topic of the depth; empty is camera_info beside the depth topic'
    )
    pose_topic: str = option('', 'topic of pose_source pose or odom; empty is pose or odom')
    layout: str = option(
        'tum',
        'TUM RGB-D folder, or the same with a configuration for MonoGS',
        choices=('tum', 'monogs'),
    )
    depth_scale: float = option(5000.0, 'PNG units per metre', low=1.0, high=65535.0)
    pose_source: str = option(
        'none', 'where poses come from', choices=('none', 'tf', 'pose', 'odom', 'file')
    )
    sync_tolerance_ms: float = option(
        5.0,
        'largest stamp gap of depth and color; keep it below half their period',
        unit='ms',
        low=0.0,
        high=1000.0,
    )
    input_qos: str = option('reliable', 'reliability of the subscriptions', choices=QOS)
    queue: int = option(100, 'frames that may wait to be written', low=1, high=10000)
    diagnostics_period_s: float = option(
        1.0, 'time between diagnostics; 0 is off', unit='s', low=0.0, high=60.0, runtime=True
    )
    autostart: bool = option(True, 'configure and activate without a lifecycle manager')


@dataclass(frozen=True, kw_only=True)
class CollectorNodeSettings:
    """The node ``collector``: stores what a graph publishes, for the demo's report."""

    folder: str = option('', 'folder for arrivals, depth maps and diagnostics')
    keep_images: bool = option(False, 'also write the color images')
    late: bool = option(
        False,
        'request what the refiner sent before both were connected; it '
        'offers that with keep_every_frame',
    )


NODES: dict[str, type] = {
    'refiner': RefinerNodeSettings,
    'tsdf': TsdfNodeSettings,
    'player': PlayerNodeSettings,
    'recorder': RecorderNodeSettings,
    'collector': CollectorNodeSettings,
}
"""Name of each node to its options."""
