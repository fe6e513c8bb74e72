# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options as flags in the messages of a command."""

from depth_refiner_ros.apps import wording
import pytest


@pytest.fixture(autouse=True)
def options(monkeypatch):
    monkeypatch.setattr(wording, '_FLAGS', {})
    wording.speak_in_flags(['prior', 'assume_fov_deg', 'allow_smaller', 'points.stride', 'device'])
    wording.speak_in_flags(['block_px'], 'smear.')


@pytest.mark.parametrize(
    ('line', 'told'),
    [
        ('set assume_fov_deg', 'set --assume-fov-deg'),
        ("assume_fov_deg: 'x' is none", "--assume-fov-deg: 'x' is none"),
        ('larger points.stride.', 'larger --points-stride.'),
        ('use prior:=bundled for others', 'use --prior bundled for others'),
        ("prior = 'x' is unknown", "--prior 'x' is unknown"),
        ('or allow_smaller:=true, or', 'or --allow-smaller, or'),
        ('set allow_smaller:=false', 'set --no-allow-smaller'),
        ('a larger block_px', 'a larger --smear-block-px'),
        ('smear.block_px = 3 is outside', '--smear-block-px 3 is outside'),
    ],
)
def test_parameters_become_flags(line, told):
    assert wording.in_flags(line) == told


@pytest.mark.parametrize(
    'line',
    [
        'the prior is far, and so is the device',
        'use --prior bundled',
        'frames/assume_fov_deg.png is cut short',
        "'assume_fov_deg' is a file",
        'set scale_prior:=bundled',
        'points.stride_px',
    ],
)
def test_other_words_stay(line):
    assert wording.in_flags(line) == line
