"""Write a file so that a reader sees either the old content or the new, never half of it."""

from collections.abc import Iterable
import os
from pathlib import Path
import secrets

from depth_refiner_ros.core.errors import MappingError


def make_folder(folder: Path) -> None:
    """
    Make a folder with its parents.

    :raises MappingError: where a file is in the way or rights are missing
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MappingError(
            f'cannot make the folder {folder}: {error.strerror}; choose another place'
        ) from error


def write_atomic(path: Path, chunks: Iterable[bytes], *, durable: bool = True) -> None:
    """
    Write beside the target, then rename over it.

    :param path: target; its folder is made where missing
    :param chunks: the content in pieces
    :param durable: wait until the disk has it, so that it survives a power cut
    :raises MappingError: where the disk is full or rights are missing; the old file stays
    """
    make_folder(path.parent)
    partial = path.with_name(f'.{path.name}.{secrets.token_hex(4)}.part')
    try:
        with open(partial, 'xb') as stream:
            for chunk in chunks:
                stream.write(chunk)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(partial, path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise MappingError(
            f'cannot write {path}: {error.strerror}; free some space, check the '
            'rights or choose another folder (an older file there is '
            'untouched)'
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
