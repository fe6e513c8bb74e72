# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Time the refiners at Stable Diffusion's true size, network by network and as a whole.

``frame`` is everything from a uint8 image on the device to metric depth and packed cloud on the
device; ``refiner`` is the frame without the prior.
"""

from collections.abc import Callable
import gc
import statistics
from typing import Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.bench.clocks import clock
from depth_refiner_ros.bench.marigold import frame_call, pipeline
from depth_refiner_ros.bench.networks import FrameSize, network_calls, NetworkCalls, time_calls
from depth_refiner_ros.bench.timing import MemoryPeak, timed_ms
from depth_refiner_ros.bench.true_size import FullSize, true_size_refiner
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import torch

CAPTURED_AT = 2
"""Untimed frames: a CUDA graph is captured at the second frame of a kind."""


def measure(wanted: FullSize, execution: Execution, settings: ModelSettings) -> dict[str, Any]:
    """
    Time networks and frame.

    :return: ``stages_ms`` (each a list over frames), ``memory_mib``, ``attention``, ``clock``
    """
    device = execution.device
    with MemoryPeak(device) as memory:
        say(f'building {wanted.method} and its prior {wanted.prior} in {execution.precision}')
        refiner = true_size_refiner(wanted, execution, settings)
        calls, stages_ms = measure_stages(refiner, execution, wanted)
    return {
        'stages_ms': stages_ms,
        'memory_mib': memory.mib,
        'attention': attention(calls['unet']),
        'clock': clock(device),
    }


def measure_stages(
    refiner: DepthRefiner, execution: Execution, wanted: FullSize
) -> tuple[dict[str, NetworkCalls], dict[str, list[float]]]:
    """
    Time each network separately, then whole frames.

    :return: the calls of the networks; milliseconds of each network and, if a frame runs stage
        by stage, of alignment and cloud, then of ``refiner`` and ``frame``
    """
    assert refiner.runners is not None
    size = wanted.size
    calls = network_calls(refiner.runners, lambda: refiner.warm_up(size.width, size.height))
    stages_ms = time_calls(calls, execution, frames=wanted.frames, warm_up=wanted.warm_up, log=say)
    frame, parts_ms = whole_frame(refiner, execution.device, size), []
    for _ in range(CAPTURED_AT if execution.whole_frames else 0):
        frame()
    frame_ms = _timed(
        'the whole frame', lambda: parts_ms.append(frame()), wanted, execution.device
    )
    prior_ms = statistics.median(stages_ms['prior'])
    for name in ('align', 'cloud'):
        if all(name in parts for parts in parts_ms):
            stages_ms[name] = [parts[name] for parts in parts_ms[wanted.warm_up :]]
    stages_ms |= {'refiner': [whole - prior_ms for whole in frame_ms], 'frame': frame_ms}
    return calls, stages_ms


def whole_frame(
    refiner: DepthRefiner, device: torch.device, size: FrameSize
) -> Callable[[], dict[str, float]]:
    """Return a call that refines one image of noise, packs its cloud and returns its timings."""
    rgb_u8_B3HW = torch.randint(
        0,
        256,
        (1, 3, size.height, size.width),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0),
    ).to(device)
    camera = Intrinsics.from_fov(size.width, size.height, 60.0)
    cloud = CloudBuilder(camera, device=device)
    return lambda: dict(refiner.refine(rgb_u8_B3HW, camera, cloud=cloud).timings_ms)


def measure_diffusers(wanted: FullSize, execution: Execution) -> list[dict[str, Any]]:
    """Time diffusers' one-step pipeline at the same size and precision, and at more steps."""
    device, rows = execution.device, []
    rgb_u8 = torch.zeros(
        1, 3, wanted.size.height, wanted.size.width, dtype=torch.uint8, device=device
    )
    variants = [('vae', False), ('tiny', False)]
    if device.type == 'cuda':
        variants.append(('vae', True))
    for codec, compiled in variants if wanted.steps else ():
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


def attention(unet: NetworkCalls) -> str:
    """Return the class of attention that the UNet runs."""
    folded = unet.network.module
    assert isinstance(folded, FoldedUnet)
    processors = folded.unet.attn_processors.values()
    return ', '.join(sorted({type(one).__name__ for one in processors})) or 'none'


def _timed(
    name: str, call: Callable[[], Any], wanted: FullSize, device: torch.device
) -> list[float]:
    say(f'timing {name}')
    return timed_ms(call, device, frames=wanted.frames, warm_up=wanted.warm_up)
