# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Speed limits of devices: dense peak rates and memory bandwidth, from data sheets or measured.

Rates of tensor cores are *dense*: data sheets often print twice as much, for sparse matrices.
``fp32`` is TF32 where a device has it, as torch's convolutions use it by default.
"""

from collections.abc import Callable
from dataclasses import dataclass
import re
import time

from depth_refiner_ros.bench.clocks import host_clock
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import nearest, shown
import torch

DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}
TERA, GIGA = 1e12, 1e9
NEVER = '(?!)'
PROBE_SIDE = {'cpu': 768, 'cuda': 8192}


@dataclass(frozen=True, kw_only=True)
class Device:
    """
    The limits of a device that bound the time of a network.

    :param name: name in tables
    :param flops_per_s: precision to dense floating-point operations per second
    :param bytes_per_s: bandwidth of its main memory
    :param origin: ``data sheet``, ``derived`` from one, or ``measured`` on the spot
    :param found_as: pattern of the lower-case name that its driver or board gives
    """

    name: str
    flops_per_s: dict[str, float]
    bytes_per_s: float
    origin: str = 'data sheet'
    found_as: str = NEVER

    def peak(self, precision: str) -> float:
        """
        Return operations per second in a number format.

        :raises InputError: if the device has no such arithmetic
        """
        if precision not in self.flops_per_s:
            raise InputError(
                f'{self.name} has no {precision} arithmetic; use --precision '
                f'{" or ".join(self.flops_per_s)}'
            )
        return self.flops_per_s[precision]


def _tensor_cores(half_tera: float, tf32_tera: float) -> dict[str, float]:
    return {'fp16': half_tera * TERA, 'bf16': half_tera * TERA, 'fp32': tf32_tera * TERA}


DEVICES = {
    # NVIDIA H100 Tensor Core GPU data sheet, SXM5: 1979 TFLOP/s sparse, 3.35 TB/s.
    'h100': Device(
        name='H100 SXM',
        flops_per_s=_tensor_cores(989.4, 494.7),
        bytes_per_s=3350 * GIGA,
        found_as='h100 80gb hbm3$',
    ),
    # What large bf16 products and copies reach under its power limit; the targets of this
    # package (17 and 27 ms, twice the bound) are set against these.
    'h100-sustained': Device(
        name='H100 SXM, sustained',
        flops_per_s=_tensor_cores(790.0, 395.0),
        bytes_per_s=3000 * GIGA,
        origin='derived',
    ),
    # NVIDIA H200 data sheet, SXM: the arithmetic of H100 with HBM3e.
    'h200': Device(
        name='H200 SXM',
        flops_per_s=_tensor_cores(989.4, 494.7),
        bytes_per_s=4800 * GIGA,
        found_as='h200$',
    ),
    # NVIDIA A100 data sheet, SXM 80 GB.
    'a100': Device(
        name='A100 SXM 80 GB',
        flops_per_s=_tensor_cores(312.0, 156.0),
        bytes_per_s=2039 * GIGA,
        found_as='a100-sxm4-80gb$',
    ),
    # NVIDIA L4 data sheet: 242 TFLOP/s sparse, 72 W.
    'l4': Device(
        name='L4',
        flops_per_s=_tensor_cores(121.0, 60.0),
        bytes_per_s=300 * GIGA,
        found_as='nvidia l4$',
    ),
    # NVIDIA Ada GPU architecture paper, appendix: fp16 with fp32 accumulation, dense.
    'rtx4090': Device(
        name='GeForce RTX 4090',
        flops_per_s=_tensor_cores(165.2, 82.6),
        bytes_per_s=1008 * GIGA,
        found_as='rtx 4090$',
    ),
    # NVIDIA Ampere GA102 architecture paper: fp16 with fp32 accumulation, dense.
    'rtx3090': Device(
        name='GeForce RTX 3090',
        flops_per_s=_tensor_cores(71.0, 35.6),
        bytes_per_s=936 * GIGA,
        found_as='rtx 3090$',
    ),
    # Jetson AGX Orin technical brief: 170 sparse INT8 TOP/s on the GPU, a quarter of it is dense
    # fp16 (the 85 often read is the sparse rate); 64 tensor cores at 1.3 GHz.
    'agx-orin': Device(
        name='Jetson AGX Orin 64 GB',
        flops_per_s=_tensor_cores(42.5, 21.3),
        bytes_per_s=204.8 * GIGA,
        origin='derived',
        found_as='jetson agx orin',
    ),
    # Jetson Orin NX data sheet: 32 of the same tensor cores at 918 MHz, 102.4 GB/s.
    'orin-nx': Device(
        name='Jetson Orin NX 16 GB',
        flops_per_s=_tensor_cores(15.0, 7.5),
        bytes_per_s=102.4 * GIGA,
        origin='derived',
        found_as='jetson orin nx',
    ),
    # Jetson Orin Nano data sheet, super mode: 32 of them at 1020 MHz, 102 GB/s.
    'orin-nano': Device(
        name='Jetson Orin Nano Super 8 GB',
        flops_per_s=_tensor_cores(16.7, 8.4),
        bytes_per_s=102.0 * GIGA,
        origin='derived',
        found_as='jetson orin nano.* super',
    ),
    # Jetson AGX Xavier data sheet: 11 TFLOP/s fp16 on Volta's tensor cores, which know neither
    # bf16 nor TF32; 1.4 TFLOP/s fp32.
    'agx-xavier': Device(
        name='Jetson AGX Xavier 32 GB',
        flops_per_s={'fp16': 11.0 * TERA, 'fp32': 1.4 * TERA},
        bytes_per_s=136.5 * GIGA,
        found_as='jetson.* agx xavier',
    ),
    # Jetson Xavier NX data sheet: 48 tensor cores at 1.1 GHz, 384 CUDA cores.
    'xavier-nx': Device(
        name='Jetson Xavier NX 16 GB',
        flops_per_s={'fp16': 6.8 * TERA, 'fp32': 0.84 * TERA},
        bytes_per_s=59.7 * GIGA,
        origin='derived',
        found_as='jetson xavier nx',
    ),
}


def named_device(name: str) -> Device:
    """
    Return the device of a name.

    :raises InputError: for a name that is not in :data:`DEVICES`
    """
    if name not in DEVICES:
        raise InputError(
            f'device {shown(name)} is unknown; use one of {", ".join(DEVICES)}'
            f'{nearest(name, DEVICES)}'
        )
    return DEVICES[name]


def known_as(driver_name: str) -> Device | None:
    """
    Return the device that a driver or board names; None if it is not in the table.

    Laptop, PCIe and cut-down variants are different devices from those whose name they share.
    """
    lower = driver_name.lower().strip()
    return next((device for device in DEVICES.values() if re.search(device.found_as, lower)), None)


def probe(
    device: torch.device,
    precision: str,
    *,
    side: int = 0,
    copy_bytes: int = 2**27,
    seconds: float = 0.5,
) -> Device:
    """
    Measure a device on the spot: the best of repeated square products and of repeated copies.

    Reading and writing both count as traffic. The best of many short runs is what the device
    reaches while no other process uses it.

    :param side: of the matrices; 0 chooses a size for the device
    :param copy_bytes: size of the copied block; it must not fit into the caches
    :param seconds: duration of each of the two
    """
    side = side or PROBE_SIDE[device.type]
    left = torch.rand(side, side, device=device).to(DTYPES[precision])
    product_s = _best_s(lambda: left @ left, device, seconds)
    block = torch.zeros(copy_bytes, dtype=torch.uint8, device=device)
    copied = torch.empty_like(block)
    copy_s = _best_s(lambda: copied.copy_(block), device, seconds)
    return Device(
        name=f'this {device.type.upper()}',
        origin='measured',
        flops_per_s={precision: 2.0 * side**3 / product_s},
        bytes_per_s=2.0 * copy_bytes / copy_s,
    )


def _best_s(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the best time of a call; with a single thread, the CPU time of the process."""
    read_s = host_clock(device)
    best = float('inf')
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or best == float('inf'):
        begun_s = read_s()
        call()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        best = min(best, max(read_s() - begun_s, 1e-9))
    return best
