# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What a fine-tuning changed, on the frames that were held back from it.

Both bundles run as the package runs them, at the images' own size. Without true depth there is
still something to say of outlines: how far they lie from edges of the image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

import cv2
from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.edge_metrics import annotated_edge_metrics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.image_errors import image_errors
from depth_refiner_ros.core.images import image_batch, unit_image
from depth_refiner_ros.core.metrics import depth_metrics, MetricMean
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
from rich.progress import track
import torch
from training.config import RunConfig
from training.data.cut import camera_of
from training.data.mixture import Mixture
from training.data.sample import Sample
from training.pictures import write_pictures

JSON, TABLE, PICTURE = 'before_after.json', 'before_after.md', 'before_after.png'
SHOWN = 4
"""Frames in the picture, evenly spread."""
COLUMNS = {
    'abs_rel': 'AbsRel',
    'dbe_acc_px': 'edge accuracy, px',
    'dbe_compl_px': 'edge completeness, px',
    'image_edge_px': 'outlines to image edges, px',
    'prior_abs_rel': 'difference to the prior',
}


@dataclass
class _Row:
    """The figures of one depth over all frames: against truth, image edges and prior."""

    truth: MetricMean = field(default_factory=MetricMean)
    image: MetricMean = field(default_factory=MetricMean)
    prior: MetricMean = field(default_factory=MetricMean)

    def add(
        self,
        depth: torch.Tensor,
        prior: torch.Tensor,
        image_edges: torch.Tensor,
        true: torch.Tensor | None,
    ) -> None:
        against_prior = depth_metrics(depth, prior)
        self.prior.add(against_prior)
        self.image.add(against_prior, annotated_edge_metrics(depth, image_edges))
        if true is not None:
            self.truth.add(*image_errors(depth, true))

    def figures(self, kind: str) -> dict[str, float | None]:
        """Return ``mean`` or ``std`` of every column."""
        truth, image, prior = (
            getattr(item, kind)() for item in (self.truth, self.image, self.prior)
        )
        names = ('abs_rel', 'dbe_acc_px', 'dbe_compl_px')
        return {
            **{name: truth[name] for name in names},
            'image_edge_px': image['dbe_acc_px'],
            'prior_abs_rel': prior['abs_rel'],
        }


def compare_held_back(config: RunConfig, before: str, after: Path) -> dict[str, Any]:
    """
    Compare two refiners on the last frames of ``data.source``.

    Writes ``before_after.json``, ``.md`` and ``.png`` into the run's folder.

    :param config: of the run; the prior is that of the training
    :param before: bundle that the run started from
    :param after: bundle that it wrote
    :return: the content of the JSON file
    :raises SettingsError: where the run has no recording
    """
    if not config.data.source:
        raise SettingsError('data.source is not set; name the recording to compare on')
    frames = Mixture.of('validation', config.data).parts[0].samples
    name, _, weights = config.loss.prior.partition(':')
    refiners = {
        role: DepthRefiner.load(
            prior=name,
            prior_weights=weights or 'bundled',
            refiner='sharpdepth',
            refiner_weights=str(where),
            backend='torch',  # an export takes longer than these few frames
            threads=config.threads,
        )
        for role, where in (('before', before), ('after', after))
    }
    rows = {role: _Row() for role in ('prior', *refiners)}
    shown = set(np.linspace(0, len(frames) - 1, SHOWN).round().astype(int).tolist())
    drawn: list[dict[str, torch.Tensor]] = []
    lost = 0
    for index in track(range(len(frames)), description='before and after'):
        try:
            sample = frames[index]
        except FrameError as error:
            note(f'frame left out: {error}')
            lost += 1
            continue
        depths = _depths(sample, camera_of(sample, config.data), refiners)
        edges, true = _image_edges(sample.rgb_HW3), _true_depth(sample)
        for role, row in rows.items():
            row.add(depths[role], depths['prior'], edges, true)
        if index in shown:
            drawn.append(_maps(sample, depths, true))
    result = {
        'source': Path(config.data.source).name,
        'frames': len(frames) - lost,
        'lost': lost,
        'rows': {
            role: {**row.figures('mean'), 'std': row.figures('std')} for role, row in rows.items()
        },
    }
    folder = Path(config.output)
    write_text(folder / JSON, json.dumps(result, indent=1) + '\n')
    write_text(folder / TABLE, markdown(result))
    write_pictures(folder / PICTURE, _listed(drawn))
    return result


def markdown(result: Mapping[str, Any]) -> str:
    """Return the table; columns without a figure are left out."""
    rows = result['rows']
    columns = [name for name in COLUMNS if rows['after'][name] is not None]
    lines = [
        f'{result["frames"]} held-back frames of {result["source"]}, mean ± standard deviation',
        '',
        '| | ' + ' | '.join(COLUMNS[name] for name in columns) + ' |',
        '| --- ' * (len(columns) + 1) + '|',
    ]
    for role, figures in rows.items():
        cells = [_cell(figures[name], figures['std'][name]) for name in columns]
        lines.append(f'| {role} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _cell(mean: float | None, spread: float | None) -> str:
    if mean is None:
        return '–'
    return f'{mean:.3f}' if spread is None else f'{mean:.3f} ± {spread:.3f}'


def _depths(
    sample: Sample, camera: Intrinsics, refiners: Mapping[str, DepthRefiner]
) -> dict[str, torch.Tensor]:
    found = {
        role: refiner.refine(image_batch(sample.rgb_HW3), camera)
        for role, refiner in refiners.items()
    }
    maps = {role: refined.depth_m_B1HW for role, refined in found.items()}
    maps = {'prior': found['after'].prior_m_B1HW, **maps}
    return {role: depth_m_B1HW[0, 0].float().cpu() for role, depth_m_B1HW in maps.items()}


def _image_edges(rgb_HW3: np.ndarray) -> torch.Tensor:
    """Return edges of the image by Canny, with thresholds relative to its median brightness."""
    gray = np.asarray(cv2.cvtColor(rgb_HW3, cv2.COLOR_RGB2GRAY), np.float32)
    smooth = np.asarray(cv2.GaussianBlur(gray, (0, 0), 1.0), np.uint8)
    centre = float(np.median(smooth))
    return torch.from_numpy(cv2.Canny(smooth, 0.66 * centre, 1.33 * centre) > 0)


def _true_depth(sample: Sample) -> torch.Tensor | None:
    if sample.depth_m_HW is None:
        return None
    return torch.from_numpy(sample.depth_m_HW.astype(np.float32))


def _maps(
    sample: Sample, depths: Mapping[str, torch.Tensor], true: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    maps = {'image': unit_image(image_batch(sample.rgb_HW3))}
    maps |= {role: depth[None, None] for role, depth in depths.items()}
    if true is not None:
        maps['true'] = true[None, None]
    return maps


def _listed(frames: list[dict[str, torch.Tensor]]) -> dict[str, list[torch.Tensor]]:
    """Return maps by name, of all frames that have them, which may differ in size."""
    names = [name for name in frames[0] if all(name in maps for maps in frames)] if frames else []
    return {name: [maps[name][0] for maps in frames] for name in names}
