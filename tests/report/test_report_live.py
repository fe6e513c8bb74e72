# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The live page, requested like from a browser."""

import http.client
import threading
import urllib.error
import urllib.request

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.live import BOUNDARY, LivePage
import numpy as np
import pytest

GREEN = np.full((16, 24, 3), (0, 200, 0), np.uint8)
RED = np.full((16, 24, 3), (200, 0, 0), np.uint8)


def read_picture(stream):
    """Read one part of the stream."""
    assert stream.readline().strip().decode() == f'--{BOUNDARY}'
    headers = http.client.parse_headers(stream)
    data = stream.read(int(headers['Content-Length']))
    assert stream.readline() == b'\r\n'
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_page_shows_the_stream():
    with LivePage() as page, urllib.request.urlopen(page.address, timeout=30) as answer:
        assert 'src="/stream"' in answer.read().decode()


def test_each_new_picture_comes():
    with LivePage() as page:
        page.show(GREEN)
        with urllib.request.urlopen(page.address + 'stream', timeout=30) as stream:
            np.testing.assert_allclose(read_picture(stream), GREEN, atol=4)
            page.show(RED)
            np.testing.assert_allclose(read_picture(stream), RED, atol=4)


def test_slow_browser_gets_the_newest():
    with LivePage() as page:
        for _ in range(5):
            page.show(GREEN)
        page.show(RED)
        with urllib.request.urlopen(page.address + 'stream', timeout=30) as stream:
            np.testing.assert_allclose(read_picture(stream), RED, atol=4)


def test_leaving_ends_the_stream_and_the_server():
    with LivePage() as page:
        stream = urllib.request.urlopen(page.address + 'stream', timeout=30)
        address = page.address
    assert stream.read() == b''
    stream.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)
    assert not [thread for thread in threading.enumerate() if thread.name == 'live page']


def test_other_paths_are_not_found():
    with LivePage() as page, pytest.raises(urllib.error.HTTPError, match='404') as caught:
        urllib.request.urlopen(page.address + 'etc/passwd', timeout=30)
    caught.value.close()


def test_taken_port_is_refused():
    with LivePage() as page:
        port = int(page.address.rsplit(':', 1)[1].strip('/'))
        with pytest.raises(InputError, match=f'port {port}'):
            LivePage(port)
