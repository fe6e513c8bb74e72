# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A message is one line, whatever it quotes."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.sources.lost_frames import FrameError


def test_names_with_line_breaks_and_terminal_codes_stay_on_the_line():
    assert str(SettingsError('section \n\t a: \x1b[31mred')) == 'section a: ?[31mred'
    assert str(FrameError('no depth', 'frame a\r\nb')) == 'frame a b'
