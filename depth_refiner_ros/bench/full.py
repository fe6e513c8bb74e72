"""
The refiners at Stable Diffusion's true size, timed stage by stage and whole.

The stages are the networks of one frame: the prior, both encodings, UNet and decoder, and what
stands around them, alignment and cloud. ``frame`` is all of it, from a uint8 image on the device
to metric depth and packed cloud on the device; ``refiner`` is the frame without the prior.
"""

from collections.abc import Callable
from dataclasses import dataclass
import gc
import statistics
from typing import Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.bench.bounds import Stage
from depth_refiner_ros.bench.marigold import frame_call, pipeline
from depth_refiner_ros.bench.networks import (
    build_on,
    FrameSize,
    place,
    refiner_calls,
    refiner_stages,
)
from depth_refiner_ros.bench.priors import build_prior_network, prior_stage, RandomPrior
from depth_refiner_ros.bench.timing import clock, MemoryPeak, timed_ms, within_frame
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import torch

CAPTURED_AT = 2
"""The frame at which a CUDA graph is made, which would be no frame to time."""


@dataclass(frozen=True, kw_only=True)
class FullSize:
    """
    What to measure.

    :param method: ``apdepth`` or ``sharpdepth``
    :param codec: ``vae`` or ``tiny``
    :param prior: Depth Anything V2's S, B, L or G
    :param size: of the image
    :param frames: counted calls of each stage
    :param warm_up: calls before them
    :param steps: UNet evaluations that diffusers' pipeline is timed at; none leaves it out
    """

    method: str
    codec: str
    prior: str
    size: FrameSize
    frames: int
    warm_up: int
    steps: tuple[int, ...] = (1,)


def full_stages(wanted: FullSize, precision: str) -> dict[str, Stage]:
    """Count the networks of the frame, in the order in which they run."""
    return {
        'prior': prior_stage(wanted.prior, wanted.size, precision),
        **refiner_stages(wanted.method, wanted.codec, wanted.size, precision),
    }


def measure(wanted: FullSize, execution: Execution, settings: ModelSettings) -> dict[str, Any]:
    """
    Time stages and frame.

    :return: ``stages_ms`` (each a list over frames), ``memory_mib``, ``attention``, ``clock``
    """
    device = execution.device
    with MemoryPeak(device) as memory:
        say(f'building {wanted.method} and its prior {wanted.prior} in {execution.precision}')
        networks = unchecked_networks(execution, settings)
        prior = RandomPrior(networks(place(build_prior_network(wanted.prior), execution), 'prior'))
        network = build_on(execution, wanted.method, wanted.codec)
        network.attach_backend(networks)
        calls = frame_calls(prior, network, execution, settings, wanted.size)
        frame, parts_ms = calls.pop('frame'), []
        stages_ms = {
            name: _timed(name, within_frame(call, execution), wanted, device)
            for name, call in calls.items()
        }
        for _ in range(CAPTURED_AT if execution.whole_frames else 0):
            frame()
        stages_ms['frame'] = _timed(
            'the whole frame', lambda: parts_ms.append(frame()), wanted, device
        )
    parts_ms = parts_ms[wanted.warm_up :]
    cloud_ms, frame_ms = stages_ms.pop('cloud'), stages_ms.pop('frame')
    prior_ms = statistics.median(stages_ms['prior'])
    if all('align' in parts for parts in parts_ms):
        stages_ms['align'] = [parts['align'] for parts in parts_ms]
    stages_ms |= {
        'cloud': cloud_ms,
        'refiner': [whole - prior_ms for whole in frame_ms],
        'frame': frame_ms,
    }
    return {
        'stages_ms': stages_ms,
        'memory_mib': memory.mib,
        'attention': attention(network),
        'clock': clock(device),
    }


def unchecked_networks(execution: Execution, settings: ModelSettings) -> ModelRunners:
    """Return what prepares networks, without comparing what random weights make of an image."""
    return ModelRunners(execution, BackendOptions(engine_cache=settings.engine_cache, log=say))


def _timed(
    name: str, call: Callable[[], Any], wanted: FullSize, device: torch.device
) -> list[float]:
    say(f'timing {name}')
    return timed_ms(call, device, frames=wanted.frames, warm_up=wanted.warm_up)


def frame_calls(
    prior: Prior,
    network: OneStepNetwork,
    execution: Execution,
    settings: ModelSettings,
    size: FrameSize,
) -> dict[str, Callable[[], Any]]:
    """Return one call of each network, of alignment and cloud, and of the whole frame."""
    device = execution.device
    generator = torch.Generator().manual_seed(0)
    rgb_u8 = torch.randint(
        0, 256, (1, 3, size.height, size.width), dtype=torch.uint8, generator=generator
    ).to(device)
    camera = Intrinsics.from_fov(size.width, size.height, 60.0)
    refiner = DepthRefiner(prior, SharpEstimator(network), execution, settings, log=say)
    cloud = CloudBuilder(camera, device=device)
    rgb_HW3 = rgb_u8[0].permute(1, 2, 0).contiguous()
    rgb = rgb_u8.float() / 255.0
    depth_m_HW = torch.full((size.height, size.width), 2.0, device=device)
    with execution.running():
        calls = refiner_calls(network, rgb)

    def running(call: Callable[[], Any]) -> Callable[[], Any]:
        def inside() -> None:
            with execution.running():
                call()

        return inside

    def frame() -> dict[str, float]:
        return refiner.refine(rgb_u8, camera, cloud=cloud).timings_ms

    return {
        'prior': running(lambda: prior.predict(rgb, camera)),
        **{name: running(call) for name, call in calls.items()},
        'cloud': lambda: cloud.build(depth_m_HW, rgb_HW3),
        'frame': frame,
    }


def measure_diffusers(wanted: FullSize, execution: Execution) -> list[dict[str, Any]]:
    """Time diffusers' one-step pipeline at the same size and precision, and at more steps."""
    device, rows = execution.device, []
    rgb_u8 = torch.zeros(
        1, 3, wanted.size.height, wanted.size.width, dtype=torch.uint8, device=device
    )
    variants = [('vae', False), ('tiny', False)]
    if device.type == 'cuda':
        variants.append(('vae', True))
    for codec, compiled in variants:
        if not wanted.steps:
            break
        name = f'diffusers, {codec}' + (', compiled UNet' if compiled else '')
        with MemoryPeak(device) as memory:
            made = pipeline(codec, device, execution.precision, compiled=compiled)
            timed = {
                steps: _timed(
                    f'{name}, {steps} steps', frame_call(made, rgb_u8, steps), wanted, device
                )
                for steps in wanted.steps
            }
        rows += [
            {
                'name': name,
                'codec': codec,
                'compiled': compiled,
                'steps': steps,
                'frame_ms': frames_ms,
                'memory_mib': memory.mib if device.type == 'cuda' else None,
            }
            for steps, frames_ms in timed.items()
        ]
        del made
        gc.collect()
    return rows


def attention(network: OneStepNetwork) -> str:
    """Name the attention that the UNet runs."""
    kinds = {type(kind).__name__ for kind in network.unet.attn_processors.values()}
    return ', '.join(sorted(kinds)) or 'none'
