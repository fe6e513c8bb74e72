# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A live picture in the browser: no display, no dependency, works through ``ssh -L``.

The page is served only to this machine and shows each new picture immediately.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading
from typing import Any

import cv2
from depth_refiner_ros.core.errors import InputError
import numpy as np

HOST = '127.0.0.1'
BOUNDARY = 'picture'
JPEG_QUALITY = 85
WAIT_S = 0.5
PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>depth-refiner</title>
<style>body { margin: 0; background: #12161c }
img { display: block; width: 100%; max-width: 1600px; margin: 24px auto }</style></head>
<body><img alt="image, depth, confidence" src="/stream"></body>
</html>"""


class LivePage:
    """
    Serves the latest picture until the context is left.

    :param port: 0 takes any free one
    :raises InputError: if the port is taken
    """

    def __init__(self, port: int = 0) -> None:
        self._changed = threading.Condition()
        self._jpeg, self._number, self._closed = b'', 0, False
        try:
            self._server = ThreadingHTTPServer((HOST, port), _handler(self))
        except OSError as error:
            raise InputError(
                f'cannot serve pictures on port {port}: {error.strerror}; choose another'
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name='live page')

    @property
    def address(self) -> str:
        """Return the address to open in a browser."""
        return f'http://{HOST}:{self._server.server_address[1]}/'

    def __enter__(self) -> 'LivePage':
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def show(self, rgb_HW3: np.ndarray) -> None:
        """Show a picture in every open browser."""
        _, encoded = cv2.imencode(
            '.jpg', rgb_HW3[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        with self._changed:
            self._jpeg, self._number = bytes(encoded), self._number + 1
            self._changed.notify_all()

    def next_after(self, number: int) -> tuple[int, bytes] | None:
        """Wait for a picture after this one; return None once the server closes."""
        with self._changed:
            while self._number <= number and not self._closed:
                self._changed.wait(WAIT_S)
            return None if self._closed else (self._number, self._jpeg)


def _handler(page: LivePage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers with the page, or with the pictures one after another."""

        def do_GET(self) -> None:
            if self.path == '/stream':
                self._stream()
            elif self.path == '/':
                self._send('text/html; charset=utf-8')
                self.wfile.write(PAGE)
            else:
                self.send_error(404)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing, because the terminal shows progress bars."""

        def _send(self, kind: str) -> None:
            self.send_response(200)
            self.send_header('Content-Type', kind)
            self.send_header('Cache-Control', 'no-store')
            self.end_headers()

        def _stream(self) -> None:
            self._send(f'multipart/x-mixed-replace; boundary={BOUNDARY}')
            number = 0
            while (found := page.next_after(number)) is not None:
                number, jpeg = found
                head = (
                    f'--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n'
                    f'Content-Length: {len(jpeg)}\r\n\r\n'
                )
                try:
                    self.wfile.write(head.encode() + jpeg + b'\r\n')
                except ConnectionError:  # the browser has gone
                    return

    return Handler
