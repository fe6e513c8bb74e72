# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load an official release, local or from the hub, as the network that the methods run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.licence import is_non_commercial
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.part import build_part
from depth_refiner_ros.diffusion.releases.card import licence_of
from depth_refiner_ros.diffusion.releases.checks import (
    check_output,
    check_unet,
    gives_disparity,
    output_notes,
)
from depth_refiner_ros.diffusion.releases.families import FAMILIES, family_of, spec_of
from depth_refiner_ros.diffusion.releases.places import locate, Place
from depth_refiner_ros.diffusion.releases.schedule import read_schedule
from depth_refiner_ros.diffusion.releases.text import empty_prompt
from depth_refiner_ros.diffusion.releases.weights import (
    modern_names,
    read_json,
    read_state,
    UNET,
    VAE,
)
from depth_refiner_ros.diffusion.releases.widen import add_task, widen_conv_in
from diffusers import AutoencoderKL, ModelMixin, UNet2DConditionModel
import torch


@dataclass(frozen=True, kw_only=True)
class Release:
    """
    A release that has been read.

    :param network: in float32, without gradients
    :param name: short name
    :param licence: of the weights, ``unknown`` if nothing states it
    :param source: their origin: hub id and commit, or the folder
    :param notes: what was ignored on reading, one line each
    """

    network: OneStepNetwork
    name: str
    licence: str
    source: str
    notes: tuple[str, ...] = ()

    @property
    def non_commercial(self) -> bool:
        """Whether the licence rules out commercial use."""
        return is_non_commercial(self.licence)

    def describe(self) -> str:
        """Return one line: name, licence, origin."""
        use = ' (no commercial use)' if self.non_commercial else ''
        return f'refiner {self.name}: {self.licence}{use}, from {self.source}'


def load_release(
    where: str | Path,
    *,
    method: str | None = None,
    preset: str | None = None,
    prediction: str | None = None,
    widen: bool = False,
    licence: str | None = None,
    pickles: bool = False,
) -> Release:
    """
    Read an official release.

    :param where: a local folder with unet, vae, scheduler, text_encoder and tokenizer, or a hub
        id with or without @revision
    :param method: family of the weights (:data:`~.families.FAMILIES`), or ``lotus``; None if the
        catalogue or the files state it
    :param preset: conventions, None for those of the released weights
    :param prediction: ``sample`` or ``v_prediction`` if the scheduler's value is a leftover
    :param widen: give a UNet for one latent the inputs for two, and a task embedding where the
        family has one, as the start of training
    :param licence: of the weights, if neither catalogue nor model card states it
    :param pickles: read pickled weights of parts that have no others, as plain tensors
    :raises WeightsError: if it cannot be obtained, is broken, or is a model of another kind
    """
    place = locate(str(where), pickles=pickles)
    index_file = place.folder / 'model_index.json'
    index = read_json(index_file) if index_file.is_file() else {}
    unet_config = read_json(place.folder / UNET / 'config.json')
    family = family_of(place, method, index, unet_config)
    check_output(place, family, index)
    check_unet(place, family, unet_config, widen=widen)
    schedule = read_schedule(place.folder)
    spec = spec_of(
        family,
        preset,
        disparity=gives_disparity(place),
        zero_snr=schedule.zero_snr,
        ends_clean=schedule.ends_clean,
    )
    # The prediction of a base model does not matter, because training changes it.
    leftovers = FAMILIES[family].leftovers + ((schedule.prediction,) if widen else ())
    schedule.check(place.asked, spec, leftovers=leftovers, prediction=prediction)

    text = empty_prompt(place.folder, pickles=pickles, asked=place.asked)
    unet = _read(place, UNET, unet_config, UNet2DConditionModel, pickles=pickles)
    if unet.config.in_channels != FAMILIES[family].channels:
        widen_conv_in(unet, FAMILIES[family].channels)
    if FAMILIES[family].task and unet.class_embedding is None:
        add_task(unet, FAMILIES[family].task)
    vae_config = read_json(place.folder / VAE / 'config.json')
    vae = _read(place, VAE, vae_config, AutoencoderKL, pickles=pickles)
    # The release's own text embedding and size take precedence.
    spec = replace(
        spec, text_width=_text_width(place, unet, text), max_edge_px=_edge_px(index, spec)
    )
    network = OneStepNetwork(unet, VaeCodec(vae), spec, text)
    return Release(
        network=network.eval().requires_grad_(False),
        source=place.source,
        name=place.model.short if place.model else place.folder.resolve().name,
        licence=licence or licence_of(place),
        notes=(*schedule.notes(spec), *output_notes(place, family)),
    )


def _edge_px(index: Mapping[str, Any], spec: ModelSpec) -> int:
    """Return the size that a release states for its weights, unless the paper states one."""
    if spec.preset in ('paper', 'paper_tables'):
        return spec.max_edge_px
    edge_px = index.get('default_processing_resolution')
    return edge_px if type(edge_px) is int else spec.max_edge_px


def _text_width(place: Place, unet: UNet2DConditionModel, text_1LC: torch.Tensor) -> int:
    if unet.config.cross_attention_dim != text_1LC.shape[-1]:
        raise WeightsError(
            f'{place.asked}: the text encoder is {text_1LC.shape[-1]} wide, the '
            f'UNet takes {unet.config.cross_attention_dim}; they are parts of '
            'different models'
        )
    return int(text_1LC.shape[-1])


def _read(
    place: Place, part: str, config: Mapping[str, Any], form: type[ModelMixin], *, pickles: bool
) -> Any:
    known = config.get('_class_name', form.__name__)
    if known != form.__name__:
        raise WeightsError(
            f'{place.folder / part / "config.json"}: _class_name is {shown(known)}, '
            f'not {form.__name__}; it is a model of another kind'
        )
    state = modern_names(read_state(place.folder, part, pickles=pickles, asked=place.asked))
    where = str(place.folder / part / 'config.json')
    return build_part(form, config, state, where, 'copy the release again')
