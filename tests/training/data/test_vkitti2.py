# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import SourceError
import numpy as np
import pytest
from training.data.readers.vkitti2 import whole


def test_depth_is_centimetres_and_ends_at_80_m(open_tree):
    sample = open_tree('vkitti2', 'vkitti2_whole')[0]
    assert sample.rgb_HW3.shape == (375, 1242, 3)
    depth = sample.depth_m_HW
    assert depth[23, 13] == pytest.approx(12.34)
    assert depth[200, 300] == pytest.approx(79.99)
    assert np.isfinite(depth).sum() == 2, 'sky (655.35 m) and 80 m itself are unknown'
    camera = sample.intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (725.0087, 725.0087, 620.5, 187.0)


def test_the_crop_takes_its_camera_along(open_tree):
    sample = open_tree('vkitti2')[0]
    assert sample.rgb_HW3.shape == (352, 1216, 3)
    assert sample.depth_m_HW.shape == (352, 1216)
    # 1242 - 1216 = 26 columns, 13 on the left; 375 - 352 = 23 rows, all at the top.
    assert sample.depth_m_HW[0, 0] == pytest.approx(12.34)
    camera = sample.intrinsics
    assert (camera.cx, camera.cy) == (607.5, 164.0)
    assert (camera.width, camera.height) == (1216, 352)


def test_scenes_and_variants_of_the_recipe(open_tree, names_of):
    train, val = open_tree('vkitti2'), open_tree('vkitti2', split='val')
    assert (len(train), len(val)) == (4 * 6 * 2, 6 * 2)
    names = names_of(train)
    assert {name.split('/')[1] for name in names} == {'Scene02', 'Scene06', 'Scene18', 'Scene20'}
    variants = {name.split('/')[2] for name in names}
    assert variants == {'15-deg-left', '15-deg-right', 'clone', 'morning', 'overcast', 'sunset'}


@pytest.mark.parametrize('parts', [('rgb', 'depth'), ('', '')])
def test_other_places_of_color_and_depth(open_tree, tmp_path, parts):
    open_tree('vkitti2')
    folder, other = tmp_path / 'set', tmp_path / 'other'
    for part, name in zip(('vkitti_2.0.3_rgb', 'vkitti_2.0.3_depth'), parts):
        for frames in (folder / part).glob('*/*/frames/*'):
            place = other / name / frames.relative_to(folder / part)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(frames)
    assert whole(other, '')[0].depth_m_HW[23, 13] == pytest.approx(12.34)


def test_a_scene_that_is_missing_is_named(open_tree, tmp_path):
    open_tree('vkitti2')
    (tmp_path / 'set/vkitti_2.0.3_rgb/Scene06').rename(tmp_path / 'aside')
    with pytest.raises(SourceError, match=r'looked for .*Scene06/15-deg-left/frames/rgb/Camera_0'):
        whole(tmp_path / 'set', 'train')
