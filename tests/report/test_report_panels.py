# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sheets of pictures."""

from dataclasses import replace

import cv2
from depth_refiner_ros.core.errors import InputError, OutputError
from depth_refiner_ros.report.colormap import Palette, UNKNOWN_RGB
from depth_refiner_ros.report.panels import (
    GAP_PX,
    HEADER_PX,
    LEGEND_PX,
    png_bytes,
    sheet,
    tiles,
    View,
    write_png,
)
import numpy as np
import pytest

HEIGHT, WIDTH = 30, 40


@pytest.fixture
def view():
    depth = np.linspace(1.0, 3.0, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    return View(
        rgb_HW3=np.full((HEIGHT, WIDTH, 3), (200, 10, 60), np.uint8),
        prior_m_HW=depth,
        refined_m_HW=depth * 1.1,
        truth_m_HW=depth,
    )


def test_size_follows_from_rows_columns_and_margins(view):
    row_height = HEADER_PX + 60 + LEGEND_PX
    six_wide = 6 * 80 + 7 * GAP_PX
    assert sheet([view, view], tile_width=80).shape == (2 * row_height, six_wide, 3)
    blind = replace(view, truth_m_HW=None)
    assert sheet([blind], tile_width=80).shape == (row_height, 4 * 80 + 5 * GAP_PX, 3)


def test_rows_with_and_without_truth_share_a_sheet(view):
    drawn = sheet([replace(view, truth_m_HW=None), view], tile_width=80)
    row_height = HEADER_PX + 60 + LEGEND_PX
    assert drawn.shape == (2 * row_height, 6 * 80 + 7 * GAP_PX, 3)
    assert (drawn[:row_height, 4 * 80 + 5 * GAP_PX :] == 255).all()


def test_columns_come_in_order_and_errors_need_truth(view):
    assert [tile.label for tile in tiles(view, WIDTH)] == [
        'image',
        'prior',
        'refined',
        'difference, % of the prior',
        'error of the prior',
        'error of the refined',
    ]
    assert len(tiles(replace(view, truth_m_HW=None), WIDTH)) == 4


def test_depth_maps_of_one_row_share_one_scale(view):
    _, prior, refined, *_ = tiles(view, WIDTH)
    assert (prior.low, prior.high) == (refined.low, refined.high)
    shifted = replace(view, refined_m_HW=view.prior_m_HW)
    _, prior, refined, *_ = tiles(shifted, WIDTH)
    np.testing.assert_array_equal(prior.rgb_HW3, refined.rgb_HW3)


def test_image_is_shown_as_it_is(view):
    drawn = sheet([view], tile_width=WIDTH)
    picture = drawn[HEADER_PX : HEADER_PX + HEIGHT, GAP_PX : GAP_PX + WIDTH]
    np.testing.assert_array_equal(picture, view.rgb_HW3)


def test_frame_without_any_depth_is_grey(view):
    nothing = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    blank = replace(view, prior_m_HW=nothing, refined_m_HW=nothing, truth_m_HW=None)
    _, prior, *_ = tiles(blank, WIDTH)
    assert (prior.rgb_HW3 == UNKNOWN_RGB).all()


def test_difference_is_a_share_of_the_prior_and_unknown_where_either_depth_is(view):
    prior, refined = view.prior_m_HW.copy(), view.prior_m_HW.copy()
    prior[0], refined[1], refined[2], refined[3] = np.nan, np.nan, np.inf, 1.5 * prior[3]
    changed = replace(view, prior_m_HW=prior, refined_m_HW=refined)
    difference = tiles(changed, WIDTH)[3]
    assert (difference.low, difference.high) == ('0 %', '20 % or more')
    unknown_HW = (difference.rgb_HW3 == UNKNOWN_RGB).all(axis=-1)
    assert unknown_HW[:3].all()
    assert not unknown_HW[3:].any()
    least, *_, most = Palette.DIFFERENCE.table_256_3()
    assert (difference.rgb_HW3[3] == most).all()
    assert (difference.rgb_HW3[4:] == least).all()


def test_a_map_of_the_method_itself_takes_the_place_of_the_difference(view):
    own = np.full((HEIGHT, WIDTH), 1.0, np.float32)
    difference = tiles(replace(view, own_difference_HW=own), WIDTH)[3]
    assert (difference.label, difference.low, difference.high) == ('difference map', '0', '1')
    assert (difference.rgb_HW3 == Palette.DIFFERENCE.table_256_3()[-1]).all()


def test_maps_of_another_size_are_refused(view):
    with pytest.raises(InputError, match='refined_m_HW of shape'):
        sheet([replace(view, refined_m_HW=np.ones((2, 2), np.float32))])


def test_empty_sheet_is_refused():
    with pytest.raises(InputError, match='at least one frame'):
        sheet([])


def test_png_keeps_colors(view, tmp_path):
    write_png(tmp_path / 'a.png', view.rgb_HW3)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'a.png'))[..., ::-1], view.rgb_HW3)
    decoded = cv2.imdecode(np.frombuffer(png_bytes(view.rgb_HW3), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], view.rgb_HW3)


def test_a_file_in_place_of_the_pictures_folder_is_named(view, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OutputError, match=r'cannot make the folder .*file'):
        write_png(tmp_path / 'file' / 'a.png', view.rgb_HW3)


def test_grey_is_explained_below_the_pictures_that_hold_it(view):
    holes = view.prior_m_HW.copy()
    holes[:5] = np.nan
    tile_width, row_height = 200, HEADER_PX + 150 + LEGEND_PX
    drawn = sheet([replace(view, prior_m_HW=holes)], tile_width=tile_width)
    grey_HW = (drawn[row_height - LEGEND_PX :] == UNKNOWN_RGB).all(axis=-1)
    explained = [
        bool(grey_HW[:, GAP_PX + column * (tile_width + GAP_PX) :][:, :tile_width].sum() > 100)
        for column in range(6)
    ]
    assert explained == [False, True, False, True, True, False]
