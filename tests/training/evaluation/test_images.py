# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images as the networks and the scores see them."""

from dataclasses import replace

from depth_refiner_ros.sources.lost_frames import FrameError
from depth_refiner_ros.sources.registry import open_source
import numpy as np
import pytest
from training.evaluation.images import FrameSamples, Images

from tests.cli.recordings import frame_list
from tests.training.data.trees import TREES
from tests.training.evaluation.made_images import evaluation, MadeImages


def test_images_of_kitti_are_cropped(tmp_path):
    config = evaluation(tmp_path)
    config.data.path, config.data.reader = str(TREES['kitti'](tmp_path / 'set')), 'kitti'
    config.protocol = 'kitti'
    sample = Images(config)[0]
    assert sample.rgb_HW3.shape == (352, 1216, 3)
    assert sample.depth_m_HW.shape == (352, 1216)
    assert sample.depth_m_HW[0, 0] == 10.0


def test_a_depth_of_0_is_unknown_and_a_camera_is_assumed(made, tmp_path):
    class Holes(MadeImages):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return replace(sample, depth_m_HW=np.where(np.eye(48, 64) > 0, 0, 2))

    made(Holes(1))
    sample = Images(evaluation(tmp_path))[0]
    assert sample.depth_m_HW.dtype == np.float32
    assert np.isnan(sample.depth_m_HW).sum() == 48
    assert (sample.intrinsics.width, sample.intrinsics.height) == (64, 48)
    assert Images(evaluation(tmp_path, assume_fov_deg=0.0))[0].intrinsics is None


def test_frames_are_read_by_number_in_any_order(tmp_path):
    samples = FrameSamples(open_source(str(frame_list(tmp_path))))
    assert [samples[index].name for index in (1, 0, 0, 1)] == ['road', 'hall', 'hall', 'road']
    assert samples[1].rgb_HW3.shape == (24, 32, 3), 'the size of its depth'
    with pytest.raises(IndexError):
        samples[2]
    (tmp_path / 'hall.png').write_bytes(b'')
    with pytest.raises(FrameError, match=r'hall\.png'):
        samples[0]
