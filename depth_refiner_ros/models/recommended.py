# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Which prior and refiner to take: the best that a licence allows and a device has time for.

For some purposes another prior is the better one: :data:`SPECIAL`.

Priors are ordered by their AbsRel without any alignment on 50 indoor images of DIODE, as
github.com/yester31/Monocular_Depth_Estimation_TRT measured it in 2026-08: Metric3D v2 13.1,
MoGe-2 21.4, Depth Anything V2 metric 23.1 %. The smaller sizes were not measured there and follow
their large ones. With one scale per image all lie within 4.4 to 6.5 %.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from depth_refiner_ros.models.bundle import QUICK
from depth_refiner_ros.models.catalogue import MODELS

BUNDLED_LICENCE = 'Apache-2.0'
ENGINE = 2.0
"""How many times the least time a good engine takes, at most; see docs/benchmarks."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    A prior or a refiner, with the options that select it.

    :param id: line of the table of models; empty for a bundled network
    :param gflop: operations for an image of 640x480
    :param weights_mb: as they lie in memory
    :param options: option to value
    :param get: what to do once, before
    :param precision: fp32 where it stays in torch under every backend; empty for the device's
    :param finds_camera: whether it estimates the field of view where the camera is unknown
    :param example: what to try it with
    :param host_ms: of one CPU core beside the networks, measured
    """

    name: str
    id: str
    gflop: float
    weights_mb: float
    options: Mapping[str, str]
    why: str
    get: Sequence[str] = field(default=())
    finds_camera: bool = False
    precision: str = ''
    example: str = 'photo.jpg'
    host_ms: float = 0.0

    @property
    def licence(self) -> str:
        """Return the licence of the weights."""
        return next((model.licence for model in MODELS if model.id == self.id), BUNDLED_LICENCE)

    @property
    def non_commercial(self) -> bool:
        """Whether the licence rules out commercial use, or leaves it in doubt."""
        return any(model.non_commercial for model in MODELS if model.id == self.id)


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """
    What a frame takes on a device.

    :param peak: operations per second in a number format; '' is that of the networks
    :param measured_ms: name of a choice to the time of a frame, for those that were measured
    """

    peak: Callable[[str], float]
    measured_ms: Mapping[str, float] = field(default_factory=dict)

    def ms(self, choice: Choice) -> float:
        """Return the measured time of a frame, or what a good engine takes."""
        engine_ms = ENGINE * choice.gflop * 1e12 / self.peak(choice.precision)
        return self.measured_ms.get(choice.name, engine_ms + choice.host_ms)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A prior and a refiner on a device."""

    prior: Choice
    refiner: Choice
    speeds: Speeds

    @property
    def frame_ms(self) -> float:
        """Return the time of a frame."""
        return self.speeds.ms(self.prior) + self.speeds.ms(self.refiner)

    @property
    def rate_hz(self) -> float:
        """Return the frames per second."""
        return 1e3 / self.frame_ms

    @property
    def computed(self) -> tuple[Choice, ...]:
        """Return what was not measured on the device."""
        both = (self.prior, self.refiner)
        return tuple(choice for choice in both if choice.name not in self.speeds.measured_ms)


def _moge2(size: str, gflop: float, weights_mb: float, *, short_side: int = 0) -> Choice:
    folder, smaller = f'moge-2-vit{size}-normal', {'prior_short_side': str(short_side)}
    return Choice(
        name=f'MoGe-2 {size.upper()}' + (f' at {short_side} px' if short_side else ''),
        id=f'Ruicheng/{folder}',
        gflop=gflop,
        weights_mb=weights_mb,
        options={'prior': 'moge2', 'prior_weights': folder, **(smaller if short_side else {})},
        why='the most accurate metres under a permissive licence; finds the field of view',
        get=(f'depth-refiner models import Ruicheng/{folder} {folder}',),
        finds_camera=True,
    )


def _prior_depth_anything(size: str, gflop: float, weights_mb: float) -> Choice:
    model = f'Rain729/Prior-Depth-Anything:vit{size}'
    return Choice(
        name=f'Prior Depth Anything {size.upper()}',
        id=model,
        gflop=gflop,  # of both networks
        weights_mb=weights_mb,
        options={'prior': 'prior_depth_anything', 'prior_weights': 'priorda'},
        why='the metres of a depth camera with holes, a lidar or a few points, for every pixel',
        get=(f'depth-refiner models import {model} priorda',),
        example='RECORDING_WITH_DEPTH',
        host_ms=250.0,  # the nearest measured pixels of every other one
    )


def _infinidepth_sensor() -> Choice:
    model = 'ritianyu/InfiniDepth:infinidepth_depthsensor'
    return Choice(
        name='InfiniDepth L with points',
        id=model,
        gflop=4063.0,  # of which 247 decode the pixels
        weights_mb=716.0,
        options={'prior': 'infinidepth_sensor', 'prior_weights': 'infinidepth'},
        why='metres from 50 measured points or more, decoded pixel by pixel; its accuracy was not '
        'compared here',
        get=(f'depth-refiner models import {model} infinidepth',),
        example='RECORDING_WITH_DEPTH',
        host_ms=100.0,  # the image at the size of the network
    )


def _video_depth_anything(size: str, gflop: float, weights_mb: float) -> Choice:
    model = f'depth-anything/Metric-Video-Depth-Anything-{size}'
    return Choice(
        name=f'Video Depth Anything {size[0]}',
        id=model,
        gflop=gflop,
        weights_mb=weights_mb,
        options={'prior': 'video_depth_anything', 'prior_weights': 'vda'},
        why='each image sees those before it; less accurate image by image than MoGe-2, and blind '
        'to the focal length',
        get=(f'depth-refiner models import {model} vda',),
        example='video.mp4',
    )


def _unik3d(size: str, gflop: float, weights_mb: float) -> Choice:
    return Choice(
        name=f'UniK3D {size.upper()}',
        id=f'lpiccinelli/unik3d-vit{size}',
        gflop=gflop,
        weights_mb=weights_mb,
        options={'prior': 'unik3d', 'prior_weights': f'vit{size}'},
        why='metres along the rays of the camera, or along rays that it finds itself; AbsRel '
        '22.4 % on 50 indoor images of DIODE, where MoGe-2 has 21.4 %',
        finds_camera=True,
    )


PRIORS = (
    Choice(
        name='Metric3D v2 L',
        id='yvanyin/metric3d:metric3d_vit_large',
        gflop=3120.0,  # of its encoder alone, 3349 tokens
        weights_mb=1648.0,
        options={'prior': 'metric3d_v2', 'prior_weights': 'metric3d'},
        why="the most accurate metres; needs the focal length and its authors' code, which stays "
        'in torch and fp32 (its encoder alone is counted)',
        get=(
            'get metric_depth_vit_large_800k.pth of JUGGHM/Metric3D',
            'depth-refiner models import metric_depth_vit_large_800k.pth metric3d',
            'depth-refiner doctor  # says how to install the code',
        ),
        precision='fp32',
    ),
    _moge2('l', 4212.0, 652.0),
    _moge2('l', 957.0, 652.0, short_side=392),
    _moge2('s', 241.0, 64.0, short_side=392),
    Choice(
        name='Depth Anything V2 metric S',
        id='depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf',
        gflop=167.0,
        weights_mb=51.0,
        options={'prior': 'depth_anything_v2_metric', 'prior_weights': 'indoor-small'},
        why='the smallest published metric prior; indoor, to 20 m',
    ),
    Choice(
        name='bundled prior',
        id='',
        gflop=3.8,  # of the image and, larger, its mirror image
        weights_mb=7.4,
        options={'prior': 'bundled'},
        why='comes with the package; edges more than metres, see "What it is not" in README',
    ),
    Choice(
        name='quick bundled prior',
        id='',
        gflop=2.2,
        weights_mb=7.4,
        options={'prior': 'bundled', 'prior_weights': QUICK},
        why='the same network, which sees the image once',
    ),
)
"""The best first."""

SPECIAL: Mapping[str, Sequence[Choice]] = {
    'If some depth is measured': (
        _prior_depth_anything('b', 1062.0, 390.0),
        _prior_depth_anything('s', 334.0, 99.0),
    ),
    'If some depth is measured, and fine detail counts': (_infinidepth_sensor(),),
    'If depth of a video must not flicker': (
        _video_depth_anything('Base', 734.0, 228.0),
        _video_depth_anything('Small', 218.0, 58.0),
    ),
    'If the camera is unknown, or sees wider than others were trained for': (
        _unik3d('l', 1618.0, 717.0),
        _unik3d('b', 595.0, 234.0),
        _unik3d('s', 222.0, 71.0),
    ),
}
"""Purpose to the priors for it, the best first."""

REFINERS = (
    Choice(
        name='SharpDepth',
        id='Qualcomm-AI-research/SharpDepth',
        gflop=10_464.0,  # two encodings, two UNets, two decoders
        weights_mb=3417.0,
        options={
            'refiner': 'sharpdepth',
            'refiner_weights': 'SHARPDEPTH_FOLDER',
            'max_edge_px': '640',
        },
        why="the published refiner of Stable Diffusion's size, with its own VAE as codec",
        get=('unpack the three parts of the GitHub release v1.0 into SHARPDEPTH_FOLDER',),
    ),
    Choice(
        name='bundled ApDepth',
        id='',
        gflop=10.2,
        weights_mb=1.0,
        options={'refiner': 'apdepth'},
        why='small, one pass, on pixels: no codec',
    ),
    Choice(
        name='quick ApDepth',
        id='',
        gflop=5.2,
        weights_mb=0.6,
        options={'refiner': 'apdepth', 'refiner_weights': QUICK},
        why='half of the operations of the bundled one, from the same teacher',
    ),
)
"""The best first."""

BUNDLED_PAIR, QUICK_PAIR = zip(PRIORS[-2:], REFINERS[-2:], strict=True)
"""Prior and refiner that come with the package: the accurate ones, and the cheapest."""


def best(speeds: Speeds, rate_hz: float, *, commercial: bool) -> Pair:
    """
    Return the best pair that keeps a rate: first the best prior, then the best refiner with it.

    :return: the cheapest pair where none keeps the rate
    """
    pairs = [
        Pair(prior=prior, refiner=refiner, speeds=speeds)
        for prior in PRIORS
        for refiner in REFINERS
        if not commercial or not (prior.non_commercial or refiner.non_commercial)
    ]
    return _keeping(pairs, rate_hz)


def special(speeds: Speeds, rate_hz: float, *, commercial: bool) -> dict[str, Pair]:
    """
    Return for each purpose of :data:`SPECIAL` the best prior that keeps a rate.

    :return: pairs with a bundled refiner; of the cheapest prior where none keeps the rate, and
        none where no licence allows it
    """
    found = {}
    for purpose, priors in SPECIAL.items():
        pairs = [
            Pair(prior=prior, refiner=refiner, speeds=speeds)
            for prior in priors
            for refiner in (BUNDLED_PAIR[1], QUICK_PAIR[1])
            if not commercial or not prior.non_commercial
        ]
        if pairs:
            found[purpose] = _keeping(pairs, rate_hz)
    return found


def _keeping(pairs: Sequence[Pair], rate_hz: float) -> Pair:
    return next((pair for pair in pairs if pair.rate_hz >= rate_hz), pairs[-1])
