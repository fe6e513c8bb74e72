# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One evaluation of a refiner's UNet, as training and both methods use it."""

from collections.abc import Callable

from depth_refiner_ros.core.checks import surely_everywhere
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.types import Prepare
from depth_refiner_ros.core.window_mean import window_mean
from depth_refiner_ros.diffusion.codec import LatentCodec, signed, UnshuffleCodec
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.pixel_unet import PixelUnet
from depth_refiner_ros.diffusion.schedule import after_one_step, alpha_bar, clean_from_v
from depth_refiner_ros.diffusion.unet import input_channels
from diffusers import UNet2DConditionModel
import torch
from torch import nn
from torch.nn import functional

LOCAL_CELLS = 9
"""Local contrast is relative to the mean over this many latent cells."""
LAYOUT_CELLS = 3
"""The layout of a prior is its mean over this many latent cells."""


class OneStepNetwork(nn.Module):
    """
    A UNet with its codec and conventions: maps conditions to a clean depth latent in one step.

    :param unet: diffusers UNet whose channel counts fit the spec
    :param codec: latent codec
    :param spec: conventions of the weights
    :param text_1LC: embedding of the empty prompt, None for a UNet without text
    :param unet_guess: second UNet for SharpDepth's first pass, if the spec names one
    :raises WeightsError: if a UNet's inputs or outputs do not fit the spec
    """

    text_1LC: torch.Tensor | None
    task_C: torch.Tensor | None

    def __init__(
        self,
        unet: UNet2DConditionModel,
        codec: LatentCodec,
        spec: ModelSpec,
        text_1LC: torch.Tensor | None = None,
        unet_guess: UNet2DConditionModel | None = None,
    ) -> None:
        super().__init__()
        text_width = 0 if text_1LC is None else text_1LC.shape[-1]
        _check_fit('unet', unet, codec, spec, text_width)
        if (unet_guess is None) is not (spec.guess == 'self'):
            has = 'no' if unet_guess is None else 'a'
            raise WeightsError(
                f'spec: guess = {shown(spec.guess)}, but there is {has} second UNet '
                "(unet_guess); 'self' goes without one"
            )
        if unet_guess is not None:
            _check_fit('unet_guess', unet_guess, codec, spec, text_width)
        self.unet = unet
        self.unet_guess = unet_guess
        self.codec = codec
        self.spec = spec
        embedding = spec.task_embedding
        task = torch.tensor(embedding, device=unet.device) if embedding else None
        self.register_buffer('text_1LC', text_1LC, persistent=False)
        self.register_buffer('task_C', task, persistent=False)
        self._prepared: dict[UNet2DConditionModel, Callable[..., torch.Tensor]] = {}
        self._on_pixels: Callable[..., torch.Tensor] | None = None

    def attach_backend(self, prepare: Prepare) -> None:
        """Run UNets and codec by a backend from now on, for inference only."""
        self.codec.attach_backend(prepare)
        for name, unet in (('unet', self.unet), ('unet_guess', self.unet_guess)):
            if unet is None:
                continue
            folded = FoldedUnet(unet, self.spec.timestep, self.text_1LC, self.task_C)
            if self._adds_to_pixels:
                latents = 2 + int(self.spec.detail)
                self._on_pixels = prepare(PixelUnet(folded, self.codec.factor, latents), name)
            else:
                self._prepared[unet] = prepare(folded, name)

    @property
    def _adds_to_pixels(self) -> bool:
        """Whether ApDepth's whole pass is a map that is added to the prior, pixel by pixel."""
        spec = self.spec
        return (
            isinstance(self.codec, UnshuffleCodec)
            and (spec.method, spec.prediction, spec.layout) == ('apdepth', 'residual', False)
            and spec.clip != 'channels'
        )

    def condition(self, unit_B1HW: torch.Tensor, known_B1HW: torch.Tensor) -> torch.Tensor | None:
        """
        Return the further inputs besides the two latents, as the spec says.

        :param unit_B1HW: normalised prior, filled everywhere
        :param known_B1HW: where the prior had a value, bool, or the share of each pixel
        """
        cell, extras = self.codec.factor, []
        if self.spec.layout:
            extras.append(_local_mean(unit_B1HW, cell, LAYOUT_CELLS))
        if self.spec.detail:
            extras.append(self.codec.encode_depth(self._detail(unit_B1HW)))
        if self.spec.known:
            extras.append(_known_share(known_B1HW, cell).to(unit_B1HW.dtype))
        return torch.cat(extras, dim=1) if extras else None

    def _detail(self, unit_B1HW: torch.Tensor) -> torch.Tensor:
        """Return how far the prior is above its local mean, which is constant in each cell."""
        cell = self.codec.factor
        local_B1hw = _local_mean(unit_B1HW, cell, LOCAL_CELLS)
        cells = unit_B1HW.unflatten(3, (-1, cell)).unflatten(2, (-1, cell))
        above = cells - local_B1hw[:, :, :, None, :, None]
        return above.flatten(4, 5).flatten(2, 3) * self.spec.detail_gain

    def on_pixels(
        self, rgb_B3HW: torch.Tensor, unit_B1HW: torch.Tensor, known_B1HW: torch.Tensor
    ) -> torch.Tensor | None:
        """
        Return ApDepth's refined depth by a backend that packs cells itself; None without one.

        The parameters are those of :func:`~.apdepth.apdepth_inputs`.
        """
        if self._on_pixels is None:
            return None
        image = signed(rgb_B3HW)
        depth_first = self.spec.channel_order == 'depth_rgb'
        maps = [unit_B1HW, image] if depth_first else [image, unit_B1HW]
        if self.spec.detail:
            maps.append(self._detail(unit_B1HW))
        if self.spec.known:
            maps.append(_known_share(known_B1HW, self.codec.factor).to(unit_B1HW.dtype))
        change = self._on_pixels(*maps)
        refined = torch.add(unit_B1HW, change, alpha=self.spec.residual_gain)
        return refined.clamp(-1.0, 1.0) if self.spec.clip == 'depth' else refined

    def forward(
        self,
        depth_BChw: torch.Tensor | None,
        rgb_BChw: torch.Tensor,
        extra_BChw: torch.Tensor | None = None,
        *,
        guess: bool = False,
    ) -> torch.Tensor:
        """
        Predict the clean depth latent.

        :param depth_BChw: latent of the prior, of noise, or gated between them; None for a
            network that takes only the image
        :param rgb_BChw: latent of the image
        :param extra_BChw: from :meth:`condition`
        :param guess: this is SharpDepth's first pass
        """
        output = self.output(depth_BChw, rgb_BChw, extra_BChw, guess=guess)
        if self.spec.prediction == 'residual':
            base_BChw = self._base(depth_BChw, extra_BChw)
            return torch.add(base_BChw, output, alpha=self.spec.residual_gain)
        if self.spec.prediction == 'v':
            noisy = torch.zeros_like(output) if depth_BChw is None else depth_BChw
            if self.spec.ends_at == 'first_step':
                first = alpha_bar(0, zero_snr=self.spec.zero_snr)
                return after_one_step(noisy, output, self.alpha_bar, first)
            return clean_from_v(noisy, output, self.alpha_bar)
        return output

    def output(
        self,
        depth_BChw: torch.Tensor | None,
        rgb_BChw: torch.Tensor,
        extra_BChw: torch.Tensor | None = None,
        *,
        guess: bool = False,
        timestep_B: torch.Tensor | None = None,
        task_C: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """
        Return what the UNet itself predicts; see :meth:`forward` for the first parameters.

        :param timestep_B: integers, for training over the whole schedule; None is the spec's
        :param task_C: another task embedding than the spec's (Lotus reconstructs images, too)
        """
        depth_first = self.spec.channel_order == 'depth_rgb'
        parts = [depth_BChw, rgb_BChw] if depth_first else [rgb_BChw, depth_BChw]
        sample = torch.cat([part for part in (*parts, extra_BChw) if part is not None], dim=1)
        unet = self.unet_guess if guess and self.unet_guess is not None else self.unet
        if unet in self._prepared:
            return self._prepared[unet](sample)
        batch = len(sample)
        text = None if self.text_1LC is None else self.text_1LC.expand(batch, -1, -1)
        task = self.task_C if task_C is None else task_C
        labels = None if task is None else task.expand(batch, -1)
        if timestep_B is None:
            # It stays an integer: in bfloat16, 999 would round to 1000.
            timestep_B = torch.tensor(self.spec.timestep, device=sample.device)
        predicted: torch.Tensor = unet(sample, timestep_B, text, class_labels=labels).sample
        return predicted

    def _base(
        self, depth_BChw: torch.Tensor | None, extra_BChw: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the latent that a residual is added to: the prior's, or its layout's."""
        if not self.spec.layout:
            assert depth_BChw is not None  # a spec without one is refused
            return depth_BChw
        assert extra_BChw is not None
        layout_B1HW = functional.interpolate(
            extra_BChw[:, :1], scale_factor=float(self.codec.factor), mode='bilinear'
        )
        return self.codec.encode_depth(layout_B1HW)

    @property
    def alpha_bar(self) -> float:
        """Return the signal share of the spec's timestep."""
        return alpha_bar(self.spec.timestep, zero_snr=self.spec.zero_snr)

    def decode(self, latent_BChw: torch.Tensor) -> torch.Tensor:
        """Return normalised depth as inference uses it, clipped if the spec says so."""
        unit = self.codec.decode_depth(latent_BChw, clip=self.spec.clip == 'channels')
        return unit.clamp(-1.0, 1.0) if self.spec.clip == 'depth' else unit


def _local_mean(unit_B1HW: torch.Tensor, cell: int, cells: int) -> torch.Tensor:
    """Return the mean over a window of cells around each cell, less at the image's edge."""
    return window_mean(functional.avg_pool2d(unit_B1HW, cell), cells // 2)


def _known_share(known_B1HW: torch.Tensor, cell: int) -> torch.Tensor:
    """Return the mean of a mask over each cell."""
    if known_B1HW.dtype == torch.bool and surely_everywhere(known_B1HW):
        rows, columns = (side // cell for side in known_B1HW.shape[-2:])
        return torch.ones(len(known_B1HW), 1, rows, columns)
    return functional.avg_pool2d(known_B1HW.float(), cell)


def _check_fit(
    part: str, unet: UNet2DConditionModel, codec: LatentCodec, spec: ModelSpec, text_width: int
) -> None:
    """Check widths by name; a UNet without class embedding would silently ignore the task."""
    config = unet.config
    labels = (
        config.projection_class_embeddings_input_dim
        if config.class_embed_type == 'projection'
        else 0
    )
    pairs = {
        'input channels': (
            config.in_channels,
            input_channels(spec, codec.depth_channels, codec.rgb_channels),
        ),
        'output channels': (config.out_channels, codec.depth_channels),
        'task embedding': (labels, len(spec.task_embedding)),
        'text embedding': (text_width, spec.text_width),
    }
    for what, (has, needs) in pairs.items():
        if has != needs:
            raise WeightsError(
                f'{part}: {what} has width {has}, the spec needs {needs}; the '
                'bundle mixes parts of different models'
            )
