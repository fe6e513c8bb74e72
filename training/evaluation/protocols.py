# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How depth is compared on each data set: one table, read by every program of evaluation.

Ranges and counts are those of Marigold's and SharpDepth's code where they state them; ``silent``
lists what they leave open and what stands here instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
import math

from depth_refiner_ros.core.image_errors import WIDEST_M
import numpy as np
from training.config import check_choice
from training.data.readers.shape import benchmark_crop
from training.data.sample import Sample
from training.evaluation.masks import eigen_mask, everywhere, flat_mask, nyu_mask, uncropped

ALIGNMENTS = ('none', 'depth', 'disparity')
"""Fit to the ground truth: none for metric depth, least squares of depth, or of 1/depth."""

CROPS = {
    'benchmark_crop': 'bottom centre, 352 x 1216',
    'eigen_mask': "Eigen's part of the crop",
    'nyu_mask': 'rows 45 to 470, columns 41 to 600',
    'flat_mask': 'sum of both Sobel responses at most 0.3',
}
EDGES_SHOWN = {'none': '', 'pdbe': 'PDBE', 'annotated': 'DBE, annotated'}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """
    How depth is compared on one data set.

    :param title: name in tables
    :param range_m: true depth outside it does not count; predictions are moved into it after
        the alignment, and above 1e-6 m in any case
    :param crop: part of each image that the network sees
    :param mask: part of the crop where depth is compared, from its true depth
    :param edges: boundary error: ``none``, ``pdbe`` or ``annotated`` (iBims-1)
    :param edge_far_m: true depth beyond it, such as sky, has this depth where boundaries are found
    :param fit_columns: widest map that takes part in a fit; of a wider one, only some columns
    :param images: number of images that the papers evaluate on
    :param silent: what the papers leave open, and what is done here
    """

    title: str
    range_m: tuple[float, float]
    images: int
    crop: Callable[[Sample], Sample] = uncropped
    mask: Callable[[np.ndarray], np.ndarray] = everywhere
    edges: str = 'none'
    edge_far_m: float = math.inf
    fit_columns: int = 0
    silent: str = ''


PROTOCOLS = {
    'kitti': Protocol(
        title='KITTI',
        range_m=(1e-5, 80.0),
        crop=benchmark_crop,
        mask=eigen_mask,
        images=652,
        silent='the list names 697 images, of which 652 have ground truth',
    ),
    'nyu': Protocol(title='NYUv2', range_m=(1e-3, 10.0), mask=nyu_mask, images=654),
    'eth3d': Protocol(title='ETH3D', range_m=(0.0, math.inf), fit_columns=1024, images=454),
    'scannet': Protocol(title='ScanNet', range_m=(1e-3, 10.0), images=800),
    'diode': Protocol(
        title='DIODE, Sobel mask',
        range_m=(0.6, 350.0),
        mask=flat_mask,
        images=771,
        silent='325 indoor and 446 outdoor; the mask is not used by other papers',
    ),
    'diode_marigold': Protocol(
        title='DIODE',
        range_m=(0.6, 350.0),
        images=771,
        silent='SharpDepth names 325 indoor images; its figures fit all 771',
    ),
    'booster': Protocol(
        title='Booster', range_m=(1e-3, 10.0), images=456, silent='range: that of indoor sets'
    ),
    'nuscenes': Protocol(
        title='nuScenes', range_m=(1e-3, 80.0), images=1000, silent='range: that of KITTI'
    ),
    'ibims': Protocol(
        title='iBims-1',
        range_m=(1e-3, 50.0),
        edges='annotated',
        images=100,
        silent='range: what the sensor reaches; thresholds of the DBE: those that fit the figures',
    ),
    'sintel': Protocol(
        title='Sintel',
        range_m=(1e-3, 200.0),
        edges='pdbe',
        images=1064,
        silent='the paper names 1065 images',
    ),
    'unrealstereo4k': Protocol(
        title='UnrealStereo4K', range_m=(1e-5, 200.0), edges='pdbe', edge_far_m=200.0, images=200
    ),
    'spring': Protocol(
        title='Spring',
        range_m=(1e-5, 200.0),
        edges='pdbe',
        edge_far_m=200.0,
        images=1015,
        silent='the paper names 1016 images',
    ),
    'frames': Protocol(
        title='own images',
        range_m=WIDEST_M,
        edges='pdbe',
        images=0,
        silent='not of a paper: what depth-refiner eval compares',
    ),
}


def protocol_of(name: str) -> Protocol:
    """
    Return a protocol.

    :raises SettingsError: for an unknown name, with the nearest known one
    """
    check_choice('protocol', name, list(PROTOCOLS))
    return PROTOCOLS[name]


def group_of(name: str) -> str:
    """Return ``indoor`` or ``outdoor`` as the path of an image of DIODE says, '' for others."""
    for part in name.replace('\\', '/').split('/'):
        for group in ('indoor', 'outdoor'):
            if part in (group, f'{group}s'):
                return group
    return ''


def protocol_table() -> str:
    """Return all protocols as a Markdown table; docs/evaluation.md holds it."""
    rows = [['`protocol`', 'data set', 'images', 'range, m', 'crop', 'mask', 'edges', 'left open']]
    rows.append(['---'] * len(rows[0]))
    for name, item in PROTOCOLS.items():
        near, far = (f'{value:g}' for value in item.range_m)
        crop = '' if item.crop is uncropped else CROPS[item.crop.__name__]
        mask = '' if item.mask is everywhere else CROPS[item.mask.__name__]
        rows.append(
            [
                f'`{name}`',
                item.title,
                f'{item.images or ""}',
                f'{near} to {far}',
                crop,
                mask,
                EDGES_SHOWN[item.edges],
                item.silent,
            ]
        )
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in rows)
