# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A sample as a few small files, the same in every shard."""

from dataclasses import asdict
import io
import json
from typing import Any

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_ENTRY, UNREADABLE_IMAGE
import numpy as np
from training.data.sample import Sample

COLOR, FACTS = 'rgb.png', 'json'
MAPS = {'depth_m_HW': 'depth.npz', 'prior_m_hw': 'prior.npz', 'edges_HW': 'edges.npz'}
"""Field of a sample and the file that holds it."""
FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]
"""A tenth of the time of the usual compression, files a fifth larger."""


def encoded(sample: Sample) -> dict[str, bytes]:
    """Return the files of a sample by suffix; nothing is lost."""
    _, png = cv2.imencode('.png', np.ascontiguousarray(sample.rgb_HW3[..., ::-1]), FAST)
    camera = sample.intrinsics
    facts = {'name': sample.name, 'camera': None if camera is None else asdict(camera)}
    parts = {FACTS: json.dumps(facts).encode(), COLOR: png.tobytes()}
    for field, suffix in MAPS.items():
        values = getattr(sample, field)
        if values is not None:
            stream = io.BytesIO()
            np.savez_compressed(stream, values=values)
            parts[suffix] = stream.getvalue()
    return parts


def decoded(parts: dict[str, bytes], where: str) -> Sample:
    """
    Return the sample of its files.

    :param where: names them in messages
    :raises FrameError: if one is damaged
    """
    try:
        facts = json.loads(parts[FACTS])
        camera = facts['camera']
        image = cv2.imdecode(np.frombuffer(parts[COLOR], np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise FrameError(UNREADABLE_IMAGE, f'{where}: the image is damaged; copy it again')
        maps: dict[str, Any] = {
            field: np.load(io.BytesIO(parts[suffix]), allow_pickle=False)['values']
            for field, suffix in MAPS.items()
            if suffix in parts
        }
        return Sample(
            rgb_HW3=np.ascontiguousarray(image[..., ::-1]),
            intrinsics=None if camera is None else Intrinsics(**camera),
            name=facts['name'],
            **maps,
        )
    except (ValueError, KeyError, TypeError, EOFError, OSError, InputError) as error:
        raise FrameError(
            UNREADABLE_ENTRY, f'{where} is not a sample ({shown(str(error))})'
        ) from error
