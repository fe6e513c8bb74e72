# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The embedding of the empty prompt, which replaces the text encoder of a one-step refiner."""

from pathlib import Path

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.diffusion.releases.weights import read_json, read_state, TEXT
import torch

TOKENIZER = 'tokenizer'
TOKENS = 2
"""Begin and end; the Marigold family tokenises the empty prompt without padding."""
PREFIX = 'text_model.'


def empty_prompt(folder: Path, *, pickles: bool, asked: str) -> torch.Tensor:
    """
    Encode the empty prompt with a release's own tokenizer and text encoder.

    :return: ``text_1LC`` with two tokens
    :raises WeightsError: if one of them is missing or broken, or transformers is not installed
    """
    try:
        from transformers import CLIPTextConfig, CLIPTextModel
    except ImportError as error:
        raise WeightsError(
            f'{asked}: official releases need transformers; run: pip install '
            "'depth_refiner_ros[models]', or use a bundle"
        ) from error
    tokens = _tokens(folder / TOKENIZER)
    config = read_json(folder / TEXT / 'config.json')
    state = read_state(folder, TEXT, pickles=pickles, asked=asked)
    try:
        encoder = CLIPTextModel(CLIPTextConfig.from_dict(config))
        # The prefix text_model of names depends on the version of the library.
        own = {name.removeprefix(PREFIX): name for name in encoder.state_dict()}
        encoder.load_state_dict(
            {
                own.get(name.removeprefix(PREFIX), name): value
                for name, value in state.items()
                if not name.endswith('.position_ids')
            }
        )
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f'{folder / TEXT}: weights and config.json do not fit: '
            f'{first_line(error)}; copy the release again'
        ) from error
    if int(tokens.max()) >= config.get('vocab_size', 0):
        raise WeightsError(
            f'{folder}: tokenizer and text_encoder belong to different models '
            f'(token {int(tokens.max())} of {config.get("vocab_size")}); copy the '
            'complete release again'
        )
    with torch.no_grad():
        return encoder.eval()(tokens)[0].clone()


def _tokens(folder: Path) -> torch.Tensor:
    """Return the tokens of the empty prompt."""
    from transformers import CLIPTokenizer

    if not (folder / 'vocab.json').is_file() and not (folder / 'tokenizer.json').is_file():
        raise WeightsError(f'{folder} has no vocabulary; copy the complete release again')
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise WeightsError(
            f'{folder} is not a tokenizer of CLIP: {first_line(error)}; copy the release again'
        ) from error
    tokens = tokenizer('', padding='do_not_pad', return_tensors='pt').input_ids
    if tuple(tokens.shape) != (1, TOKENS):
        raise WeightsError(
            f'{folder} gives {tokens.shape[-1]} tokens for the empty prompt, not '
            f'{TOKENS}; it belongs to another model'
        )
    return tokens
