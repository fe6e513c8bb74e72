# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bounds, ratios and the device table."""

from depth_refiner_ros.bench.bounds import bound_ms, bounds, ratio, Stage
from depth_refiner_ros.bench.count import Operations
from depth_refiner_ros.bench.devices import Device, DEVICES, known_as, named_device, probe
from depth_refiner_ros.bench.networks import FrameSize
from depth_refiner_ros.bench.result import speedups, stage_rows
from depth_refiner_ros.bench.true_size import refiner_stages
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.models.recommended import REFINERS
import pytest
import torch

from tests.groups import COUNTED

SLOW = Device(name='slow', flops_per_s={'fp16': 1e9}, bytes_per_s=1e6)
HEAVY = Stage(operations=Operations(flops=2e9, weight_bytes=1e5, operand_bytes=1e6))
BROAD = Stage(operations=Operations(flops=1e6, weight_bytes=1e6, operand_bytes=4e6), calls=2)


def test_bound_is_arithmetic_or_traffic_whichever_is_longer():
    assert bound_ms(HEAVY.operations, SLOW, 'fp16') == pytest.approx(2000.0)
    assert bound_ms(BROAD.operations, SLOW, 'fp16') == pytest.approx(4000.0)


def test_bounds_of_a_frame_add_up_and_the_refiner_is_without_its_priors():
    stages = {'prior': HEAVY, 'scale_prior': HEAVY, 'unet': BROAD}
    assert bounds(stages, SLOW, 'fp16') == pytest.approx(
        {
            'prior': 2000.0,
            'scale_prior': 2000.0,
            'unet': 4000.0,
            'refiner': 4000.0,
            'total': 8000.0,
        }
    )


def test_ratio_needs_both():
    assert ratio(6.0, 4.0) == 1.5
    assert ratio(None, 4.0) is ratio(6.0, None) is ratio(6.0, 0.0) is None


@pytest.mark.xdist_group(COUNTED)
def test_targets_are_twice_the_bound_of_a_sustained_h100():
    device, size = DEVICES['h100-sustained'], FrameSize(width=640, height=480)
    for method, edge_px, target_ms in (('apdepth', 0, 17.0), ('sharpdepth', 640, 27.0)):
        stages = refiner_stages(method, 'vae', size, 'fp16', edge_px)
        assert 2.0 * bounds(stages, device, 'fp16')['refiner'] == pytest.approx(
            target_ms, rel=0.03
        )
    gflop = sum(stage.operations.flops for stage in stages.values()) / 1e9
    assert REFINERS[0].gflop == pytest.approx(gflop, rel=0.01), 'what models recommend counts with'


def test_device_is_found_by_its_name(subtests):
    cases = [
        ('NVIDIA H100 80GB HBM3', 'h100'),
        ('NVIDIA H200', 'h200'),
        ('NVIDIA L4', 'l4'),
        ('NVIDIA A100-SXM4-80GB', 'a100'),
        ('NVIDIA GeForce RTX 4090', 'rtx4090'),
        ('NVIDIA Jetson AGX Orin Developer Kit', 'agx-orin'),
        ('NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super', 'orin-nano'),
        ('NVIDIA Jetson Xavier NX Developer Kit', 'xavier-nx'),
    ]
    for driver, key in cases:
        with subtests.test(driver=driver, key=key):
            assert known_as(driver) is DEVICES[key]


def test_relatives_of_known_devices_are_other_devices(subtests):
    cases = [
        '',
        'NVIDIA GeForce RTX 4090 Laptop GPU',
        'NVIDIA H100 PCIe',
        'NVIDIA L40',
        'Tesla T4',
        'NVIDIA A100-PCIE-40GB',
        'NVIDIA Jetson Orin Nano Developer Kit',
    ]
    for driver in cases:
        with subtests.test(driver=driver):
            assert known_as(driver) is None


def test_table_is_of_dense_rates():
    assert DEVICES['agx-orin'].peak('fp16') == pytest.approx(42.5e12)
    for device in DEVICES.values():
        assert device.peak('fp32') < device.peak('fp16')
        assert 20 < device.peak('fp16') / device.bytes_per_s < 420, 'a unit has slipped'


def test_what_a_device_has_not_is_told():
    with pytest.raises(InputError, match=r'Xavier 32 GB has no bf16 .* --precision fp16 or fp32'):
        DEVICES['agx-xavier'].peak('bf16')
    with pytest.raises(InputError, match="device 'gtx' is unknown; use one of h100, "):
        named_device('gtx')


def test_probe_measures_this_machine():
    found = probe(torch.device('cpu'), 'fp32', side=64, copy_bytes=2**16, seconds=0.0)
    assert found.origin == 'measured'
    assert found.peak('fp32') > 1e6
    assert found.bytes_per_s > 1e6


def test_rows_hold_frame_times_bounds_and_ratios():
    stages = {'prior': HEAVY, 'unet': BROAD}
    measured = {
        'prior': [3000.0, 5000.0],
        'unet': [8000.0],
        'cloud': [1.0],
        'refiner': [20000.0],
        'frame': [25000.0],
    }
    rows = stage_rows(stages, measured, [SLOW], 'fp16')
    assert list(rows) == ['prior', 'unet', 'cloud', 'refiner', 'frame']
    assert rows['prior']['p50'] == 4000.0
    assert rows['prior']['ratio'] == {'slow': pytest.approx(2.0)}
    assert rows['unet']['p50'] == 8000.0
    assert rows['unet']['calls'] == 2
    assert rows['unet']['gflop'] == pytest.approx(0.001)
    assert rows['unet']['operand_mb'] == pytest.approx(4.0)
    assert rows['unet']['weight_mb'] == pytest.approx(1.0)
    assert rows['cloud']['bound_ms'] == rows['cloud']['ratio'] == {}
    assert rows['refiner']['ratio'] == {'slow': pytest.approx(5.0)}
    assert rows['frame']['bound_ms'] == {'slow': pytest.approx(6000.0)}


def test_stage_that_was_not_timed_has_its_bound_alone():
    row = stage_rows({'unet': BROAD}, {}, [SLOW], 'fp16')['unet']
    assert row['p50'] is None
    assert row['ratio'] == {'slow': None}
    assert row['bound_ms'] == {'slow': pytest.approx(4000.0)}


def test_speedup_is_their_time_over_ours():
    (row,) = speedups([{'name': 'theirs', 'steps': 1, 'frame_ms': [40.0, 60.0]}], 10.0, 20.0)
    assert (row['p50'], row['over_refiner'], row['over_frame']) == (50.0, 5.0, 2.5)
    assert 'frame_ms' not in row
