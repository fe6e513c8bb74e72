# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lines of published priors in the table of models."""

from collections.abc import Iterable

from depth_refiner_ros.models.published import LOCAL_FILE, Model, TRANSFORMERS


def _prior(
    id: str,
    use: str,
    what_for: str,
    licence: str,
    size_mb: float | None,
    *,
    get: str = 'hub',
    output: str = 'depth',
    files: tuple[str, ...] = TRANSFORMERS,
) -> Model:
    return Model(
        id=id,
        kind='prior',
        use=use,
        what_for=what_for,
        licence=licence,
        get=get,
        size_mb=size_mb,
        output=output,
        files=files,
    )


def _depth_anything() -> Iterable[Model]:
    hub, size_mb = 'depth-anything/Depth-Anything-V2', {'Small': 99, 'Base': 390, 'Large': 1340}
    for size, mb in size_mb.items():
        licence = 'Apache-2.0' if size == 'Small' else 'CC BY-NC 4.0'
        yield _prior(
            f'{hub}-{size}-hf',
            'depth_anything_v2',
            'relative disparity; ApDepth starts from it',
            licence,
            mb,
            output='disparity',
        )
    for scene, range_m in (('Indoor', 20), ('Outdoor', 80)):
        for size, mb in size_mb.items():
            licence = (
                'Apache-2.0'
                if size == 'Small'
                else 'CC BY-NC 4.0 upstream, Apache-2.0 on the card'
            )
            yield _prior(
                f'{hub}-Metric-{scene}-{size}-hf',
                'depth_anything_v2_metric',
                f'metric depth, {scene.lower()}, to {range_m} m',
                licence,
                mb,
            )


def _depth_anything_3() -> Iterable[Model]:
    for name, use, what_for, mb in (
        ('METRIC-LARGE', 'depth_anything_3_metric', 'metric depth from the focal length', 1337.0),
        (
            '-SMALL',
            'depth_anything_3',
            'relative depth, of the any-view model for one view',
            137.0,
        ),
        ('-BASE', 'depth_anything_3', 'relative depth, of the any-view model for one view', 541.0),
        ('MONO-LARGE', 'depth_anything_3', 'relative depth, from one image by design', 1337.0),
    ):
        yield _prior(f'depth-anything/DA3{name}', use, what_for, 'Apache-2.0', mb)


PRIORS: tuple[Model, ...] = (
    *_depth_anything(),
    *_depth_anything_3(),
    _prior(
        'depth_anything_v2_vitg.pth',
        'depth_anything_v2',
        "relative disparity; ApDepth's own choice",
        'unclear, treat as non-commercial',
        5000.0,
        get=f'{LOCAL_FILE}: unofficial, likeabruh/depth_anything_v2_vitg',
        output='disparity',
        files=('depth_anything_v2_vitg.safetensors', 'depth_anything_v2_vitg.pth'),
    ),
    _prior(
        'Intel/zoedepth-nyu-kitti', 'zoedepth', 'metric depth, indoor and outdoor', 'MIT', 1380.0
    ),
    _prior(
        'apple/DepthPro-hf',
        'depth_pro',
        'metric depth, estimates the focal length too',
        'Apple AMLR (research only)',
        1900.0,
    ),
    _prior(
        'depth-anything/prompt-depth-anything-vits-hf',
        'prompt_depth_anything',
        'metric depth from image and sensor depth',
        'Apache-2.0',
        100.0,
    ),
    _prior(
        'depth-anything/prompt-depth-anything-vitl-hf',
        'prompt_depth_anything',
        'metric depth from image and sensor depth',
        'Apache-2.0',
        1360.0,
    ),
    _prior(
        'lpiccinelli/unidepth-v1-vitl14',
        'unidepth_v1',
        "metric depth; SharpDepth's own choice",
        'CC BY-NC 4.0',
        1390.0,
    ),
    _prior(
        'lpiccinelli/unidepth-v1-cnvnxtl',
        'unidepth_v1',
        'metric depth, convolutional',
        'CC BY-NC 4.0',
        None,
    ),
    _prior('lpiccinelli/unidepth-v2-vits14', 'unidepth_v2', 'metric depth', 'CC BY-NC 4.0', 137.0),
    _prior('lpiccinelli/unidepth-v2-vitb14', 'unidepth_v2', 'metric depth', 'CC BY-NC 4.0', None),
    _prior('lpiccinelli/unidepth-v2-vitl14', 'unidepth_v2', 'metric depth', 'CC BY-NC 4.0', None),
    *(
        _prior(
            f'lpiccinelli/unik3d-{size}',
            'unik3d',
            'metric depth from viewing rays, estimates them too',
            'CC BY-NC 4.0',
            size_mb,
        )
        for size, size_mb in (('vits', 142.0), ('vitb', 469.0), ('vitl', 1435.0))
    ),
    *(
        _prior(
            f'yvanyin/metric3d:{name}',
            'metric3d_v2',
            'metric depth, any focal length',
            'BSD-2-Clause code; older texts say non-commercial',
            None,
            get='checkpoint of JUGGHM/Metric3D, through depth-refiner models import',
            files=(),
        )
        for name in ('metric3d_vit_small', 'metric3d_vit_large', 'metric3d_vit_giant2')
    ),
    *(
        _prior(
            f'depth-anything/Metric-Video-Depth-Anything-{size}',
            'video_depth_anything',
            'metric depth of a video image by image, steady from one to the next',
            licence,
            size_mb,
            get='through depth-refiner models import',
            files=(),
        )
        for size, licence, size_mb in (
            ('Small', 'Apache-2.0', 116.0),
            ('Base', 'CC BY-NC 4.0', 458.0),
            ('Large', 'CC BY-NC 4.0', 1538.0),
        )
    ),
    *(
        _prior(
            f'Rain729/Prior-Depth-Anything:{name}',
            'prior_depth_anything',
            'metric depth from image and measured depth with holes, or of a few points',
            licence,
            size_mb,
            get='through depth-refiner models import',
            files=(),
        )
        for name, licence, size_mb in (
            ('vits', 'Apache-2.0', 199.0),
            ('vitb', 'Apache-2.0; holds Depth Anything V2 Base, CC BY-NC 4.0', 782.0),
        )
    ),
    _prior(
        'gangweix/Pixel-Perfect-Depth:moge2',
        'pixel_perfect_depth',
        'relative depth without flying pixels, in four steps; needs a scale prior',
        "Apache-2.0; holds MoGe-2's encoder, MIT",
        3323.0,
        get='ppd_moge.pth, linked by github.com/gangweix/pixel-perfect-depth, through '
        'depth-refiner models import',
        files=(),
    ),
    _prior(
        'gangweix/Pixel-Perfect-Depth',
        'pixel_perfect_depth',
        'relative depth without flying pixels, in four steps; needs a scale prior',
        'Apache-2.0; holds Depth Anything V2 Large, CC BY-NC 4.0',
        3341.0,
        get='through depth-refiner models import',
        files=(),
    ),
    *(
        _prior(
            f'ritianyu/InfiniDepth:{name}',
            use,
            what_for,
            # Their loader takes the encoder from the file, too, trained on from Meta's weights.
            'Apache-2.0; holds DINOv3 weights, DINOv3 License (no military use)',
            None,
            get='through depth-refiner models import',
            output=output,
            files=(),
        )
        for name, use, what_for, output in (
            ('infinidepth', 'infinidepth', 'relative disparity, at any resolution', 'disparity'),
            (
                'infinidepth_depthsensor',
                'infinidepth_sensor',
                'metric depth at any resolution from image and measured points',
                'depth',
            ),
        )
    ),
    *(
        _prior(
            f'Ruicheng/moge-2-{name}',
            'moge2',
            'metric depth, estimates the field of view too, leaves out the sky',
            'MIT',
            size_mb,
            get='through depth-refiner models import; its ONNX file, named with -onnx, as it is',
            files=(),
        )
        for name, size_mb in (
            ('vits-normal', 141.0),
            ('vitb-normal', 419.0),
            ('vitl-normal', 1324.0),
            ('vitl', 1305.0),
        )
    ),
)
