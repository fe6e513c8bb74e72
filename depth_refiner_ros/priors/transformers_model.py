# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load a depth network of transformers from safetensors; all weights present and finite."""

from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.priors.loading import refuse_not_finite
from safetensors import SafetensorError
import torch
from torch import nn


class InFloat32(nn.Module):
    """
    Runs the last layers of a network in fp32 while the rest runs in half precision.

    bfloat16 would quantise depth to steps of half a percent.

    :param inner: the layers
    """

    _keep_in_fp32_modules = ('inner',)

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Return their output in fp32."""
        device = next(self.inner.parameters()).device.type
        with torch.autocast(device, enabled=False):
            return self.inner(
                *(_float32(value) for value in inputs),
                **{name: _float32(value) for name, value in named.items()},
            )


def _float32(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float()
    return [_float32(item) for item in value] if isinstance(value, list | tuple) else value


def load_model(
    where: Path,
    class_name: str,
    *,
    config: Any = None,
    state: dict[str, torch.Tensor] | None = None,
) -> Any:
    """
    Load a model of transformers in fp32.

    :param where: folder that :func:`model_folder.read_config` has checked, or the file of
        ``state``
    :param class_name: class in transformers
    :param config: configuration for ``state``
    :param state: weights under the published names, instead of those in a folder
    :raises WeightsError: if transformers is missing, or weights and configuration do not fit
    """
    try:
        import transformers
    except ImportError as error:
        raise WeightsError(
            "this prior needs transformers; run: pip install 'depth_refiner_ros[models]'"
        ) from error
    from huggingface_hub.errors import StrictDataclassError

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    weights = {'config': config, 'state_dict': state} if state else {'use_safetensors': True}
    try:
        model, report = getattr(transformers, class_name).from_pretrained(
            None if state else where,
            local_files_only=True,
            output_loading_info=True,
            dtype=torch.float32,
            **weights,
        )
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        RuntimeError,
        AttributeError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise WeightsError(
            f'{where} does not load as {class_name}: {first_line(error)}; copy the model again'
        ) from error
    for problem in ('missing_keys', 'mismatched_keys'):
        if names := sorted(map(str, report.get(problem, ()))):
            raise WeightsError(
                f'{where}: {len(names)} {problem.replace("_", " ")}, first '
                f'{names[0]}; weights and configuration belong to different models'
            )
    refuse_not_finite(where, model)
    return model.eval().requires_grad_(False)
