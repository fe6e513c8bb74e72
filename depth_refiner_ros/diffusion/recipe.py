"""How a refiner's network is used: the part of ``bundle.json`` that fixes its inputs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from depth_refiner_ros.core.errors import WeightsError

CHOICES = {
    'method': ('apdepth', 'sharpdepth'),
    'preset': ('paper', 'official_code', 'bundled'),
    'codec': ('vae', 'unshuffle'),
    'channel_order': ('depth_rgb', 'rgb_depth'),
    'prediction': ('sample', 'residual'),
    'space': ('depth', 'log', 'disparity'),
    'range': ('minmax', 'quantile', 'centre'),
    'difference': ('paper', 'official_code'),
    'difference_downsample': ('nearest', 'area'),
    'noise': ('gaussian', 'noised_latent'),
}
LIMITS = {'unshuffle_factor': (1, 64), 'timestep': (0, 999), 'text_width': (0, 65536),
          'max_edge_px': (0, 65536)}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """
    One refiner's conventions.

    :param method: ``apdepth`` (one deterministic pass over [depth, rgb] latents) or
        ``sharpdepth`` (a pass from noise, a difference map, a gated second pass)
    :param preset: the paper's text, the official code, or this package's own small networks
    :param codec: latent codec
    :param unshuffle_factor: cell size of the ``unshuffle`` codec in pixels
    :param channel_order: which latent comes first (SharpDepth: rgb; ApDepth stage 2: depth)
    :param timestep: the one integer timestep (999 for Lotus and SharpDepth, 1 for ApDepth)
    :param prediction: the output is the depth latent, or its difference to the prior's latent
    :param residual_gain: factor on the output of a ``residual`` network
    :param detail: append the prior's local contrast (high-pass, ApDepth 2.3) as a further input
    :param detail_gain: factor on it
    :param known: append the share of known prior pixels of each cell as a further input
    :param space: see :class:`~depth_refiner_ros.diffusion.normalization.DepthNormalizer`
    :param range: see there
    :param task_embedding: class label vector of Lotus-style UNets, empty where there is none
    :param text_width: width of the text embedding; 0 for a UNet without text
    :param difference: preset of :func:`~depth_refiner_ros.core.gating.difference_map`
    :param difference_downsample: how the difference map shrinks to latent size
    :param noise: what the gate blends in (eq. 4: Gaussian; official code: the noised latent)
    :param max_edge_px: images are resized to this longest edge; 0 keeps their size
    """

    method: str = 'apdepth'
    preset: str = 'bundled'
    codec: str = 'unshuffle'
    unshuffle_factor: int = 4
    channel_order: str = 'depth_rgb'
    timestep: int = 1
    prediction: str = 'residual'
    residual_gain: float = 0.1
    detail: bool = True
    detail_gain: float = 8.0
    known: bool = True
    space: str = 'log'
    range: str = 'centre'
    task_embedding: tuple[float, ...] = ()
    text_width: int = 0
    difference: str = 'paper'
    difference_downsample: str = 'nearest'
    noise: str = 'gaussian'
    max_edge_px: int = 0

    def __post_init__(self) -> None:
        for item in fields(self):
            value, form = getattr(self, item.name), type(item.default)
            if type(value) is not form and not (form is float and type(value) is int):
                raise WeightsError(f'recipe: {item.name} = {value!r} must be of type '
                                   f'{form.__name__}')
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise WeightsError(f'recipe: {name} = {getattr(self, name)} must lie between '
                                   f'{low} and {high}')
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise WeightsError(f'recipe: {name} = {getattr(self, name)!r} must be one of '
                                   f'{allowed}')

    def to_dict(self) -> dict[str, Any]:
        """Give the recipe as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> 'Recipe':
        """
        Read a recipe.

        :raises WeightsError: for an unknown key or value
        """
        unknown = set(tree) - {item.name for item in fields(cls)}
        if unknown:
            raise WeightsError(f'recipe: unknown keys {sorted(unknown)}; correct them, or use a '
                               'newer version of this package for a newer bundle')
        plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value
                                 for key, value in tree.items()}
        return cls(**plain)


def sharpdepth_recipe(preset: str) -> Recipe:
    """
    Give SharpDepth's conventions at full size.

    The presets differ as the paper and the official code do: the paper aligns the first pass to
    the prior (4.1) and gates in pure Gaussian noise (eq. 4); the code aligns nothing and gates in
    the first pass's latent noised to t = 999.
    """
    paper = preset == 'paper'
    return Recipe(
        method='sharpdepth', preset=preset, codec='vae', channel_order='rgb_depth', timestep=999,
        prediction='sample', detail=False, known=False, space='depth', range='minmax',
        task_embedding=(0.8414709848, 0.0, 0.5403023059, 1.0), text_width=1024,
        difference='paper' if paper else 'official_code', difference_downsample='nearest',
        noise='gaussian' if paper else 'noised_latent', max_edge_px=768)
