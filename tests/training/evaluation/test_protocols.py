# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Crops and masks of the benchmarks, counted by hand."""

from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
from training.data.sample import Sample
from training.evaluation.masks import eigen_mask, flat_mask, nyu_mask
from training.evaluation.protocols import group_of, protocol_of, protocol_table, PROTOCOLS


def kitti_sample(height=375, width=1242):
    rows, columns = np.mgrid[:height, :width]
    return Sample(
        rgb_HW3=np.stack([rows % 256, columns % 256, rows * 0], axis=-1).astype(np.uint8),
        depth_m_HW=(rows + columns / 10_000).astype(np.float64),
        intrinsics=Intrinsics(fx=721.5, fy=721.5, cx=609.5, cy=172.8, width=width, height=height),
        name='drive',
    )


def test_kitti_is_cropped_at_the_bottom_centre_with_its_camera():
    whole = kitti_sample()
    crop = PROTOCOLS['kitti'].crop
    cropped = crop(whole)
    assert cropped.rgb_HW3.shape == (352, 1216, 3)
    assert cropped.depth_m_HW.shape == (352, 1216)
    assert cropped.depth_m_HW[0, 0] == pytest.approx(23 + 13 / 10_000)
    assert tuple(cropped.rgb_HW3[0, 0]) == (23, 13, 0)
    assert (cropped.intrinsics.cx, cropped.intrinsics.cy) == pytest.approx((596.5, 149.8))
    again = crop(cropped)
    assert np.array_equal(again.depth_m_HW, cropped.depth_m_HW)


def test_a_smaller_image_is_not_of_kitti():
    with pytest.raises(FrameError, match='1000x375'):
        PROTOCOLS['kitti'].crop(kitti_sample(width=1000))


def test_eigen_mask_of_the_benchmark_crop():
    mask = eigen_mask(np.zeros((352, 1216)))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    # 0.3324324 * 352 = 117.02, 0.91351351 * 352 = 321.56; columns alike.
    assert (rows[0], rows[-1]) == (117, 320)
    assert (columns[0], columns[-1]) == (43, 1171)
    assert mask.sum() == 204 * 1129


def test_nyu_mask_has_426_rows_and_560_columns():
    mask = nyu_mask(np.zeros((480, 640)))
    assert mask.sum() == 426 * 560 == 238_560
    assert mask[45, 41]
    assert mask[470, 600]
    assert not mask[44, 41]
    assert not mask[471, 600]
    assert not mask[45, 601]
    with pytest.raises(FrameError, match='320x240'):
        nyu_mask(np.zeros((240, 320)))


@pytest.mark.parametrize(('slope_m', 'kept'), [(0.03, True), (0.05, False)])
@pytest.mark.parametrize('axis', [0, 1])
def test_a_slope_of_0_0375_m_per_pixel_is_the_steepest_on_diode(slope_m, kept, axis):
    ramp = 5.0 + slope_m * np.mgrid[:20, :30][axis]
    assert (flat_mask(ramp)[1:-1, 1:-1] == kept).all()


def test_both_directions_of_a_slope_add_up_on_diode():
    rows, columns = np.mgrid[:20, :30]
    assert not flat_mask(5.0 + 0.02 * rows + 0.02 * columns)[1:-1, 1:-1].any()


def test_the_outline_of_unknown_depth_is_left_out_on_diode():
    depth = np.full((9, 9), 5.0)
    depth[4, 4] = np.nan
    mask = flat_mask(depth)
    assert mask.sum() == 81 - 8  # Sobel answers 0 at the pixel itself
    assert not mask[3:6, 3].any()


def test_protocols_say_what_the_papers_say():
    ranges = {name: item.range_m for name, item in PROTOCOLS.items()}
    assert ranges['kitti'] == (1e-5, 80.0)
    assert ranges['nyu'] == ranges['scannet'] == (1e-3, 10.0)
    assert ranges['diode'] == ranges['diode_marigold'] == (0.6, 350.0)
    images = {name: item.images for name, item in PROTOCOLS.items()}
    assert images['kitti'] == 652
    assert (images['sintel'], images['unrealstereo4k'], images['spring']) == (1064, 200, 1015)
    edges = {name for name, item in PROTOCOLS.items() if item.edges == 'pdbe'}
    assert edges == {'sintel', 'unrealstereo4k', 'spring', 'frames'}
    assert PROTOCOLS['ibims'].edges == 'annotated'


def test_unknown_protocols_are_named():
    with pytest.raises(SettingsError, match='did you mean kitti'):
        protocol_of('kiti')


def test_groups_of_diode():
    assert group_of('val/indoors/scene_00019/00019.png') == 'indoor'
    assert group_of('outdoor/scene_00022/a.png') == 'outdoor'
    assert group_of('indoor_kitchen.png') == ''


def test_the_page_has_the_table():
    page = Path(__file__).resolve().parents[3] / 'docs/evaluation.md'
    assert protocol_table() in page.read_text(encoding='utf-8')
