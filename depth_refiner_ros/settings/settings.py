"""
Every option of the package, once: name, default, unit, range and one line of what it does.

See ``options.py`` for how YAML, ROS parameters, command-line flags and docs come from here.
"""

from dataclasses import dataclass, field

from depth_refiner_ros.settings.options import option

PRIORS = (
    'bundled',
    'sensor',
    'smeared',
    'depth_anything_v2_metric',
    'depth_anything_v2',
    'zoedepth',
    'depth_pro',
    'prompt_depth_anything',
    'unidepth_v1',
    'unidepth_v2',
    'metric3d_v2',
)
RELATIVE_PRIORS = ('depth_anything_v2',)
MEASURED_PRIORS = ('sensor', 'prompt_depth_anything')
"""Priors that start from what a depth sensor measured."""
DEPTH_PRIORS = (*MEASURED_PRIORS, 'smeared')
"""Priors that need a depth map beside the image."""
SCALE_PRIORS = ('none', *(name for name in PRIORS if name not in RELATIVE_PRIORS))
REFINERS = ('none', 'sharpdepth', 'apdepth', 'aligned')
BACKENDS = ('auto', 'torch', 'compiled', 'onnx', 'tensorrt')
PROFILES = ('rep118', 'nvblox', 'rtabmap', 'depth_image_proc', 'monogs', 'realsense_compat')
QOS = ('sensor_data', 'reliable')


@dataclass(frozen=True, kw_only=True)
class SelfCheckSettings:
    """Comparison of every network with fp32 torch before its first frame."""

    enable: bool = option(True, 'compare; a backend that gives other numbers is refused')
    max_abs_rel: float = option(
        0.1, 'largest relative difference that 99 of 100 values may have', low=1e-6, high=10.0
    )


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which networks run, and how."""

    prior: str = option(
        'bundled',
        'where metric depth comes from: a network, a depth sensor, or '
        'known depth smeared on purpose (evaluation)',
        choices=PRIORS,
    )
    prior_weights: str = option(
        'bundled',
        'weights of the prior: a folder, a hub id, or a name. bundled: bundled. '
        'depth_anything_v2_metric: indoor- or outdoor- and small, base or large. '
        'depth_anything_v2: small, base, large, or a safetensors file of the original code '
        '(giant). zoedepth: nyu-kitti. depth_pro: large. prompt_depth_anything: '
        'small, large. unidepth_v1: vitl14, cnvnxtl. unidepth_v2: vits14, vitb14, vitl14. '
        'metric3d_v2: only a folder made by depth-refiner models import',
    )
    prior_focal_rule: str = option(
        'auto',
        'auto adapts depth to the focal length as each prior '
        'needs it (priors/focal.py); none leaves it as the network '
        'gives it',
        choices=('auto', 'none'),
    )
    prior_short_side: int = option(
        0,
        'rows or columns, whichever is fewer, at the network of '
        'depth_anything_v2*, prompt_depth_anything; fewer are faster; '
        '0 is what each was trained with',
        unit='px',
        low=0,
        high=4096,
    )
    prior_input: str = option(
        'auto',
        'images for depth_anything_v2: model is as it was trained, '
        'official_compat as the code of ApDepth feeds it, auto is what the '
        'refiner asks for',
        choices=('auto', 'model', 'official_compat'),
    )
    scale_prior: str = option(
        'none',
        'second prior, a metric one, that sets the metres: for '
        'priors without, and to follow a depth sensor',
        choices=SCALE_PRIORS,
    )
    scale_prior_weights: str = option('bundled', 'weights of the scale prior, as prior_weights')
    refiner: str = option(
        'apdepth',
        'one-step refiner: none publishes the prior as it is, '
        'aligned is a relative model (Lotus, Marigold) brought to the metres '
        'of the prior',
        choices=REFINERS,
    )
    refiner_weights: str = option(
        'bundled',
        'weights of the refiner: bundled, a bundle, the '
        'folder of an official release, or its hub id',
    )
    backend: str = option(
        'auto',
        'how networks are executed; auto is torch, or onnx on a CPU without bf16',
        choices=BACKENDS,
    )
    engine_cache: str = option(
        '',
        'folder of exported networks and engines; empty is '
        'depth_refiner_ros in the cache folder of the user',
    )
    engine_target: str = option(
        '',
        'GPU generations that TensorRT-RTX builds for, such as '
        'sm86,sm89; empty is the GPU of this machine',
    )
    build_only: bool = option(
        False, 'build what backend onnx or tensorrt would load, and run on torch'
    )
    allow_smaller: bool = option(
        False, 'where memory runs out, go on with smaller images and say so'
    )
    device: str = option('auto', 'where networks run', choices=('auto', 'cpu', 'cuda'))
    precision: str = option(
        'auto', 'number format of the networks', choices=('auto', 'fp32', 'fp16', 'bf16')
    )
    threads: int = option(0, 'CPU threads of the networks; 0 takes all cores', low=0, high=256)
    seed: int = option(0, 'seed of the one generator that refiners with noise draw from', low=0)
    max_edge_px: int = option(
        0,
        'work at this longest edge of the image; 0 is the size that the refiner asks for',
        unit='px',
        low=0,
        high=8192,
    )
    align: str = option(
        'auto',
        'fit of the refined depth to the metric prior; auto is what the refiner asks for',
        choices=('auto', 'none', 'lstsq', 'robust'),
        runtime=True,
    )
    agree_below: float = option(
        0.0,
        'pixels whose normalised difference is below this take part '
        'in the fit (SharpDepth 4.1); 0 is what the refiner asks for',
        low=0.0,
        high=1.0,
        runtime=True,
    )
    selfcheck: SelfCheckSettings = field(default_factory=SelfCheckSettings)

    def takes(self, priors: tuple[str, ...]) -> bool:
        """Return whether depth or its scale comes from one of some priors."""
        return self.prior in priors or self.scale_prior in priors


@dataclass(frozen=True, kw_only=True)
class EdgeFilterSettings:
    """Removal of flying pixels: points that hang between foreground and background."""

    enable: bool = option(True, 'set flying pixels to unknown', runtime=True)
    rel_jump: float = option(
        0.05,
        'relative depth jump on both sides that marks a flying pixel',
        low=0.001,
        high=1.0,
        runtime=True,
    )
    dilate_px: int = option(
        0, 'also drop this many pixels around', unit='px', low=0, high=10, runtime=True
    )


@dataclass(frozen=True, kw_only=True)
class PointsSettings:
    """The point cloud."""

    layout: str = option(
        'packed16',
        'bytes per point: 16 (x y z rgb) or the 32 of PCL',
        choices=('packed16', 'pcl32'),
        runtime=True,
    )
    stride: int = option(
        1, 'take every n-th row and column', unit='px', low=1, high=32, runtime=True
    )
    organized: bool = option(True, 'keep rows and columns, NaN where unknown', runtime=True)
    max_rate_hz: float = option(
        0.0,
        'publish clouds at most this often; 0 is every frame',
        unit='Hz',
        low=0.0,
        high=1000.0,
        runtime=True,
    )


@dataclass(frozen=True, kw_only=True)
class RefinerNodeSettings(ModelSettings):
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
    input_qos: str = option('sensor_data', 'reliability asked of the camera', choices=QOS)
    output_depth: int = option(5, 'queue of each output (reliable)', low=1, high=100)
    sync_mode: str = option(
        'exact_then_cached',
        'how image and camera_info meet',
        choices=('exact', 'approx', 'cached', 'exact_then_cached'),
    )
    sync_tolerance_ms: float = option(
        5.0, 'largest stamp gap in approx mode and for depth_in', unit='ms', low=0.0, high=1000.0
    )
    max_age_ms: float = option(
        0.0,
        'drop images older than this when their turn comes; 0 is off',
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
    min_range_m: float = option(
        0.1, 'nearer depth is -Inf (REP-117)', unit='m', low=0.0, high=100.0, runtime=True
    )
    max_range_m: float = option(
        80.0, 'farther depth is +Inf (REP-117)', unit='m', low=0.1, high=1000.0, runtime=True
    )
    out_of_range: str = option(
        'inf',
        'what lies outside the range becomes: signed infinity '
        '(REP-117), NaN, or 0 (then the unknown too)',
        choices=('inf', 'nan', 'zero'),
        runtime=True,
    )
    min_confidence: float = option(
        0.0, 'depth of lower confidence becomes unknown', low=0.0, high=1.0, runtime=True
    )
    scale_lock: float = option(
        0.0,
        'hold the scale of the depth against flicker: weight of the '
        'past frames; 0 is off, 0.7 about halves the flicker of the '
        'bundled prior',
        low=0.0,
        high=0.95,
        runtime=True,
    )
    always_on: bool = option(False, 'work even while nobody subscribes', runtime=True)
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
    edge_filter: EdgeFilterSettings = field(default_factory=EdgeFilterSettings)
    points: PointsSettings = field(default_factory=PointsSettings)


@dataclass(frozen=True, kw_only=True)
class TsdfSettings:
    """The fusion volume."""

    voxel_m: float = option(0.02, 'edge of a voxel', unit='m', low=0.002, high=1.0)
    truncation_voxels: float = option(4.0, 'truncation distance in voxels', low=1.0, high=50.0)
    min_range_m: float = option(
        0.1, 'ignore nearer depth', unit='m', low=0.0, high=100.0, runtime=True
    )
    max_range_m: float = option(
        5.0, 'ignore farther depth', unit='m', low=0.1, high=200.0, runtime=True
    )
    min_confidence: float = option(
        0.3, 'ignore depth of lower confidence', low=0.0, high=1.0, runtime=True
    )
    min_weight: float = option(
        2.0, 'a surface needs this many observations', low=0.0, high=1000.0, runtime=True
    )
    device: str = option('auto', 'where the volume lives', choices=('auto', 'cpu', 'cuda'))
    edge_filter: EdgeFilterSettings = field(default_factory=EdgeFilterSettings)


@dataclass(frozen=True, kw_only=True)
class TsdfNodeSettings(TsdfSettings):
    """The node ``tsdf``: posed depth in, colored mesh out."""

    pose_source: str = option(
        'tf', 'where poses come from', choices=('tf', 'pose', 'odom', 'file')
    )
    pose_file: str = option('', 'TUM trajectory, for pose_source file')
    pose_tolerance_ms: float = option(
        20.0,
        'largest gap between depth and pose stamps; poses are interpolated',
        unit='ms',
        low=0.0,
        high=10000.0,
        runtime=True,
    )
    pose_wait_ms: float = option(
        500.0,
        'how long a frame waits for its pose',
        unit='ms',
        low=0.0,
        high=60000.0,
        runtime=True,
    )
    map_frame: str = option('map', 'frame of the mesh')
    body_from_camera: str = option(
        '',
        'x y z qx qy qz qw of the optical frame in the frame that '
        'pose or odom describe; empty where that is the optical frame',
    )
    use_color: bool = option(True, 'wait for color/image and paint the mesh')
    use_confidence: bool = option(True, 'wait for depth/confidence; off for depth without it')
    input_qos: str = option('reliable', 'reliability asked of the depth topics', choices=QOS)
    sync_tolerance_ms: float = option(
        5.0, 'largest stamp gap of depth, color and confidence', unit='ms', low=0.0, high=1000.0
    )
    queue: int = option(10, 'frames that may wait for a pose or their turn', low=1, high=1000)
    mesh_file: str = option(
        '', 'where save, autosave and shutdown write; empty is mesh.ply in the working folder'
    )
    autosave_period_s: float = option(
        0.0, 'write the mesh this often; 0 is off', unit='s', low=0.0, high=86400.0, runtime=True
    )
    save_at_shutdown: bool = option(True, 'write the mesh when the node ends', runtime=True)
    marker_max_triangles: int = option(
        100000,
        'coarsen the published mesh to this many triangles',
        low=100,
        high=5000000,
        runtime=True,
    )
    marker_period_s: float = option(
        2.0,
        'publish the mesh this often while somebody listens',
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
class PlayerNodeSettings:
    """The node ``player``: a recording or the simulated camera as ROS topics."""

    source: str = option('sim:900000', 'sim:SEED[:FRAMES], a TUM folder, images, a video or a bag')
    rate_hz: float = option(
        10.0,
        'frames per second; 0 keeps the pace of the recording',
        unit='Hz',
        low=0.0,
        high=1000.0,
    )
    lock_step: str = option(
        'off',
        'send the next frame when this stage has finished the last',
        choices=('off', 'refiner', 'tsdf'),
    )
    lock_step_timeout_s: float = option(
        30.0, 'give up a frame after this long', unit='s', low=0.1, high=3600.0
    )
    wait_for_subscribers_s: float = option(
        30.0,
        'wait this long for a listener before the first frame',
        unit='s',
        low=0.0,
        high=3600.0,
    )
    loop: bool = option(False, 'start over at the end')
    restamp: bool = option(False, 'use the present time instead of recorded stamps')
    publish_depth: bool = option(False, 'also publish the recorded depth as depth_in')
    compressed: bool = option(False, 'publish image/compressed instead of image')
    horizontal_fov_deg: float = option(
        0.0,
        'field of view to assume where the source has no camera model; 0 assumes nothing',
        unit='deg',
        low=0.0,
        high=179.0,
    )
    camera_frame: str = option('camera_optical_frame', 'frame of the images')
    map_frame: str = option('map', 'frame of the poses')
    autostart: bool = option(True, 'start without being told')


@dataclass(frozen=True, kw_only=True)
class RecorderNodeSettings:
    """The node ``recorder``: depth and color topics as a folder that SLAM programs read."""

    folder: str = option('recording', 'new or empty folder to write')
    layout: str = option(
        'tum',
        'TUM RGB-D folder, or the same with a configuration for MonoGS',
        choices=('tum', 'monogs'),
    )
    depth_scale: float = option(5000.0, 'PNG units per metre', low=1.0, high=65535.0)
    pose_source: str = option(
        'none', 'where poses come from', choices=('none', 'tf', 'pose', 'odom', 'file')
    )
    pose_file: str = option('', 'TUM trajectory, for pose_source file')
    pose_tolerance_ms: float = option(
        20.0,
        'largest gap between depth and pose stamps; poses are interpolated',
        unit='ms',
        low=0.0,
        high=10000.0,
        runtime=True,
    )
    pose_wait_ms: float = option(
        500.0,
        'how long a frame waits for its pose',
        unit='ms',
        low=0.0,
        high=60000.0,
        runtime=True,
    )
    map_frame: str = option('map', 'frame of the poses')
    body_from_camera: str = option(
        '',
        'x y z qx qy qz qw of the optical frame in the frame that '
        'pose or odom describe; empty where that is the optical frame',
    )
    sync_tolerance_ms: float = option(
        5.0, 'largest stamp gap of depth and color', unit='ms', low=0.0, high=1000.0
    )
    input_qos: str = option('reliable', 'reliability asked of the topics', choices=QOS)
    queue: int = option(100, 'frames that may wait to be written', low=1, high=10000)
    diagnostics_period_s: float = option(
        1.0, 'time between diagnostics; 0 is off', unit='s', low=0.0, high=60.0, runtime=True
    )
    autostart: bool = option(True, 'configure and activate without a lifecycle manager')


@dataclass(frozen=True, kw_only=True)
class SmearSettings:
    """The degradation that stands in for a real prior's blur, in evaluation and training."""

    factor: int = option(
        12, 'area-downsampling before the smooth upsampling', unit='px', low=1, high=64
    )
    warp: float = option(0.03, 'amplitude of the low-frequency scale error', low=0.0, high=0.5)
    scale: float = option(0.03, 'standard deviation of the global scale error', low=0.0, high=0.5)


@dataclass(frozen=True, kw_only=True)
class CollectorNodeSettings:
    """The node ``collector``: keeps what a graph publishes, for the demo's report."""

    folder: str = option('', 'where arrivals, depth maps and diagnostics are written')
    keep_images: bool = option(False, 'also write the color images')
    late: bool = option(
        False,
        'ask the refiner for what it sent before both were connected; it '
        'offers that with keep_every_frame',
    )
