# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Download the needed files of a Hugging Face hub repository, or use the cached ones."""

from collections.abc import Iterable, Iterator
import importlib
import importlib.util
from pathlib import Path
import re

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line

HUB_ID = re.compile(r'[A-Za-z0-9][\w.-]*/[\w.-]+(?:@[\w.-]+)?')
ANSWER_WITHIN_S = 5.0


def is_hub_id(where: str) -> bool:
    """Whether a text has the form of a hub id: owner/name, optionally with @revision."""
    return HUB_ID.fullmatch(where) is not None


def fetch(hub_id: str, patterns: Iterable[str]) -> Path:
    """
    Return a folder with some files of a repository, from the cache if they are there.

    :param hub_id: owner/name, or owner/name@revision
    :param patterns: file names with wildcards; nothing else is downloaded
    :raises WeightsError: if the files are neither in the cache nor available from the hub
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise WeightsError(
            f'{hub_id}: hub ids need one more package; run: pip install '
            "'depth_refiner_ros[models]', or give a local folder"
        ) from error
    name, _, revision = hub_id.partition('@')
    try:
        return Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=list(patterns),
                etag_timeout=ANSWER_WITHIN_S,
            )
        )
    except (OSError, HfHubHTTPError, HFValidationError, *_transport_errors()) as error:
        raise WeightsError(
            f'{hub_id} is not a local folder, and the Hugging Face hub does not serve it '
            f'({first_line(error)}); download it on a machine with network (hf download {name} '
            '--local-dir FOLDER) and name the local folder, correct the id, or accept its '
            'licence and log in'
        ) from error


def _transport_errors() -> Iterator[type[Exception]]:
    """Yield the errors of a broken connection; the HTTP library depends on the hub's version."""
    for name in ('httpx', 'httpx2'):
        if importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name).HTTPError
