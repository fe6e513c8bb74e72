# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The collector as a process: what it writes, and what it does with bad images and folders."""

import resource
import time

from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of
import pytest
from sensor_msgs.msg import Image

from tests.nodes.node_graph import picture, slope

pytestmark = pytest.mark.slow


def arrivals(folder):
    file = folder / 'arrivals.csv'
    lines = file.read_text().splitlines() if file.exists() else []
    return [tuple(line.split(',')[:2]) for line in lines]


def test_an_image_that_cannot_be_read_is_left_out(probe, tmp_path):
    depth, color = probe.publisher(Image, 'depth/image'), probe.publisher(Image, 'image')
    with probe.run('collector', {'folder': tmp_path, 'keep_images': True}) as collector:
        probe.matched(depth, color)
        kept = {(topic, stamp) for topic in ('depth/image', 'image') for stamp in ('1', '3')}

        def sent_and_kept():
            # Again and again: the collector takes images as they come, and may miss the first.
            for number in range(1, 4):
                image, rgb = (
                    image_from_depth(header_of(number, ''), slope()),
                    image_from_rgb(header_of(number, ''), picture()),
                )
                if number == 2:
                    image.step = rgb.step = 8
                depth.publish(image)
                color.publish(rgb)
            time.sleep(0.1)
            return set(arrivals(tmp_path)) >= kept

        probe.wait(sent_and_kept, 'the images after the bad ones')
        assert collector.stop() == 0, collector.output
    assert set(arrivals(tmp_path)) == kept
    files = {file.name for file in tmp_path.glob('*.npy')}
    assert files == {f'{topic}_{n}.npy' for topic in ('depth_image', 'image') for n in (1, 3)}
    assert 'image left out: image of 64x48 ' in collector.output


def test_a_folder_that_cannot_be_is_one_line(probe):
    with probe.run('collector', {'folder': '/dev/null/x'}) as collector:
        assert collector.finish() == 2
    assert 'Traceback' not in collector.output
    assert len(collector.lines) == 1, collector.output


def test_a_full_disk_is_one_line(probe, tmp_path):
    depth = probe.publisher(Image, 'depth/image')
    with probe.run('collector', {'folder': tmp_path}) as collector:
        probe.matched(depth)
        resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        depth.publish(image_from_depth(header_of(1, ''), slope()))
        assert collector.finish() == 2
    assert f'cannot write {tmp_path}/depth_image_1.npy' in collector.output
    assert 'Traceback' not in collector.output
