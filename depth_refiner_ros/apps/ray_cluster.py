# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Join a Ray cluster, or start one on this machine; what Ray raises meanwhile is one line."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import re
import signal
import socket
from typing import Any

from depth_refiner_ros.core.errors import BackendError, SettingsError

STORE_BYTES = 10**8
"""Of a cluster of this machine alone; the bags themselves never pass through its store."""
DIAL_S = 10.0
"""Patience with an address; Ray itself would try one where nothing listens for a quarter hour."""
ADDRESSES = 'give HOST:PORT, auto or local'
DEFAULTS = {'RAY_USAGE_STATS_ENABLED': '0'}
DEFAULTS_LOCAL = {
    'RAY_worker_niceness': '0'  # Ray's own 15 leaves tasks hardly any time on a busy machine
}
DEFAULTS_JOINED = {
    'RAY_gcs_server_port_wait_time_s': '1'  # one try, of half a minute, instead of twenty
}
"""Variables of Ray, unless the user has set them."""


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """
    Yield the module ``ray`` while it is connected to a cluster.

    :param address: host:port, ``auto`` or ``local``
    :raises SettingsError: if Ray is not installed, or this is no address
    :raises BackendError: if there is no cluster, it has another version, or it does not start
    """
    for name, value in (DEFAULTS | _defaults_of(address)).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise SettingsError(
            f'--ray needs Ray ({error}); install it with: pip install ray'
        ) from error
    _check(address)
    former = signal.getsignal(signal.SIGTERM)
    _start(ray, address)
    signal.signal(signal.SIGTERM, former)  # Ray's own would end the command with exit code 15
    try:
        yield ray
    except SystemExit as ended:  # within a call of Ray, which gives it the exit code 1
        raise SystemExit(128 + signal.SIGTERM) from ended
    finally:
        ray.shutdown()


def _defaults_of(address: str) -> dict[str, str]:
    return DEFAULTS_LOCAL if address == 'local' else DEFAULTS_JOINED


def _start(ray: Any, address: str) -> None:
    own = {'object_store_memory': STORE_BYTES, 'include_dashboard': False}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level='CRITICAL',
            **(own if address == 'local' else {}),
        )
    except Exception as error:  # where a start takes too long, Ray raises just that
        ray.shutdown()
        raise refused(address, error) from error


def _check(address: str) -> None:
    """
    Refuse what Ray would be busy with for minutes.

    :raises SettingsError: if it is no address
    :raises BackendError: if nothing listens there
    """
    if address == 'local':
        return
    if address == 'auto':
        address = os.environ.get('RAY_ADDRESS', '')
        if not address or address == 'local':
            return
    if '://' in address:
        raise SettingsError(
            f'--ray {address} is not the address of a cluster itself: {ADDRESSES}; the port of '
            'ray start --head is 6379 unless it was told another'
        )
    host, _, port = address.rpartition(':')
    if not host or not port.isdecimal():
        raise SettingsError(f'--ray {address} is no address: {ADDRESSES}')
    try:
        socket.create_connection((host.strip('[]'), int(port)), timeout=DIAL_S).close()
    except (OSError, OverflowError) as error:
        raise refused(address, error) from error


def refused(address: str, error: Exception) -> BackendError:
    """Return what a user is told when there is no way into a cluster."""
    why = str(error).rstrip('.\n ')
    if address == 'local':
        return BackendError(
            f'Ray does not start on this machine: {why}; it gives its processes 30 s, so try '
            'again when the machine is less busy, or leave out --ray local'
        )
    if re.search('AuthToken|AuthenticationError', f'{error!r} {error.__cause__!r}'):
        return BackendError(
            f'the cluster at --ray {address} asks for its token: set RAY_AUTH_MODE=token, and '
            'copy ~/.ray/auth_token from the machine of ray start --head to all others'
        )
    if 'Version mismatch' in why:
        return BackendError(
            f'the cluster at --ray {address} does not take this command. {why}; install the '
            'Ray and the Python of the cluster here, or those of here on the cluster'
        )
    why = getattr(error, 'strerror', None) or why.partition('. ')[0]  # without advice to others
    return BackendError(
        f'no Ray cluster at --ray {address}: {why}; start one with ray start --head, join it on '
        'this machine with ray start --address HOST:PORT, or use --ray local'
    )


def how_it_died(error: Exception) -> str:
    """Return how a task ended that could not tell it itself, from what Ray raises instead."""
    found = re.search(r'(?:IP|ID)[:= ]+(\d+\.\d+\.\d+\.\d+)', str(error))
    machine = f'the machine {found[1]}' if found else 'its machine'
    match type(error).__name__:
        case 'OutOfMemoryError':
            return f'Ray ended it as {machine} is short of memory (free some, fewer --workers)'
        case 'NodeDiedError':
            return f'{machine} went away'
        case 'WorkerCrashedError':
            return 'its process was killed, maybe for lack of memory'
        case kind:
            return f'Ray gave it up ({kind}: {str(error).strip().partition(chr(10))[0]})'
