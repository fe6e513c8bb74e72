# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Text files of others, which come in UTF-8 or, from Windows, in UTF-16."""

import codecs
import io
from pathlib import Path

from depth_refiner_ros.core.errors import InputError

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """
    Return the text of a file in UTF-8, with or without a byte order mark, or UTF-16 with one.

    Line ends become line feeds.

    :raises InputError: if the file cannot be read or is in another encoding, with the file
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from error
    encoding = 'utf-16' if data.startswith(UTF_16_MARKS) else 'utf-8-sig'
    try:
        return io.TextIOWrapper(io.BytesIO(data), encoding=encoding).read()
    except UnicodeError as error:
        raise InputError(
            f'cannot read {path}: it is not text in UTF-8, nor whole text in UTF-16 with a byte '
            'order mark; save it as UTF-8'
        ) from error
