# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``docs/python.md``: its code runs as written."""

from pathlib import Path
import re
import subprocess
import sys

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.sources.registry import open_source
import numpy as np
import pytest

PAGE = Path(__file__).resolve().parent.parent / 'docs' / 'python.md'
BLOCKS = re.findall(r'```python\n(.*?)```', PAGE.read_text(encoding='utf-8'), flags=re.DOTALL)
ROOT = PAGE.parent.parent


@pytest.fixture(scope='module')
def names():
    """Return the variables after running the page's blocks one after the other."""
    frame = next(iter(open_source('sim:7:1')))
    values = {'rgb_HW3': frame.rgb_HW3, 'sensor_depth_m_HW': frame.depth_m_HW}
    values['camera'] = frame.intrinsics
    kept = []
    for block in BLOCKS:
        exec(block, values)
        kept.append(dict(values))
    return frame, kept


def test_three_lines_give_metric_depth(names):
    frame, (first, *_) = names
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) == 3
    depth_m_HW = first['depth_m_HW']
    assert depth_m_HW.dtype == np.float32
    assert depth_m_HW.shape == frame.depth_m_HW.shape
    assert 0.3 < np.median(depth_m_HW) / np.nanmedian(frame.depth_m_HW) < 3.0


def test_the_other_blocks_run_too(names):
    frame, (_, _, measured, video, last) = names
    near = np.abs(measured['depth_m_HW'] / frame.depth_m_HW - 1.0)
    assert np.nanmedian(near) < 0.02, 'the sensor is exact'
    np.testing.assert_array_equal(video['depth_m_HW'], measured['depth_m_HW'])
    assert isinstance(last['camera'], Intrinsics)
    assert last['trust_B1HW'].shape == last['sharp_m_B1HW'].shape


def test_importing_the_package_loads_no_torch():
    probe = (
        'import depth_refiner_ros, sys; print("torch" in sys.modules, '
        'depth_refiner_ros.DepthRefiner.__name__, "torch" in sys.modules)'
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', probe], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == ['False', 'DepthRefiner', 'True']


def test_an_unknown_attribute_is_an_attribute_error():
    import depth_refiner_ros

    with pytest.raises(AttributeError, match='DepthRefinre'):
        _ = depth_refiner_ros.DepthRefinre
