# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Refiner bundles: a :class:`OneStepNetwork` as a folder in diffusers' layout, and back.

The spec determines which files a bundle must hold, so a bundle that mixes the parts of different
models is refused with the name of the part. Neither tokenizer nor text encoder is needed: the
embedding of the empty prompt is stored.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.codec import LatentCodec, UnshuffleCodec, VaeCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.part import build_part
from depth_refiner_ros.models.bundle import Bundle, MANIFEST, staged_bundle
from diffusers import AutoencoderKL, AutoencoderTiny, ModelMixin, UNet2DConditionModel
import torch

CONFIG, WEIGHTS = 'config.json', 'diffusion_pytorch_model.safetensors'
UNET, GUESS, VAE = 'unet', 'unet_guess', 'vae'
TEXT, TEXT_KEY = 'text/empty_prompt.safetensors', 'text_1LC'
CLASSES: dict[str, tuple[type[ModelMixin], ...]] = {
    UNET: (UNet2DConditionModel,),
    GUESS: (UNet2DConditionModel,),
    VAE: (AutoencoderKL, AutoencoderTiny),
}


@contextmanager
def staged_refiner_bundle(
    folder: Path,
    network: OneStepNetwork,
    *,
    name: str,
    licence: str,
    source: str,
    record: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> Iterator[Bundle]:
    """
    Yield a new refiner bundle, which is moved to its folder once the block ends without an error.

    :param folder: see :func:`~depth_refiner_ros.models.bundle.staged_bundle`
    :param name: one word for the model
    :param licence: of the weights, stating if commercial use is not allowed
    :param source: origin of the weights; empty if they were trained here
    :param record: how they were trained, for the manifest
    :param dtype: number format of the weights in the files
    :raises OutputError: if the folder cannot be written
    :raises WeightsError: if a weight does not fit the number format, or a configuration does
        not describe its network
    """
    tensors, configs = {}, {}
    for part, module in _modules(network).items():
        configs[f'{part}/{CONFIG}'] = _true_config(part, module)
        tensors[f'{part}/{WEIGHTS}'] = _stored(part, module.state_dict(), dtype)
    if network.text_1LC is not None:
        tensors[TEXT] = _stored('text', {TEXT_KEY: network.text_1LC}, dtype)
    origin = {'source': source} if source else {}
    manifest = {**origin, 'spec': network.spec.to_dict()}
    if record is not None:
        manifest['training'] = dict(record)
    with staged_bundle(
        folder,
        kind='refiner',
        name=name,
        licence=licence,
        manifest=manifest,
        tensors=tensors,
        configs=configs,
    ) as bundle:
        yield bundle


def write_refiner_bundle(folder: Path, network: OneStepNetwork, **facts: Any) -> Bundle:
    """Write a refiner bundle; see :func:`staged_refiner_bundle` for the parameters."""
    with staged_refiner_bundle(folder, network, **facts) as staged:
        pass
    return replace(staged, path=folder)


def read_refiner(bundle: Bundle) -> OneStepNetwork:
    """
    Build the network of a refiner bundle, in float32, without gradients.

    :raises WeightsError: if spec, files, configurations and weights do not fit
    """
    # In older bundles the key is named recipe.
    tree = bundle.manifest.get('spec', bundle.manifest.get('recipe'))
    if not isinstance(tree, dict):
        raise WeightsError(f'{bundle.path / MANIFEST} has no usable spec; export the bundle again')
    try:
        spec = ModelSpec.from_dict(tree)
    except WeightsError as error:
        raise WeightsError(f'{bundle.path / MANIFEST}: {error}') from error
    _check_files(bundle, spec)
    codec: LatentCodec = (
        VaeCodec(_read_part(bundle, VAE))
        if spec.codec == 'vae'
        else UnshuffleCodec(spec.unshuffle_factor)
    )
    text = _read_text(bundle) if spec.text_width else None
    second = _read_part(bundle, GUESS) if spec.guess != 'self' else None
    network = OneStepNetwork(_read_part(bundle, UNET), codec, spec, text, second)
    return network.eval().requires_grad_(False)


def _modules(network: OneStepNetwork) -> dict[str, ModelMixin]:
    modules: dict[str, ModelMixin] = {UNET: network.unet}
    if network.unet_guess is not None:
        modules[GUESS] = network.unet_guess
    if isinstance(network.codec, VaeCodec):
        modules[VAE] = network.codec.vae
    return modules


def _true_config(part: str, module: ModelMixin) -> dict[str, Any]:
    """Return the checked configuration; a widened layer may leave a stale one (4 channels)."""
    config = {key: value for key, value in module.config.items() if not key.startswith('_')}
    with torch.device('meta'):
        rebuilt = type(module).from_config(config)
    mine = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in rebuilt.state_dict().items()}
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            raise WeightsError(
                f'{part}: {name} has shape {mine.get(name)}, its configuration '
                f'says {theirs.get(name)}; change both, with register_to_config'
            )
    return {'_class_name': type(module).__name__, **config}


def _stored(
    part: str, state: Mapping[str, torch.Tensor], dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    stored = {}
    for name, value in state.items():
        stored[name] = value.detach().to('cpu', dtype)
        if not bool(torch.isfinite(stored[name]).all()):
            raise WeightsError(
                f'{part}: {name} is not finite in {dtype}; write the bundle in '
                'torch.float32, or from a sound checkpoint'
            )
    return stored


def _check_files(bundle: Bundle, spec: ModelSpec) -> None:
    """Compare the listed files with those that the spec needs."""
    parts = [UNET] + [GUESS] * (spec.guess != 'self') + [VAE] * (spec.codec == 'vae')
    needed = {f'{part}/{file}' for part in parts for file in (CONFIG, WEIGHTS)}
    needed |= {TEXT} if spec.text_width else set()
    listed = set(bundle.manifest['sha256'])
    why = f'(codec {spec.codec}, guess {spec.guess}, text_width {spec.text_width})'
    for file in sorted(needed - listed):
        raise WeightsError(
            f'{bundle.path} has no {file}, which its spec needs {why}; export it again'
        )
    for file in sorted(listed - needed):
        raise WeightsError(
            f'{bundle.path} holds {file}, which its spec does not use {why}; the '
            'bundle mixes parts of different models'
        )


def _read_part(bundle: Bundle, part: str) -> Any:
    file = f'{part}/{CONFIG}'
    config = bundle.json(file)
    known = {form.__name__: form for form in CLASSES[part]}
    form = known.get(str(config.get('_class_name')))
    if form is None:
        raise WeightsError(
            f'{bundle.path / file}: _class_name is '
            f'{shown(config.get("_class_name"))}, not one of {tuple(known)}'
        )
    state = {name: value.float() for name, value in bundle.tensors(f'{part}/{WEIGHTS}').items()}
    return build_part(form, config, state, str(bundle.path / file), 'copy the bundle again')


def _read_text(bundle: Bundle) -> torch.Tensor:
    text = bundle.tensors(TEXT).get(TEXT_KEY)
    if text is None or text.ndim != 3 or text.shape[0] != 1:
        found = 'is missing' if text is None else f'has shape {tuple(text.shape)}'
        raise WeightsError(
            f'{bundle.path / TEXT}: {TEXT_KEY} {found}; it must be of shape (1, tokens, width)'
        )
    return text.float()
