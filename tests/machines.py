# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Machines of a network on this one, each with its own name, address, processes and mounts.

They are namespaces of Linux, joined by a bridge in a namespace of its own, so that the network of
this machine stays as it is. Ending a machine is a power cut: no process of it says goodbye.
"""

from contextlib import ExitStack
import os
from pathlib import Path
import shutil
import subprocess
import sys
import time

NETWORK = '10.77.0'
OWN = ('/dev/shm', '/tmp/ray')
"""Folders that each machine has for itself, in memory."""
HOLD = 'sleep infinity & wait'
"""First process of a machine; it reaps the others."""


def why_not():
    """Return why there can be no machines, or ''."""
    if sys.platform != 'linux' or not all(map(shutil.which, ('unshare', 'nsenter', 'ip'))):
        return 'machines need unshare, nsenter and ip of Linux'
    made = subprocess.run(['unshare', '-n', 'ip', 'link', 'add', 'try0', 'type', 'bridge'])
    return '' if made.returncode == 0 else 'machines need the right to make namespaces (root)'


class Machines:
    """
    A network of machines; leaving the context ends them.

    :param names: of the machines, whose addresses end in 1, 2, ...
    """

    def __init__(self, *names):
        self._names, self._processes, self.pids = names, {}, {}
        self.address = {name: f'{NETWORK}.{nth}' for nth, name in enumerate(names, 1)}

    def __enter__(self):
        with ExitStack() as undo:
            undo.callback(self.close)
            self._hold('', '--net', '--pid')
            self._switch('ip link add bridge0 type bridge && ip link set bridge0 up')
            for folder in OWN:
                Path(folder).mkdir(exist_ok=True)
            for nth, name in enumerate(self._names, 1):
                self._hold(name, '--net', '--mount', '--uts', '--pid', '--mount-proc')
                self._switch(
                    f'ip link add port{nth} type veth peer name eth0 netns {self.pids[name]}'
                    f' && ip link set port{nth} master bridge0 up'
                )
                mounts = ''.join(f'mount -t tmpfs -o size=256m none {place}; ' for place in OWN)
                self.run(
                    name,
                    'sh',
                    '-ec',
                    f'{mounts} hostname {name}; ip link set lo up; ip link set eth0 up; '
                    f'ip address add {self.address[name]}/24 dev eth0; ip route add default '
                    f'via {NETWORK}.254',
                )
            undo.pop_all()
        return self

    def __exit__(self, *_):
        self.close()

    def _hold(self, name, *kinds):
        command = ['unshare', *kinds, '--fork', '--kill-child', 'sh', '-c', HOLD]
        process = self._processes[name] = subprocess.Popen(command)
        children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
        deadline = time.monotonic() + 10
        while not (found := children.read_text().split()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.pids[name] = int(found[0])
        while self._is_outside(self.pids[name]):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _is_outside(self, pid):
        return os.readlink(f'/proc/{pid}/ns/net') == os.readlink('/proc/self/ns/net')

    def _switch(self, line):
        command = ['nsenter', '-t', str(self.pids['']), '-n', 'sh', '-ec', line]
        subprocess.run(command, check=True)

    def command(self, name, *arguments):
        """Return a command that runs on a machine, in the folder of this process."""
        into = ['nsenter', '-t', str(self.pids[name]), '-n', '-m', '-u', '-p', '--']
        return [*into, 'env', '-C', str(Path.cwd()), *map(str, arguments)]

    def run(self, name, *arguments, **options):
        """Run a command on a machine, which must succeed."""
        return subprocess.run(self.command(name, *arguments), check=True, **options)

    def end(self, name):
        """Cut the power of a machine."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def close(self):
        """End all machines."""
        for name in list(self._processes):
            self.end(name)
