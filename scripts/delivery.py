# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Count what arrives of large messages from one process in another.

``python scripts/delivery.py --json FILE`` publishes clouds and depth images of 640x480 at 10 Hz,
as the refiner does, with the shipped profile of Fast DDS and without, to a reliable subscriber and
to one of sensor data. Results are in docs/benchmarks/README.md.
"""

from collections import defaultdict
import json as json_format
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Annotated, Any

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.apps.console import note, say, write_json
from depth_refiner_ros.bench.contention import Contention
from depth_refiner_ros.cli.flags import writable
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.nodes.conversions.cloud import cloud_from_points
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from depth_refiner_ros.nodes.runtime.qos import qos
from depth_refiner_ros.settings.config_files import config_file, profile_variables
import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import Image, PointCloud2
import torch
from training.program import ended
import typer

RATE_HZ = 10.0
TOPICS: dict[str, type] = {'points': PointCloud2, 'depth/image': Image}
QUEUE = 5
RECEIVERS = ('reliable', 'sensor_data')
PATIENCE_S = 30.0


def send(messages: int) -> None:
    """Publish a cloud and a depth image at the rate, once a receiver of each is there."""
    rclpy.init()
    node = rclpy.create_node('sender')
    publishers: dict[str, Any] = {
        name: node.create_publisher(kind, name, qos('reliable', QUEUE))
        for name, kind in TOPICS.items()
    }
    camera = Intrinsics.from_fov(640, 480, 60.0)
    depth_m = torch.full((1, 1, 480, 640), 2.0)
    cloud = CloudBuilder(camera, 1).build(depth_m[0, 0], torch.zeros(480, 640, 3).byte()).numpy()
    deadline_s = time.monotonic() + PATIENCE_S
    while any(one.get_subscription_count() == 0 for one in publishers.values()):
        if time.monotonic() > deadline_s:
            raise SystemExit('no receiver came')
        time.sleep(0.05)
    time.sleep(1.0)
    began_s = time.monotonic()
    for index in range(messages):
        time.sleep(max(0.0, began_s + index / RATE_HZ - time.monotonic()))
        header = header_of(time.time_ns(), 'camera')
        publishers['points'].publish(cloud_from_points(header, cloud, 'packed16', organized=True))
        publishers['depth/image'].publish(image_from_depth(header, depth_m[0, 0].numpy()))
    time.sleep(3.0)
    rclpy.try_shutdown()


def receive(reliability: str, messages: int) -> None:
    """Count messages until all are there or none has come for some seconds; print the result."""
    rclpy.init()
    node = rclpy.create_node('receiver')
    latency_ms: dict[str, list[float]] = defaultdict(list)
    last_s = time.monotonic() + PATIENCE_S

    def keep(name: str, message: Any) -> None:
        nonlocal last_s
        latency_ms[name].append((time.time_ns() - stamp_ns_of(message.header)) / 1e6)
        last_s = time.monotonic()

    for name, kind in TOPICS.items():
        node.create_subscription(
            kind, name, lambda message, name=name: keep(name, message), qos(reliability, QUEUE)
        )
    while time.monotonic() < last_s + 4.0 and not (
        len(latency_ms) == len(TOPICS)
        and all(len(values) >= messages for values in latency_ms.values())
    ):
        try:
            rclpy.spin_once(node, timeout_sec=0.2)
        except ExternalShutdownException:
            break
    result = {
        name: {
            'arrived': len(values),
            **{
                f'p{percent}_ms': float(np.percentile(values, percent)) if values else None
                for percent in (50, 99)
            },
        }
        for name, values in ((name, latency_ms[name]) for name in TOPICS)
    }
    print(json_format.dumps(result), flush=True)
    rclpy.try_shutdown()


def measured(reliability: str, messages: int, domain: int, *, profile: bool) -> dict[str, Any]:
    """Return what arrives at a receiver, both processes with or without the shipped profile."""
    known = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
    environment = {name: value for name, value in os.environ.items() if name not in known}
    environment |= {'ROS_DOMAIN_ID': str(domain)}
    if profile:
        environment |= dict.fromkeys(profile_variables(), str(config_file('fastdds.xml')))
    receiver, sender = (
        subprocess.Popen(
            [sys.executable, __file__, '--role', role, '--messages', str(messages)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for role in (reliability, 'send')
    )
    found = json_format.loads(receiver.communicate()[0].splitlines()[-1])
    sender.communicate()
    return dict(found)


def main(
    messages: Annotated[int, typer.Option(min=1, help='Of each kind.')] = 500,
    json: Annotated[
        Path | None, typer.Option(callback=writable, help='Also write the results here.')
    ] = None,
    role: Annotated[str, typer.Option(hidden=True)] = '',
) -> None:
    """Measure the delivery of large messages."""
    if role:
        send(messages) if role == 'send' else receive(role, messages)
        return
    rows: list[dict[str, Any]] = []
    with Contention() as contention:
        for profile in (True, False):
            for reliability in RECEIVERS:
                found = measured(reliability, messages, 60 + len(rows), profile=profile)
                rows.append({'shipped_profile': profile, 'receiver': reliability, **found})
                say(json_format.dumps(rows[-1]))
    if contention.warning():
        note(contention.warning())
    if json:
        facts = {'messages': messages, 'rate_hz': RATE_HZ, 'contention': contention.facts()}
        write_json(json, {**facts, 'rows': rows})


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
