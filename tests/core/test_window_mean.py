# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.window_mean import window_mean
import torch


def test_it_is_the_mean_of_what_lies_inside_the_image():
    values = torch.rand(2, 1, 9, 12, generator=torch.Generator().manual_seed(0))
    found = window_mean(values, 2)
    for row in range(9):
        for column in range(12):
            rows, columns = slice(max(0, row - 2), row + 3), slice(max(0, column - 2), column + 3)
            expected = values[:, 0, rows, columns].mean(dim=(1, 2))
            torch.testing.assert_close(found[:, 0, row, column], expected)
    assert torch.equal(window_mean(values, 0), values)
