# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of files: their order, which are images and videos, and companions that are neither."""

import os
from pathlib import Path
import re

HEIC_SUFFIXES = ('.heic', '.heif')
IMAGE_SUFFIXES = (
    *('.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.mpo'),
    *('.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm'),
    *HEIC_SUFFIXES,
)
UNREAD_IMAGE_SUFFIXES = (
    *('.gif', '.svg', '.psd', '.xcf', '.ai', '.eps', '.ico', '.tga', '.pbm', '.pnm', '.pfm'),
    *('.exr', '.hdr', '.jp2', '.jxl', '.avif'),
    *('.raw', '.dng', '.cr2', '.cr3', '.nef', '.arw', '.orf', '.raf', '.rw2', '.pef', '.srw'),
)
"""Kinds of images, raw formats of cameras among them, that are not read."""
VIDEO_SUFFIXES = (
    *('.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v'),
    *('.mpg', '.mpeg', '.ts', '.mts', '.m2ts', '.wmv', '.flv', '.3gp', '.ogv'),
)
DIGITS = re.compile('([0-9]+)')


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts IMG_2 before IMG_10."""
    parts = DIGITS.split(path.name)
    return [(int(part), '') if index % 2 else (-1, part) for index, part in enumerate(parts)]


def is_companion(path: Path) -> bool:
    """Whether a file is one of the ``._NAME`` files that macOS writes on other file systems."""
    return path.name.startswith('._')


def is_hidden(path: Path) -> bool:
    """Whether a name says that a file is hidden, as ``.trashed-NAME`` of Android; no companion."""
    return path.name.startswith('.') and not is_companion(path)


def is_video(path: Path) -> bool:
    """Whether the name of a file is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not is_companion(path)


def starts_like_video(path: Path) -> bool:
    """Whether a file begins as MP4, MOV, Matroska, WebM, AVI or FLV do, whatever its name is."""
    try:
        with path.open('rb') as file:
            head = file.read(12)
    except OSError:
        return False
    return (
        head[4:8] in (b'ftyp', b'moov', b'mdat', b'wide')
        or head.startswith((b'\x1aE\xdf\xa3', b'FLV\x01'))
        or (head.startswith(b'RIFF') and head[8:] == b'AVI ')
    )


def listed_file(folder: Path, name: str) -> Path:
    """
    Return the path of a file in a list.

    :param name: relative to the folder; a list made on Windows may separate by backslashes. Where
        no file has that name, quotes around it and a comment behind it are not part of it.
    """
    bare = name.split(' #')[0].strip().strip('"\'')
    for word in (name, bare):
        for path in (folder / word, folder / word.replace('\\', '/')):
            if os.path.exists(path):  # False for names that are too long
                return path
    return folder / bare.replace('\\', '/')
