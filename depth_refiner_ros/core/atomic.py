# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Write files and folders atomically: a reader sees the old content or the new, never a part.

The package and its training write everything to disk through this module, except growing logs.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
import ctypes
import errno
import os
from pathlib import Path
import secrets
import stat

from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.parts import claimed_part

AT_FDCWD, RENAME_EXCHANGE = -100, 2
NO_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV)
"""Errors of a system that cannot swap two names."""


def make_folder(folder: Path) -> None:
    """
    Create a folder with its parents.

    :raises OutputError: if a file is in the way or permission is denied
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f'cannot make the folder {folder}: {error.strerror}; choose another place'
        ) from error


def check_writable(path: Path) -> None:
    """
    Raise where a file could not be written, before the work whose result it is to hold.

    :raises OutputError: if it is a folder, a file is in the way of its folder, or permission is
        denied
    """
    if _is_stream(path):
        return
    if path.is_dir():
        raise OutputError(f'{path} is a folder; name a file')
    with output_errors(path):
        folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
        if not folder.is_dir():
            raise OutputError(f'{folder} is no folder, so that {path} cannot be written there')
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def write_atomic(path: Path, chunks: Iterable[bytes], *, durable: bool = True) -> None:
    """
    Write a file next to its target, then rename it to the target.

    A target that cannot be replaced (a pipe, a device, ``/dev/stdout``) is written directly.

    :param path: its folder is created if missing; a symbolic link is followed, not replaced
    :param chunks: the content in pieces
    :param durable: wait until the disk has it, so that it survives a power cut
    :raises OutputError: if the disk is full or permission is denied; the old file stays
    """
    if _is_stream(path):
        with output_errors(path), open(path, 'wb') as stream:
            stream.writelines(chunks)
        return
    with staged_file(path, durable=durable) as part, open(part, 'r+b') as stream:
        stream.writelines(chunks)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """
    Write a text file in UTF-8; see :func:`write_atomic`.

    A file name that is not UTF-8 is written with the escapes that JSON reads back as it.
    """
    write_atomic(path, [text.encode('utf-8', 'backslashreplace')], durable=durable)


@contextmanager
def staged_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """
    Yield an empty file to fill; it replaces ``path`` once the block ends without an error.

    :raises OutputError: if the disk is full or permission is denied; the old file stays
    """
    if _is_stream(path):
        raise OutputError(f'{path} is not a regular file; choose one that can be replaced')
    make_folder(path.parent)
    with output_errors(path):
        target = Path(os.path.realpath(path))
        with claimed_part(target.parent) as part:
            yield part
            if durable:
                sync(part)
            os.replace(part, target)
            if durable:
                sync(target.parent)


@contextmanager
def staged_folder(
    path: Path, *, replace: bool = True, previous: Path | None = None
) -> Iterator[Path]:
    """
    Yield an empty folder to fill; it replaces ``path`` once the block ends without an error.

    If the system can swap two names in one step, ``path`` exists at every moment. Its files are as
    readable as the folder, whatever the library that wrote them made of that (safetensors 0.8
    leaves them to their owner): a robot's node may run as another user.

    :param replace: False keeps a folder that another process has put there in the meantime
    :param previous: new name for the old folder, in the same place; None removes it
    :raises OutputError: if it cannot be written; the old folder stays
    """
    make_folder(path.parent)
    with output_errors(path):
        target = Path(os.path.realpath(path))
        with claimed_part(target.parent, is_folder=True) as part:
            yield part
            mode = part.stat().st_mode & 0o666
            for folder, _, files in os.walk(part, topdown=False):
                for file in files:
                    Path(folder, file).chmod(mode)
                    sync(Path(folder, file))
                sync(Path(folder))
            if replace or not target.exists():
                _put_in_place(part, target)
                if previous is not None and part.exists():
                    _put_in_place(part, target.parent / previous.name)
            sync(target.parent)


def sync(path: Path) -> None:
    """
    Wait until a file's content, or a folder's list of names, is on the disk.

    :raises OSError: if it cannot be stored
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn a system error into one line with the fix; errors about files elsewhere pass."""
    try:
        yield
    except OSError as error:
        places = str(path.parent), os.path.realpath(path.parent)
        if isinstance(error.filename, str) and not error.filename.startswith(places):
            raise
        raise OutputError(
            f'cannot write {path}: {error.strerror or error}; free some space, check the '
            'permissions or choose another place (an older one there is untouched)'
        ) from error


def _is_stream(path: Path) -> bool:
    """Whether a path leads to something that can be written but not replaced."""
    with suppress(OSError):
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            return True
    return str(path).startswith(('/dev/std', '/dev/fd/', '/proc/')) and path.exists()


def _put_in_place(new: Path, target: Path) -> None:
    """Rename a folder to its target; an older one there gets the new one's former name."""
    if not target.exists():
        new.rename(target)
    elif not _swapped(new, target):
        aside = target.with_name(f'.{target.name}.replaced-{secrets.token_hex(4)}')
        target.rename(aside)
        try:
            new.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        aside.rename(new)


def _swapped(first: Path, second: Path) -> bool:
    """
    Swap two names in one step, so that neither is ever missing.

    :return: False if the system cannot do it
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), 'renameat2', None)
    if rename is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    if rename(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(second))
