# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Joining images with depth and camera models, whatever the rates at which they come."""

from depth_refiner_ros.sources.ros.bag_frames import MessageJoin, MessageSet
from depth_refiner_ros.sources.ros.bag_messages import BagMessage
from depth_refiner_ros.sources.ros.topics import Choice
import pytest

TOPICS = Choice(image='image', depth='depth', info='info', pose=None)
SECOND_NS = 10**9


def recorded(rates_hz: dict[str, int], seconds: int) -> list[BagMessage]:
    """Return the messages of topics at their rates, in the order of their stamps."""
    items = [
        BagMessage(topic=topic, bag_ns=stamp, stamp_ns=stamp, message=object())
        for topic, rate_hz in rates_hz.items()
        for stamp in (SECOND_NS * number // rate_hz for number in range(seconds * rate_hz))
    ]
    return sorted(items, key=lambda item: item.bag_ns)


def joined(items: list[BagMessage]) -> list[MessageSet]:
    join = MessageJoin(TOPICS, max_gap_ns=10**7)
    return [found for item in items for found in join.add(item)] + list(join.rest())


@pytest.mark.parametrize('rates_hz', [(1, 30), (2, 30), (6, 90), (30, 30), (30, 5)])
def test_every_image_with_depth_at_its_time_has_it(rates_hz):
    image_hz, depth_hz = rates_hz
    found = joined(recorded({'image': image_hz, 'depth': depth_hz, 'info': image_hz}, 20))
    assert len(found) == 20 * image_hz
    expected = 20 * min(image_hz, depth_hz)
    assert sum(item.depth is not None for item in found) == expected
    for item in found:
        assert item.info.stamp_ns == item.image.stamp_ns
        assert item.late_by_ns is None
        if item.depth is not None:
            assert item.depth.stamp_ns == item.image.stamp_ns


@pytest.mark.parametrize('late_ns', [0, SECOND_NS // 2, -SECOND_NS // 2])
def test_images_may_be_recorded_before_or_after_what_belongs_to_them(late_ns):
    items = recorded({'image': 10, 'depth': 10, 'info': 10}, 5)
    found = joined(sorted(items, key=lambda item: item.bag_ns + late_ns * (item.topic == 'image')))
    assert len(found) == 50
    for item in found:
        assert item.depth.stamp_ns == item.info.stamp_ns == item.image.stamp_ns
