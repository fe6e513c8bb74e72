# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Measure two cameras in one process against two processes.

``python scripts/two_cameras.py --json docs/benchmarks/two_cameras.json``: two simulated rooms are
played at 640x480, faster than they can be refined; memory is the proportional set size, which
counts what processes share once.
"""

import argparse
from contextlib import ExitStack
import json
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.core.atomic import check_writable, write_text
from depth_refiner_ros.settings.config_files import profile_environment
from diagnostic_msgs.msg import DiagnosticArray
import rclpy
from training.program import ended

CAMERAS = ('front', 'rear')
WORDS = ('always_on:=true', 'threads:=1', 'diagnostics_period_s:=0.5')
RATE_HZ = 10.0


def node(name: str, *words: str) -> subprocess.Popen[bytes]:
    """Start a node."""
    module = f'depth_refiner_ros.nodes.{name}_node'
    return subprocess.Popen([sys.executable, '-m', module, *words], stderr=subprocess.DEVNULL)


def refiners(together: bool) -> list[subprocess.Popen[bytes]]:
    """Start the refiners of both cameras in one process or in two."""
    options = [word for value in WORDS for word in ('-p', value)]
    if together:
        return [node('refiner', '--cameras', ','.join(CAMERAS), '--ros-args', *options)]
    return [
        node('refiner', '--ros-args', '-r', f'__ns:=/{camera}', *options) for camera in CAMERAS
    ]


def memory_mb(processes: list[subprocess.Popen[bytes]]) -> float:
    """Return the proportional set size of processes."""
    rollups = [Path(f'/proc/{one.pid}/smaps_rollup').read_text() for one in processes]
    lines = [line for text in rollups for line in text.splitlines() if line.startswith('Pss:')]
    return sum(int(line.split()[1]) for line in lines) / 1024.0


def measured(together: bool, seconds: float) -> dict[str, object]:
    """Return memory, and the rate and delay of each camera over some seconds."""
    listener = rclpy.create_node('two_cameras')
    last: dict[str, dict[str, str]] = {}

    def note(message: DiagnosticArray) -> None:
        for status in message.status:
            if '/refiner:' in status.name:
                camera = status.name.split('/')[1]
                last[camera] = {item.key: item.value for item in status.values}

    listener.create_subscription(DiagnosticArray, '/diagnostics', note, 10)
    with ExitStack() as stack:
        processes = refiners(together)
        played = [
            node(
                'player',
                *('--ros-args', '-r', f'__ns:=/{camera}', '-p', f'source:=sim:{seed}:60'),
                *('-p', f'rate_hz:={RATE_HZ}', '-p', 'loop:=true'),
            )
            for seed, camera in enumerate(CAMERAS, 900001)
        ]
        for process in (*processes, *played):
            stack.callback(process.wait)
            stack.callback(process.send_signal, signal.SIGTERM)
        while not all(int(last.get(name, {}).get('frames_out', 0)) >= 3 for name in CAMERAS):
            rclpy.spin_once(listener, timeout_sec=0.1)
        before = {name: int(last[name]['frames_out']) for name in CAMERAS}
        start_s = time.monotonic()
        while time.monotonic() - start_s < seconds:
            rclpy.spin_once(listener, timeout_sec=0.1)
        spent_s = time.monotonic() - start_s
        found = {
            'load_average': round(os.getloadavg()[0], 1),
            'memory_mb': round(memory_mb(processes), 1),
            'rate_hz': {
                name: round((int(last[name]['frames_out']) - before[name]) / spent_s, 2)
                for name in CAMERAS
            },
            'latency_p50_ms': {name: float(last[name]['latency_p50_ms']) for name in CAMERAS},
        }
    listener.destroy_node()
    return found


def main() -> None:
    """Measure both, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=30.0)
    parser.add_argument('--json', type=Path)
    given = parser.parse_args()
    if given.json:
        check_writable(given.json)
    os.environ |= profile_environment()
    os.environ['ROS_DOMAIN_ID'] = str(random.SystemRandom().randint(1, 100))
    rclpy.init()
    results = {}
    for name, together in (('one_process', True), ('two_processes', False)):
        results[name] = measured(together, given.seconds)
        print(f'{name}: {results[name]}', flush=True)
    rclpy.shutdown()
    text = json.dumps(results, indent=2)
    if given.json:
        write_text(given.json, text + '\n')


if __name__ == '__main__':
    sys.exit(ended(main))
