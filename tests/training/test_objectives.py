# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every objective: what it changes and what it leaves alone, and the papers' equations by hand."""

from dataclasses import replace
import math

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.gating import difference_map
from depth_refiner_ros.diffusion.apdepth import apdepth_inputs
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.losses import fft_loss, noise_aware_l1, score_distillation
from depth_refiner_ros.diffusion.schedule import alpha_bar
from depth_refiner_ros.models.bundle import open_bundle
import pytest
import torch
from training.config import EmaConfig
from training.models.adapter import AdapterModel, build_adapter
from training.models.encoder import EncoderModel
from training.models.refiner import with_unet
from training.models.teacher import TeacherModel
from training.optimizers import make_optimizers

from tests.training.tiny_runs import batch_of, built, OBJECTIVES, step


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize('name', OBJECTIVES)
def test_a_step_moves_what_is_trained_and_nothing_frozen(make_config, name):
    objective = built(make_config(name))
    trained, frozen = state(objective.trained), state(objective.frozen)
    average = state(objective.ema.networks)
    batch = batch_of(objective.config)
    step(objective, batch)
    step(objective, batch_of(objective.config, 1), 1)
    moved = [
        key
        for key, value in objective.trained.state_dict().items()
        if not torch.equal(value, trained[key])
    ]
    # Two steps, as a layer that starts at zero hides those before it in the first.
    assert len(moved) > 0.9 * len(trained)
    for before, module in ((frozen, objective.frozen), (average, objective.ema.networks)):
        assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert not any(value.requires_grad for value in objective.frozen.parameters())
    assert all(value.grad is None for value in objective.frozen.parameters())


@pytest.mark.parametrize('name', OBJECTIVES)
def test_unknown_depth_takes_no_part(make_config, name):
    config = make_config(name)
    if config.data.priors:
        config.data.priors = {'sharp': 1.0}
    objective, batch = built(config), batch_of(config)
    depth = batch.depth_m_B1HW.clone()
    depth[..., 3:9, 5:20] = math.nan
    parts = objective(replace(batch, depth_m_B1HW=depth), 0)
    parts['loss'].backward()
    assert all(math.isfinite(float(value.detach())) for value in parts.values())
    grads = [value.grad for value in objective.trained.parameters() if value.grad is not None]
    assert grads
    assert all(bool(torch.isfinite(grad).all()) for grad in grads)
    figures = objective.validate([replace(batch, depth_m_B1HW=depth)])
    assert all(math.isfinite(value) for value in figures.values())


def test_score_distillation_has_the_gradient_of_eq_5():
    weight = 1.0 - alpha_bar(999)
    assert weight == pytest.approx(0.99534, abs=1e-5)
    latent = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0))
    latent.requires_grad_(True)
    teacher = torch.randn(2, 4, 3, 5, requires_grad=True)
    score_distillation(latent, teacher, weight).backward()
    torch.testing.assert_close(latent.grad, weight * (latent - teacher).detach() / latent.numel())
    assert teacher.grad is None
    broken = teacher.detach().clone()
    broken[0, 0, 0, 0] = math.nan
    latent.grad = None
    score_distillation(latent, broken, weight).backward()
    assert float(latent.grad[0, 0, 0, 0]) == 0.0
    assert bool(torch.isfinite(latent.grad).all())


def test_the_noise_aware_loss_by_hand():
    depth, target = torch.tensor([0.5, -1.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 0.0])
    e = torch.tensor([1.0, 0.5, 1.0, 0.0])
    depth, target, e = (item.view(1, 1, 2, 2) for item in (depth, target, e))
    # Half the differences, as the maps move from [-1, 1] to [0, 1].
    assert float(noise_aware_l1(depth, target, e)) == pytest.approx((0.25 + 0.5) / 2.5)
    assert float(noise_aware_l1(depth, target, e, mean_over='pixels')) == pytest.approx(0.75 / 4)
    assert float(noise_aware_l1(depth, target, torch.zeros_like(e))) == 0.0


def sharpdepth_parts(make_config, *, steps=(0,), **loss):
    config = make_config('sharpdepth', loss=loss, ema=EmaConfig(decay=0.9))
    config.data.priors, config.data.photometric = {'smeared': 1.0}, 0.0
    objective = built(config)
    return objective, [objective(batch_of(config, number), number) for number in steps]


def test_the_reconstruction_alone_reaches_the_unet_and_without_it_nothing_is_decoded(
    make_config, monkeypatch
):
    objective, [parts] = sharpdepth_parts(make_config, sds=0.0)
    assert set(parts) == {'loss', 'reconstruction'}
    parts['loss'].backward()
    gradient = sum(float(value.grad.abs().sum()) for value in objective.trained.parameters())
    assert gradient > 0.0

    objective, _ = sharpdepth_parts(make_config, steps=(), reconstruction=0.0)
    decoded = []
    codec = objective.network.codec
    plain = codec.decode_depth
    monkeypatch.setattr(
        codec,
        'decode_depth',
        lambda *arguments, **options: (
            decoded.append(torch.is_grad_enabled()) or plain(*arguments, **options)
        ),
    )
    objective(batch_of(objective.config), 0)['loss'].backward()
    assert decoded == [False], 'the first pass alone'


def test_sharpdepth_by_its_equations(make_config):
    objective, [parts] = sharpdepth_parts(make_config, gated_share=1.0)
    batch, network = batch_of(objective.config), objective.network
    with torch.no_grad():
        prior = objective.priors.draw(batch).prior_m_B1HW
        unit = objective.normalizer.normalize(fill_holes(prior), torch.ones_like(prior).bool())
        codec, draws = network.codec, batch.generator
        image, metric = codec.encode_rgb(batch.rgb_B3HW), codec.encode_depth(unit.unit_B1HW)
        noise = torch.randn(metric.shape, generator=draws)
        guess = objective.averaged(noise, image)
        e = difference_map(
            unit.unit_B1HW, codec.decode_depth(guess), rule=network.spec.difference_rule
        )
        share = alpha_bar(999)
        fresh = torch.randn(metric.shape, generator=draws)
        noised = share**0.5 * guess + (1 - share) ** 0.5 * fresh
        cells = e[..., :: codec.factor, :: codec.factor]
        torch.rand(len(metric), generator=draws)
        clean = network(cells * noised + (1 - cells) * metric, image)
        again = share**0.5 * clean + (1 - share) ** 0.5 * torch.randn(
            metric.shape, generator=draws
        )
        wanted = objective.teacher(again, image)
        sds = 0.5 * (1 - share) * (clean - wanted).square().mean()
        reconstruction = (
            e * 0.5 * (codec.decode_depth(clean) - unit.unit_B1HW).abs()
        ).sum() / e.sum()
    assert float(parts['sds']) == pytest.approx(float(sds), rel=1e-5)
    assert float(parts['reconstruction']) == pytest.approx(float(reconstruction), rel=1e-5)
    total = float(parts['loss'].detach())
    assert total == pytest.approx(float(sds) + 0.3 * float(reconstruction), rel=1e-5)


def starts_of(make_config, monkeypatch, **loss):
    """Return the depth latents that the refiner itself starts from, and the network's passes."""
    objective, _ = sharpdepth_parts(make_config, steps=(), **loss)
    objective.begin(None, '')
    seen = []
    plain = objective.network.forward
    monkeypatch.setattr(
        objective.network,
        'forward',
        lambda depth, *rest, **options: seen.append(depth) or plain(depth, *rest, **options),
    )
    objective(batch_of(objective.config), 0)
    return seen


def test_the_settings_of_table_3_start_where_they_should(make_config, monkeypatch):
    [ours] = starts_of(make_config, monkeypatch, gated_share=1.0)
    [noise] = starts_of(make_config, monkeypatch, input='noise')
    [metric] = starts_of(make_config, monkeypatch, input='metric')
    [mixed] = starts_of(make_config, monkeypatch, gated_share=0.0)
    guess = starts_of(make_config, monkeypatch, difference='frozen', gated_share=1.0)
    own = starts_of(make_config, monkeypatch, difference='self', gated_share=1.0)
    assert torch.equal(noise, mixed)
    assert float(noise.std()) == pytest.approx(1.0, abs=0.1)
    assert float(metric.abs().max()) <= 1.0
    assert not torch.equal(ours, noise)
    assert not torch.equal(ours, metric)
    # Before the first update, average, start and network are the same weights.
    assert [len(guess), len(own)] == [2, 2]
    assert torch.equal(guess[1], ours)
    assert torch.equal(own[1], ours)


def test_a_frozen_difference_source_is_kept_and_exported(make_config, tmp_path):
    objective, _ = sharpdepth_parts(make_config, steps=(), difference='frozen')
    objective.begin(None, '')
    before = state(objective.network.unet_guess)
    step(objective, batch_of(objective.config))
    objective.ema.update(objective.trained, 1)
    objective.export(tmp_path / 'bundle', {})
    network = read_refiner(open_bundle(tmp_path / 'bundle', 'refiner'))
    assert network.spec.guess == 'frozen'
    for name, value in network.unet_guess.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=1e-3, atol=1e-4)
    assert not all(
        torch.allclose(value, before[name], rtol=1e-3, atol=1e-4)
        for name, value in network.unet.state_dict().items()
    )


def apdepth_parts(make_config, number, **loss):
    config = make_config('apdepth_depth', loss=loss)
    config.data.photometric, config.data.priors = 0.0, {'sharp': 1.0}
    objective = built(config)
    return objective, objective(batch_of(config), number)


def test_the_frequency_phase_begins_exactly_at_its_step(make_config):
    weights = {'phase2_step': 3, 'fft': 0.7}
    _, before = apdepth_parts(make_config, 2, **weights)
    _, after = apdepth_parts(make_config, 3, **weights)
    assert set(before) == {'loss', 'latent', 'pixel', 'gradient'}
    spatial = 0.5 * before['latent'] + before['pixel'] + before['gradient']
    assert float(before['loss'].detach()) == pytest.approx(float(spatial), rel=1e-5)
    assert set(after) == {'loss', 'fft'}, 'what has no weight is not computed'
    assert float(after['loss'].detach()) == pytest.approx(0.7 * float(after['fft']), rel=1e-5)
    _, mixed = apdepth_parts(make_config, 3, phase2_spatial=0.25, **weights)
    expected = 0.25 * float(spatial) + 0.7 * float(after['fft'])
    assert float(mixed['loss'].detach()) == pytest.approx(expected, rel=1e-5)


def test_the_frequency_loss_of_maps_and_of_latents(make_config):
    for of in ('decoded', 'latent'):
        objective, parts = apdepth_parts(
            make_config, 0, phase2_step=0, fft_strength=1.0, fft_of=of
        )
        batch = batch_of(objective.config)
        known = torch.ones_like(batch.depth_m_B1HW).bool()
        prior = objective.normalizer.normalize(batch.depth_m_B1HW, known)
        inputs = apdepth_inputs(objective.network, batch.rgb_B3HW, prior.unit_B1HW, known)
        latent, target = objective.network(*inputs), prior.unit_B1HW
        pair = (latent, objective.network.codec.encode_depth(target))
        if of == 'decoded':
            pair = (objective.network.codec.decode_depth(latent), target)
        expected = float(fft_loss(*pair, strength=1.0).detach())
        assert float(parts['fft']) == pytest.approx(expected, rel=1e-5)


def test_depth_is_decoded_once_where_both_phases_compare_it(make_config, monkeypatch):
    objective, _ = apdepth_parts(make_config, 0, phase2_step=0, phase2_spatial=0.5)
    plain, calls = objective.network.codec.decode_depth, []
    monkeypatch.setattr(
        objective.network.codec,
        'decode_depth',
        lambda *inputs, **options: calls.append(1) or plain(*inputs, **options),
    )
    assert 'fft' in objective(batch_of(objective.config), 0)
    assert len(calls) == 1


def align_config(make_config, *, kind='prior', adapter='conv', **loss):
    return make_config(
        'apdepth_align',
        model={
            'encoder': EncoderModel(kind=kind, weights='' if kind == 'none' else 'bundled'),
            'adapter': AdapterModel(kind=adapter),
        },
        loss=loss,
    )


def test_alignment_alone_trains_what_leads_to_the_mid_block(make_config):
    config = align_config(make_config, depth=0.0)
    objective = built(config)
    parts = objective(batch_of(config), 0)
    assert set(parts) == {'loss', 'align'}
    assert 0.0 <= float(parts['align']) <= 2.0
    parts['loss'].backward()
    reached = {
        name.split('.')[1]
        for name, value in objective.trained.named_parameters()
        if value.grad is not None and float(value.grad.abs().sum()) > 0.0
    }
    assert {'conv_in', 'down_blocks', 'mid_block'} <= reached
    assert 'up_blocks' not in reached
    assert objective.some_unused


def test_the_optimiser_of_stage_1_holds_the_first_layer_and_the_adapter(make_config):
    config = align_config(make_config)
    objective = built(config)
    [optimizer] = make_optimizers(objective.trained, config.optimizer).values()
    held = {id(value) for group in optimizer.param_groups for value in group['params']}
    assert id(objective.network.unet.conv_in.weight) in held
    assert {id(value) for value in objective.trained['adapter'].parameters()} <= held


def test_without_an_encoder_depth_alone_is_trained(make_config):
    objective = built(align_config(make_config, kind='none'))
    parts = objective(batch_of(objective.config), 0)
    assert set(parts) == {'loss', 'depth'}
    assert set(objective.trained) == {'unet'}


def test_adapters_have_the_sizes_of_the_paper():
    def size(kind):
        adapter = build_adapter(AdapterModel(kind=kind), 1280, 1536)
        return sum(value.numel() for value in adapter.parameters())

    assert size('conv') == pytest.approx(25.57e6, rel=1e-3)
    assert size('mlp') == pytest.approx(6.69e6, rel=1e-3)
    features = torch.randn(1, 64, 5, 7)
    assert build_adapter(AdapterModel(groups=8), 64, 32)(features).shape == (1, 32, 5, 7)
    lite0 = build_adapter(AdapterModel(), 64, 114)
    assert lite0(features).shape == (1, 114, 5, 7)
    assert lite0[1].num_groups == 19, 'the most that divide 114, at most 32'


def test_lotus_switches_tasks_by_the_embedding(make_config):
    config = make_config('lotus')
    objective = built(config)
    objective.network.unet.class_embedding.linear_2.weight.data.normal_()
    first = objective(batch_of(config), 0)
    assert set(first) == {'loss', 'depth', 'image'}
    same_task = config.loss
    same_task.image = 0.0
    assert set(objective(batch_of(config), 0)) == {'loss', 'depth'}


def test_marigold_predicts_at_every_timestep(make_config, monkeypatch):
    config = make_config('marigold')
    objective = built(config)
    seen = []
    plain = objective.network.output
    monkeypatch.setattr(
        objective.network,
        'output',
        lambda *inputs, **options: seen.append(options['timestep_B']) or plain(*inputs, **options),
    )
    for number in range(4):
        assert set(objective(batch_of(config, number), number)) == {'loss', 'v'}
    steps = torch.cat(seen)
    assert not steps.is_floating_point(), 'in bfloat16, 999 would round to 1000'
    assert len(steps.unique()) > 4
    assert int(steps.min()) >= 0
    assert int(steps.max()) <= 999


def test_the_averaged_network_lies_where_its_unet_does(make_config):
    objective = built(make_config('lotus'))
    network = objective.network.to('meta')
    assert network.task_C is not None
    assert with_unet(network, network.unet).task_C.device.type == 'meta'


def test_a_teacher_in_bfloat16_teaches_a_run_in_fp32(make_config):
    teacher = TeacherModel(start='small', bf16=True)
    objective = built(make_config('sharpdepth', model={'teacher': teacher}))
    loss = objective(batch_of(objective.config), 0)['loss'].detach()
    assert loss.dtype == torch.float32
    plain = built(make_config('sharpdepth'))
    torch.testing.assert_close(
        loss, plain(batch_of(plain.config), 0)['loss'].detach(), rtol=0.1, atol=0.0
    )


def test_a_teacher_computes_in_the_precision_of_its_run(make_config):
    objective = built(make_config('sharpdepth'))
    seen = []
    conv = objective.teacher.unet.conv_in
    conv.register_forward_hook(lambda *parts: seen.append(parts[-1].dtype))
    with torch.autocast('cpu', torch.bfloat16):
        objective(batch_of(objective.config), 0)
    assert seen == [torch.bfloat16]


def test_processes_wait_for_no_gradient_that_does_not_come(make_config):
    assert built(make_config('apdepth_align', loss={'align': 0.0})).some_unused
    assert not built(make_config('apdepth_align')).some_unused


def test_a_weight_of_edges_without_pixels_is_refused(make_config):
    with pytest.raises(SettingsError, match=r'loss\.edge = 4 weighs the pixels of loss\.pixel'):
        built(make_config('lotus', loss={'edge': 4.0, 'gradient': 1.0}))
