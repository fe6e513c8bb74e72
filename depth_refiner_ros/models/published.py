# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One line of the table of models, and the files that show where a model lies."""

from dataclasses import dataclass

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
