"""
Published weights by short name: where they are and what their licence allows.

A size such as ``indoor-small`` may stand in ``prior_weights`` for the hub id.
"""

from dataclasses import dataclass

NC = 'CC BY-NC 4.0'
ASK = 'licence not verified, see the model card'


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """
    One set of published weights.

    :param hub_id: repository on the Hugging Face hub
    :param licence: of the weights
    :param commercial: False where the licence rules out commercial use
    :param width: features of the encoder, by which local copies are told apart
    """

    hub_id: str
    licence: str
    commercial: bool = True
    width: int = 0


def _depth_anything(infix: str, hub_prefix: str) -> dict[str, KnownModel]:
    sizes = {'small': (384, 'Apache-2.0'), 'base': (768, NC), 'large': (1024, NC)}
    return {f'{infix}{size}': KnownModel(hub_id=f'{hub_prefix}{size.capitalize()}-hf',
                                         licence=licence, commercial=licence != NC, width=width)
            for size, (width, licence) in sizes.items()}


DA2 = 'depth-anything/Depth-Anything-V2-'
MODELS: dict[str, dict[str, KnownModel]] = {
    'depth_anything_v2_metric': {**_depth_anything('indoor-', f'{DA2}Metric-Indoor-'),
                                 **_depth_anything('outdoor-', f'{DA2}Metric-Outdoor-')},
    'depth_anything_v2': _depth_anything('', DA2),
    'prompt_depth_anything': {
        'small': KnownModel(hub_id='depth-anything/prompt-depth-anything-vits-hf', licence=ASK,
                            width=384),
        'large': KnownModel(hub_id='depth-anything/prompt-depth-anything-vitl-hf', licence=ASK,
                            width=1024)},
    'zoedepth': {
        'nyu-kitti': KnownModel(hub_id='Intel/zoedepth-nyu-kitti', licence='MIT'),
        'nyu': KnownModel(hub_id='Intel/zoedepth-nyu', licence='MIT'),
        'kitti': KnownModel(hub_id='Intel/zoedepth-kitti', licence='MIT')},
    'depth_pro': {'large': KnownModel(hub_id='apple/DepthPro-hf', commercial=False,
                                      licence='Apple AMLR (research only)')},
    'unidepth_v1': {
        'vitl14': KnownModel(hub_id='lpiccinelli/unidepth-v1-vitl14', licence=NC,
                             commercial=False),
        'cnvnxtl': KnownModel(hub_id='lpiccinelli/unidepth-v1-cnvnxtl', licence=NC,
                              commercial=False)},
    'unidepth_v2': {
        f'vit{letter}14': KnownModel(hub_id=f'lpiccinelli/unidepth-v2-vit{letter}14', licence=NC,
                                     commercial=False) for letter in 'sbl'},
}


def licence_line(model: KnownModel | None) -> str:
    """Say what a licence allows, loudly where it forbids."""
    if model is None:
        return ASK
    return model.licence if model.commercial else f'{model.licence}, NON-COMMERCIAL USE ONLY'


def of_width(prior: str, width: int) -> KnownModel | None:
    """Give the published model with an encoder this wide, None where there is none."""
    return next((model for model in MODELS[prior].values() if model.width == width), None)
