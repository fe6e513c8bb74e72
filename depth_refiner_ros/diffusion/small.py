"""The small refiner that comes with the package: unshuffled pixels and a convolutional UNet."""

from pathlib import Path
from typing import Any

from depth_refiner_ros.bundle import Bundle, first_line, MANIFEST, write_bundle
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.codec import UnshuffleCodec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.recipe import Recipe
from depth_refiner_ros.diffusion.unet import small_unet
from diffusers import UNet2DConditionModel

UNET_CONFIG = 'unet/config.json'
UNET_WEIGHTS = 'unet/diffusion_pytorch_model.safetensors'


def build_small(recipe: Recipe, *, block_channels: tuple[int, ...]) -> OneStepNetwork:
    """Build a small refiner with random weights."""
    codec = UnshuffleCodec(recipe.unshuffle_factor)
    unet = small_unet(recipe, depth_channels=codec.depth_channels,
                      rgb_channels=codec.rgb_channels, block_channels=block_channels)
    return OneStepNetwork(unet, codec, recipe)


def write_small_bundle(folder: Path, network: OneStepNetwork, record: dict[str, Any]) -> Bundle:
    """
    Write a refiner bundle in fp16, in diffusers' layout.

    :param folder: see :func:`~depth_refiner_ros.bundle.write_bundle`
    :param record: how it was trained, for the manifest
    """
    config = {key: value for key, value in network.unet.config.items()
              if not key.startswith('_') or key == '_class_name'}
    config['_class_name'] = 'UNet2DConditionModel'
    state = {name: value.detach().half() for name, value in network.unet.state_dict().items()}
    return write_bundle(
        folder, kind='refiner', name=record.get('name', 'apdepth-small'), licence='Apache-2.0',
        manifest={'recipe': network.recipe.to_dict(), 'training': record},
        tensors={UNET_WEIGHTS: state}, configs={UNET_CONFIG: config})


def read_small(bundle: Bundle) -> OneStepNetwork:
    """
    Build the network of a refiner bundle that needs no VAE.

    :raises WeightsError: where recipe, configuration and weights do not fit
    """
    tree = bundle.manifest.get('recipe')
    if not isinstance(tree, dict):
        raise WeightsError(f'{bundle.path / MANIFEST} has no usable recipe; export the bundle '
                           'again')
    recipe = Recipe.from_dict(tree)
    if recipe.codec != 'unshuffle':
        raise WeightsError(f'{bundle.path} needs the codec {recipe.codec}; only bundles of the '
                           'unshuffle codec can be read')
    try:
        unet = UNet2DConditionModel.from_config(bundle.json(UNET_CONFIG))
        unet.load_state_dict({name: value.float()
                              for name, value in bundle.tensors(UNET_WEIGHTS).items()})
    except (RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f'{bundle.path / UNET_WEIGHTS} does not fit {UNET_CONFIG}: '
                           f'{first_line(error)}; copy the bundle again') from error
    network = OneStepNetwork(unet, UnshuffleCodec(recipe.unshuffle_factor), recipe)
    return network.eval().requires_grad_(False)
