# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Short names for hub ids in ``prior_weights``, and what the licences allow."""

from depth_refiner_ros.core.licence import is_non_commercial
from depth_refiner_ros.models.catalogue import find

DA2 = 'depth-anything/Depth-Anything-V2'
SIZES: dict[str, dict[str, str]] = {
    'depth_anything_v2_metric': {
        f'{scene}-{size}': f'{DA2}-Metric-{scene.capitalize()}-{size.capitalize()}-hf'
        for scene in ('indoor', 'outdoor')
        for size in ('small', 'base', 'large')
    },
    'depth_anything_v2': {
        size: f'{DA2}-{size.capitalize()}-hf' for size in ('small', 'base', 'large')
    },
    'depth_anything_3_metric': {'large': 'depth-anything/DA3METRIC-LARGE'},
    'depth_anything_3': {
        size: f'depth-anything/DA3{name}'
        for size, name in (('small', '-SMALL'), ('base', '-BASE'), ('mono-large', 'MONO-LARGE'))
    },
    'zoedepth': {'nyu-kitti': 'Intel/zoedepth-nyu-kitti'},
    'depth_pro': {'large': 'apple/DepthPro-hf'},
    'prompt_depth_anything': {
        'small': 'depth-anything/prompt-depth-anything-vits-hf',
        'large': 'depth-anything/prompt-depth-anything-vitl-hf',
    },
    'unidepth_v1': {size: f'lpiccinelli/unidepth-v1-{size}' for size in ('vitl14', 'cnvnxtl')},
    'unidepth_v2': {
        size: f'lpiccinelli/unidepth-v2-{size}' for size in ('vits14', 'vitb14', 'vitl14')
    },
    'unik3d': {size: f'lpiccinelli/unik3d-{size}' for size in ('vits', 'vitb', 'vitl')},
    'video_depth_anything': {
        size: f'depth-anything/Metric-Video-Depth-Anything-{size.capitalize()}'
        for size in ('small', 'base', 'large')
    },
    'prior_depth_anything': {
        size: f'Rain729/Prior-Depth-Anything:vit{size[0]}' for size in ('small', 'base')
    },
    'infinidepth': {'large': 'ritianyu/InfiniDepth:infinidepth'},
    'infinidepth_sensor': {'large': 'ritianyu/InfiniDepth:infinidepth_depthsensor'},
    'pixel_perfect_depth': {
        'moge2': 'gangweix/Pixel-Perfect-Depth:moge2',
        'depth_anything_v2': 'gangweix/Pixel-Perfect-Depth',
    },
    'moge2': {size: f'Ruicheng/moge-2-vit{size[0]}-normal' for size in ('small', 'base', 'large')},
}
"""Prior to short name to hub id."""

WIDTHS = {384: 'small', 768: 'base', 1024: 'large'}
"""Features of the encoder, which distinguish copies of Depth Anything models."""


def licence_of(prior: str, size: str) -> str:
    """
    Return the licence of published weights, with a warning if it forbids commercial use.

    :param size: key of :data:`SIZES`; the licence of any other is unknown
    """
    model = find(SIZES[prior].get(size, ''))
    if model is None:
        return 'licence unknown, see the model card'
    if is_non_commercial(model.licence):
        return f'{model.licence}, NO COMMERCIAL USE'
    return model.licence
