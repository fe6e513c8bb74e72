# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.depth_anything import DepthAnythingPrior, OffsetTokens
from depth_refiner_ros.priors.focal import TRAINING_FOCAL
from depth_refiner_ros.priors.prompt_depth_anything import (
    prompt_of,
    PROMPT_ROWS,
    PromptDepthAnythingPrior,
    SPREAD_M,
)
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.zoedepth import domains_of, ZoeDepthPrior
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.priors import tiny_models

CAMERA = Intrinsics.from_fov(53, 37, 60.0)
LONGER = Intrinsics(
    fx=2 * CAMERA.fx, fy=2 * CAMERA.fy, cx=CAMERA.cx, cy=CAMERA.cy, width=53, height=37
)
RGB = torch.rand(2, 3, 37, 53, generator=torch.Generator().manual_seed(0))
SENSOR = 1.0 + torch.rand(2, 1, 37, 53, generator=torch.Generator().manual_seed(1))
SMALL = {'depth_anything_v2_metric': 70, 'depth_anything_v2': 70, 'prompt_depth_anything': 70}


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    makers = {
        'depth_anything_v2_metric': tiny_models.depth_anything,
        'depth_anything_v2': lambda: tiny_models.depth_anything('relative', 1),
        'zoedepth': tiny_models.zoedepth,
        'depth_pro': tiny_models.depth_pro,
        'prompt_depth_anything': tiny_models.prompt_depth_anything,
    }
    return {
        name: tiny_models.saved(make(), tmp_path_factory.mktemp(name))
        for name, make in makers.items()
    }


def built(folders, name, **options):
    return build_prior(name, str(folders[name]), short_side=SMALL.get(name, 0), **options)


NAMES = (
    'depth_anything_v2_metric',
    'depth_anything_v2',
    'zoedepth',
    'depth_pro',
    'prompt_depth_anything',
)


@pytest.mark.parametrize('name', NAMES)
def test_depth_has_the_images_size_and_each_image_its_own(folders, name):
    prior = built(folders, name)
    with torch.inference_mode():
        both = prior.predict(RGB, CAMERA, SENSOR)
        second = prior.predict(RGB[1:], CAMERA, SENSOR[1:])
    assert both.depth_B1HW.shape == (2, 1, 37, 53)
    assert both.depth_B1HW.dtype == torch.float32
    assert bool(torch.isfinite(both.depth_B1HW).all())
    assert float(both.depth_B1HW.min()) >= 0.0
    assert float(both.depth_B1HW.std()) > 1e-3, 'the map must follow the image'
    alone, beside = second.depth_B1HW, both.depth_B1HW[1:]
    if name == 'depth_pro':  # what it predicts is inverse: a far pixel's metres magnify rounding
        alone, beside = alone.reciprocal(), beside.reciprocal()
    torch.testing.assert_close(
        beside, alone, rtol=1e-4, atol=0.02 if name != 'depth_pro' else 1e-5
    )
    assert both.kind == ('disparity' if name == 'depth_anything_v2' else 'metric')


@pytest.mark.parametrize('name', NAMES)
def test_half_precision_stays_near_and_does_not_quantise_depth(folders, name):
    prior = built(folders, name)
    with torch.inference_mode():
        exact = prior.predict(RGB[:1], CAMERA, SENSOR[:1]).depth_B1HW
        with torch.autocast('cpu', torch.bfloat16):
            rough = prior.predict(RGB[:1], CAMERA, SENSOR[:1]).depth_B1HW
    assert rough.shape == exact.shape
    assert rough.dtype == torch.float32
    assert float((rough - exact).abs().mean()) < 0.1 * float(exact.std()) + 0.01
    assert len(rough.unique()) > 0.5 * len(exact.unique())


def test_a_prior_describes_itself_in_one_line(folders, subtests):
    for name in NAMES:
        with subtests.test(name=name):
            (line,) = built(folders, name).describe()
            assert line.startswith(f'prior {name}')
            assert line.endswith(f'MB, {folders[name]}')
            assert '\n' not in line
            assert ('NO COMMERCIAL USE' in line) is (name == 'depth_pro')


def test_metric_depth_anything_equals_the_model_called_by_hand(folders):
    """The same as the authors' code: bicubic in, ImageNet numbers, aligned corners out."""
    prior = built(folders, 'depth_anything_v2_metric', focal_rule='none')
    pixels = functional.interpolate(RGB, size=(70, 98), mode='bicubic')
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    small = tiny_models.depth_anything()(pixel_values=(pixels - mean) / std).predicted_depth
    expected = functional.interpolate(
        small[:, None], size=(37, 53), mode='bilinear', align_corners=True
    )
    actual = prior.predict(RGB, CAMERA).depth_B1HW
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
    assert 0.0 < float(actual.max()) <= 20.0


def by_dinov2s_code(model):
    """Resample a model's positions as DINOv2's own code does: by (patches + 0.1) / side."""
    embeddings = model.backbone.embeddings
    table = embeddings.position_embeddings
    side = math.isqrt(table.shape[1] - 1)

    def resampled(tokens, height, width):
        rows, columns = height // 14 + 0.1, width // 14 + 0.1
        square = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = functional.interpolate(
            square, scale_factor=(rows / side, columns / side), mode='bicubic'
        )
        return torch.cat([table[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)

    embeddings.interpolate_pos_encoding = resampled
    return model


def test_depth_anything_may_resample_positions_as_its_own_code(folders, subtests):
    for name, kind in (('depth_anything_v2', 'relative'), ('depth_anything_v2_metric', 'metric')):
        with subtests.test(name):
            official, usual = (
                built(folders, name, focal_rule='none', input=how)
                for how in ('official_code', 'model')
            )
            model = by_dinov2s_code(
                tiny_models.depth_anything(kind, 1 if kind == 'relative' else 20)
            )
            pixels = preprocess.depth_anything(70).prepare(RGB)
            expected = functional.interpolate(
                model(pixel_values=pixels).predicted_depth[:, None],
                size=(37, 53),
                mode='bilinear',
                align_corners=True,
            )
            found = official.predict(RGB, CAMERA).depth_B1HW
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
            other = usual.predict(RGB, CAMERA).depth_B1HW
            assert float((other - expected).abs().max()) > 1e-3 * float(expected.max())


def test_images_of_the_trained_size_have_the_trained_positions():
    embeddings = tiny_models.depth_anything().backbone.embeddings
    side = math.isqrt(embeddings.position_embeddings.shape[1] - 1)
    pixels = torch.rand(2, 3, side * 14, side * 14)
    assert torch.equal(OffsetTokens(embeddings)(pixels), embeddings(pixels))
    wide = torch.rand(1, 3, 14, side * 28)
    assert OffsetTokens(embeddings)(wide).shape == embeddings(wide).shape
    assert not torch.equal(OffsetTokens(embeddings)(wide), embeddings(wide))


def test_relative_depth_anything_in_the_way_of_apdepth(folders):
    prior = build_prior(
        'depth_anything_v2', str(folders['depth_anything_v2']), input='official_compat'
    )
    pixels = functional.interpolate(
        RGB * 2.0 - 1.0, size=(42, 56), mode='bilinear', align_corners=True
    )
    model = by_dinov2s_code(tiny_models.depth_anything('relative', 1))
    expected = functional.interpolate(
        model(pixel_values=pixels).predicted_depth[:, None],
        size=(37, 53),
        mode='bilinear',
        align_corners=True,
    )
    actual = prior.predict(RGB, CAMERA).depth_B1HW
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('max_depth', 'camera'), [(20, 'hypersim'), (80, 'vkitti2')])
def test_metric_depth_anything_is_corrected_from_its_training_camera(tmp_path, max_depth, camera):
    folder = tiny_models.saved(tiny_models.depth_anything('metric', max_depth), tmp_path)
    plain, adapted = (
        build_prior('depth_anything_v2_metric', str(folder), short_side=70, focal_rule=rule)
        for rule in ('none', 'auto')
    )
    raw = plain.predict(RGB, CAMERA).depth_B1HW
    factor = CAMERA.fx / 37 / TRAINING_FOCAL[camera]
    torch.testing.assert_close(adapted.predict(RGB, CAMERA).depth_B1HW, raw * factor)
    torch.testing.assert_close(adapted.predict(RGB, LONGER).depth_B1HW, raw * 2.0 * factor)
    assert torch.equal(adapted.predict(RGB, None).depth_B1HW, raw)
    assert torch.equal(plain.predict(RGB, None).depth_B1HW, raw)


def test_disparity_takes_no_notice_of_the_camera(folders):
    prior = built(folders, 'depth_anything_v2')
    known, unknown = (prior.predict(RGB, camera).depth_B1HW for camera in (LONGER, None))
    assert torch.equal(known, unknown)


class MeanColor(nn.Module):
    """Return the mean of the normalised colors as depth."""

    def forward(self, pixels_B3hw):
        return pixels_B3hw.mean(dim=1, keepdim=True)


def test_the_networks_map_is_passed_on_as_it_is():
    white = torch.ones(1, 3, 37, 53)
    prior = DepthAnythingPrior(MeanColor(), kind='disparity', rule=preprocess.official_compat())
    torch.testing.assert_close(prior.predict(white, CAMERA).depth_B1HW, torch.ones(1, 1, 37, 53))


class Voting(nn.Module):
    """Return one metre everywhere, and vote indoors for dark images, outdoors for bright ones."""

    def forward(self, pixels_B3hw):
        bright = pixels_B3hw.mean(dim=(1, 2, 3))
        return torch.ones_like(pixels_B3hw[:, :1]), torch.stack([-bright, bright], dim=1)


def test_zoedepth_corrects_each_image_by_the_domain_it_chose():
    images = torch.stack([torch.zeros(3, 37, 53), torch.ones(3, 37, 53)])
    depth = ZoeDepthPrior(Voting(), ('nyu', 'kitti')).predict(images, CAMERA).depth_B1HW
    for index, domain in enumerate(('nyu', 'kitti')):
        expected = CAMERA.fx / 37 / TRAINING_FOCAL[domain]
        torch.testing.assert_close(depth[index], torch.full((1, 37, 53), expected))
    plain = ZoeDepthPrior(Voting(), ('nyu', 'kitti'), focal_rule='none')
    torch.testing.assert_close(plain.predict(images, CAMERA).depth_B1HW, torch.ones(2, 1, 37, 53))


def test_zoedepth_equals_the_model_and_processor_of_transformers(folders):
    from transformers import ZoeDepthImageProcessorPil

    pixels = (RGB[:1] * 255.0).round().to(torch.uint8)
    seen = ZoeDepthImageProcessorPil(ensure_multiple_of=32)(
        pixels[0].numpy(), return_tensors='pt', input_data_format='channels_first'
    ).pixel_values
    small = tiny_models.zoedepth()(pixel_values=seen).predicted_depth[:, None]
    borders = preprocess.mirrored((37, 53))
    padded = functional.interpolate(small, size=borders.around((37, 53)), mode='bicubic')
    expected = borders.removed(padded)
    prior = built(folders, 'zoedepth', focal_rule='none')
    actual = prior.predict(pixels.float() / 255.0, None).depth_B1HW
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-3)


def test_zoedepth_with_one_head_knows_its_domain(tmp_path):
    folder = tiny_models.saved(tiny_models.zoedepth(('kitti',)), tmp_path)
    prior = build_prior('zoedepth', str(folder))
    assert prior.describe()[0].startswith('prior zoedepth kitti: ')
    raw = build_prior('zoedepth', str(folder), focal_rule='none').predict(RGB, CAMERA).depth_B1HW
    factor = CAMERA.fx / 37 / TRAINING_FOCAL['kitti']
    torch.testing.assert_close(prior.predict(RGB, CAMERA).depth_B1HW, raw * factor)


def test_domains_without_names_are_told_by_their_range():
    assert domains_of([{'max_depth': 10.0}, {'max_depth': 80.0}]) == ('nyu', 'kitti')


def test_depth_pro_takes_the_known_focal_length(folders):
    prior = built(folders, 'depth_pro')
    squashed = functional.interpolate(RGB * 2.0 - 1.0, size=(128, 128), mode='bilinear')
    model = tiny_models.depth_pro()
    inverse = functional.interpolate(
        model(pixel_values=squashed).predicted_depth[:, None], size=(37, 53), mode='bilinear'
    )
    expected = CAMERA.fx / (53 * inverse.clamp_min(1e-4))
    near = expected < 1e3
    actual = prior.predict(RGB, CAMERA).depth_B1HW
    torch.testing.assert_close(actual[near], expected[near], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        prior.predict(RGB, LONGER).depth_B1HW[near], 2.0 * actual[near], rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize('options', [{'focal_rule': 'none'}, {}])
def test_depth_pro_estimates_the_field_of_view_where_it_may_not_know_it(folders, options):
    prior = built(folders, 'depth_pro', **options)
    camera = CAMERA if options else None
    squashed = functional.interpolate(RGB * 2.0 - 1.0, size=(128, 128), mode='bilinear')
    output = tiny_models.depth_pro()(pixel_values=squashed)
    inverse = functional.interpolate(
        output.predicted_depth[:, None], size=(37, 53), mode='bilinear'
    )
    focal_px = 0.5 * 53 / torch.tan(torch.deg2rad(output.field_of_view) / 2.0)
    expected = focal_px.view(-1, 1, 1, 1) / (53 * inverse.clamp_min(1e-6))
    near = expected < 1e3
    assert float(near.float().mean()) > 0.5
    actual = prior.predict(RGB, camera).depth_B1HW
    torch.testing.assert_close(actual[near], expected[near], rtol=1e-3, atol=1e-3)


def test_depth_pro_without_field_of_view_needs_the_camera(tmp_path):
    folder = tiny_models.saved(tiny_models.depth_pro(with_fov=False), tmp_path)
    prior = build_prior('depth_pro', str(folder))
    assert bool(torch.isfinite(prior.predict(RGB, CAMERA).depth_B1HW).all())
    with pytest.raises(InputError, match='cannot estimate the field of view; publish camera_info'):
        prior.predict(RGB, None)


class PromptBack(nn.Module):
    """Return the prompt at the size of the pixels."""

    def forward(self, pixels_B3hw, prompt_m_B1hw):
        return functional.interpolate(prompt_m_B1hw, size=pixels_B3hw.shape[-2:], mode='bilinear')


def test_the_prompt_is_the_sensors_depth_in_metres():
    flat = torch.full((1, 1, 37, 53), 2.5)
    flat[..., 10:20, 10:20] = math.nan
    prior = PromptDepthAnythingPrior(PromptBack(), preprocess.prompt_depth_anything(70))
    depth = prior.predict(RGB[:1], None, flat).depth_B1HW
    torch.testing.assert_close(depth[..., 4:, 4:], torch.full((1, 1, 33, 49), 2.5))


def test_a_prompt_has_neither_holes_nor_a_single_value():
    depth = torch.full((3, 1, 12, 16), 2.0)
    depth[0, ..., :6] = math.nan
    depth[2, ..., 8:] = 3.0
    prompt = prompt_of(depth)
    assert bool(torch.isfinite(prompt).all())
    span = prompt.flatten(1).amax(1) - prompt.flatten(1).amin(1)
    assert span.tolist() == pytest.approx([SPREAD_M, SPREAD_M, 1.0])
    assert int((prompt[1] != 2.0).sum()) == 1
    assert torch.equal(prompt[2], depth[2]), 'a prompt that is sound stays as it is'


def test_a_fine_prompt_becomes_coarse():
    depth = torch.linspace(1.0, 2.0, 480).view(1, 1, 480, 1).expand(1, 1, 480, 640)
    prompt = prompt_of(depth)
    assert prompt.shape == (1, 1, PROMPT_ROWS, 256)
    assert float(prompt.mean()) == pytest.approx(1.5, abs=1e-4)


@pytest.mark.parametrize(
    'prompt',
    [
        torch.full((2, 1, 37, 53), 1.5),
        torch.where(
            torch.rand(2, 1, 37, 53, generator=torch.Generator().manual_seed(2)) < 0.7,
            torch.nan,
            SENSOR,
        ),
        torch.where(SENSOR > 1.7, torch.inf, SENSOR),
        SENSOR[..., ::3, ::3],
    ],
)
def test_any_prompt_gives_finite_depth_of_its_scale(folders, prompt):
    depth = built(folders, 'prompt_depth_anything').predict(RGB, None, prompt).depth_B1HW
    ten = built(folders, 'prompt_depth_anything').predict(RGB, None, prompt * 10.0).depth_B1HW
    assert bool(torch.isfinite(depth).all())
    if float(prompt[0, 0, 0].nan_to_num(1.5).std()) > 0.0:
        torch.testing.assert_close(ten, depth * 10.0, rtol=1e-3, atol=1e-3)


def test_a_prompt_that_cannot_be_used_is_refused(folders, subtests):
    cases = [
        (None, 'needs a depth image as its prompt; connect depth_in'),
        (torch.full((2, 1, 5, 5), math.nan), 'no valid pixel'),
        (torch.stack([torch.ones(1, 5, 5), torch.zeros(1, 5, 5)]), 'depth image 1 of the batch'),
        (torch.ones(1, 1, 5, 5), '2 images but 1 depth images'),
    ]
    for prompt, message in cases:
        with subtests.test(message), pytest.raises(InputError, match=message):
            built(folders, 'prompt_depth_anything').predict(RGB, CAMERA, prompt)


def test_a_smaller_short_side_makes_the_network_see_less(folders):
    prior = built(folders, 'depth_anything_v2_metric')
    seen = []
    prior.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    prior.predict(RGB, CAMERA)
    assert tuple(seen[0]) == (2, 3, 70, 98)
