"""One evaluation of a refiner's UNet, as training and both methods use it."""

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.codec import LatentCodec
from depth_refiner_ros.diffusion.recipe import Recipe
from depth_refiner_ros.diffusion.unet import input_channels
from diffusers import UNet2DConditionModel
import torch
from torch import nn
from torch.nn import functional

LOCAL_CELLS = 9
"""Local contrast is taken against the mean over this many latent cells."""


class OneStepNetwork(nn.Module):
    """
    A UNet with its codec and conventions: conditions in, clean depth latent out, in one step.

    :param unet: diffusers UNet whose channel counts fit the recipe
    :param codec: latent codec
    :param recipe: conventions of the weights
    :param text_1LC: embedding of the empty prompt, None for a UNet without text
    :raises WeightsError: where the UNet's inputs or outputs do not fit the recipe
    """

    text_1LC: torch.Tensor | None
    task_C: torch.Tensor | None

    def __init__(self, unet: UNet2DConditionModel, codec: LatentCodec, recipe: Recipe,
                 text_1LC: torch.Tensor | None = None) -> None:
        super().__init__()
        _check_fit(unet, codec, recipe, 0 if text_1LC is None else text_1LC.shape[-1])
        self.unet = unet
        self.codec = codec
        self.recipe = recipe
        task = torch.tensor(recipe.task_embedding) if recipe.task_embedding else None
        self.register_buffer('text_1LC', text_1LC, persistent=False)
        self.register_buffer('task_C', task, persistent=False)

    def condition(self, unit_B1HW: torch.Tensor, known_B1HW: torch.Tensor) -> torch.Tensor | None:
        """
        Give the further inputs beside the two latents, as the recipe asks.

        :param unit_B1HW: normalised prior, filled everywhere
        :param known_B1HW: bool, where the prior had a value
        """
        extras = []
        if self.recipe.detail:
            cell = self.codec.factor
            coarse = functional.avg_pool2d(unit_B1HW, cell)
            local = functional.avg_pool2d(coarse, LOCAL_CELLS, 1, LOCAL_CELLS // 2,
                                          count_include_pad=False)
            # Nearest keeps the cell's reference constant, so the map stays an exact high-pass.
            detail = unit_B1HW - functional.interpolate(local, scale_factor=float(cell))
            extras.append(self.codec.encode_depth(detail * self.recipe.detail_gain))
        if self.recipe.known:
            extras.append(functional.avg_pool2d(known_B1HW.to(unit_B1HW.dtype),
                                                self.codec.factor))
        return torch.cat(extras, dim=1) if extras else None

    def forward(self, depth_BChw: torch.Tensor, rgb_BChw: torch.Tensor,
                extra_BChw: torch.Tensor | None = None) -> torch.Tensor:
        """
        Predict the clean depth latent.

        :param depth_BChw: latent of the prior, of noise, or gated between them
        :param rgb_BChw: latent of the image
        :param extra_BChw: from :meth:`condition`
        """
        order = [depth_BChw, rgb_BChw]
        parts = order if self.recipe.channel_order == 'depth_rgb' else order[::-1]
        if extra_BChw is not None:
            parts = [*parts, extra_BChw]
        batch = depth_BChw.shape[0]
        text = None if self.text_1LC is None else self.text_1LC.expand(batch, -1, -1)
        task = None if self.task_C is None else self.task_C.expand(batch, -1)
        # The timestep stays an integer: in bfloat16, 999 would round to 1000.
        step = torch.tensor(self.recipe.timestep, device=depth_BChw.device)
        output = self.unet(torch.cat(parts, dim=1), step, text, class_labels=task).sample
        if self.recipe.prediction == 'residual':
            return depth_BChw + output * self.recipe.residual_gain
        return output


def _check_fit(unet: UNet2DConditionModel, codec: LatentCodec, recipe: Recipe,
               text_width: int) -> None:
    """Compare by name; a UNet without class embedding would ignore the task without a word."""
    config = unet.config
    labels = (config.projection_class_embeddings_input_dim
              if config.class_embed_type == 'projection' else 0)
    pairs = {
        'input channels': (config.in_channels,
                           input_channels(recipe, codec.depth_channels, codec.rgb_channels)),
        'output channels': (config.out_channels, codec.depth_channels),
        'task embedding': (labels, len(recipe.task_embedding)),
        'text embedding': (text_width, recipe.text_width),
    }
    for what, (has, needs) in pairs.items():
        if has != needs:
            raise WeightsError(f'unet: {what} has width {has}, the recipe needs {needs}; the '
                               'bundle mixes parts of different models')
