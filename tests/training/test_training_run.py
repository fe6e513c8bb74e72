# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import json
import math
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import OutputError, SourceError, WeightsError
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.losses import fft_loss
from depth_refiner_ros.models.bundle import open_bundle, sha256
from depth_refiner_ros.priors.bundled import read_prior_network
import pytest
from safetensors.torch import load_file, save_file
import torch
from training import run
from training.checkpoint import AVERAGE, HASHED, HASHES, OPTIMIZER, WEIGHTS
from training.config import OptimizerConfig, save_config
from training.data.batches import make_batch
from training.data.rooms import RenderedRooms
from training.loop import NotFiniteError, train
from training.objectives import build_objective

from tests.training.rooms_folder import write_rooms

FILES = sorted((*HASHED, HASHES))
OBJECTIVES = ['metric_prior', 'apdepth_depth']


def run_config(config):
    torch.manual_seed(config.seed)
    objective = build_objective(config)
    return objective, train(config, objective)


def rows(output):
    return [json.loads(line) for line in (output / 'log.jsonl').read_text().splitlines()]


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_a_whole_run(make_config, tmp_path, objective):
    built, figures = run_config(make_config(objective))
    output = tmp_path / 'run'
    assert sorted(path.name for path in output.iterdir()) == [
        'best',
        'checkpoint',
        'checkpoint.previous',
        'config.yaml',
        'log.jsonl',
    ]
    for folder in ('best', 'checkpoint', 'checkpoint.previous'):
        assert sorted(path.name for path in (output / folder).iterdir()) == FILES
    assert math.isfinite(figures[built.best_by])
    log = rows(output)
    assert [row['step'] for row in log if 'loss' in row] == [1, 2, 3, 4]
    assert [row['step'] for row in log if 'loss' not in row] == [2, 4]
    assert all(math.isfinite(value) for row in log for value in row.values())


@pytest.mark.parametrize(
    ('objective', 'optimizer'),
    [('metric_prior', 'adamw'), ('metric_prior', 'muon'), ('apdepth_depth', 'adamw')],
)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    make_config, tmp_path, objective, optimizer
):
    whole, parts = str(tmp_path / 'whole'), str(tmp_path / 'parts')
    changes = {
        'accumulate': 2,
        'validate_every': 3,
        'optimizer': OptimizerConfig(name=optimizer, lr=1e-3, warmup_steps=2),
    }
    run_config(make_config(objective, output=whole, **changes))
    # The schedule spans the whole run in both, as it does when a run is cut off.
    first = make_config(objective, output=parts, steps=2, **changes)
    first.optimizer = replace(first.optimizer, total_steps=4)
    second = make_config(objective, output=parts, **changes)
    run_config(first)
    run_config(second)
    for name in (AVERAGE, OPTIMIZER, WEIGHTS):
        one = load_file(f'{whole}/checkpoint/{name}')
        two = load_file(f'{parts}/checkpoint/{name}')
        assert one.keys() == two.keys()
        assert len(one) > 10
        for key in one:
            assert torch.equal(one[key], two[key]), f'{name}: {key}'
    assert json.loads((tmp_path / 'parts/checkpoint/state.json').read_text())['step'] == 4


def test_training_lowers_the_loss(make_config, tmp_path):
    config = make_config('metric_prior', steps=30, validate_every=30, batch=4)
    config.optimizer.lr = 3e-3
    config.data.photometric, config.data.flip = 0.0, False
    run_config(config)
    losses = [row['loss'] for row in rows(tmp_path / 'run') if 'loss' in row]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_a_loss_that_is_not_finite_stops_the_run_with_its_step(make_config, tmp_path, capsys):
    config = make_config('metric_prior', init_from=str(tmp_path / 'spoilt/checkpoint'))
    sound = make_config('metric_prior', steps=1, output=str(tmp_path / 'spoilt'))
    run_config(sound)
    checkpoint = tmp_path / 'spoilt/checkpoint'
    state = load_file(checkpoint / AVERAGE)
    state['head.bias'].fill_(math.nan)
    save_file(state, checkpoint / AVERAGE)
    hashes = {name: sha256(checkpoint / name) for name in HASHED}
    (checkpoint / HASHES).write_text(json.dumps(hashes))
    with pytest.raises(NotFiniteError, match=r'loss is nan at step 0: .*lower optimizer'):
        run_config(config)
    save_config(config, tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 2
    told = capsys.readouterr().err
    assert 'loss is nan at step 0' in told
    assert 'Traceback' not in told
    assert not (tmp_path / 'run/checkpoint').exists()


def test_a_mistake_is_one_line_and_exit_code_two(make_config, tmp_path, capsys, subtests):
    cases = [
        ('stepz=3', 'did you mean steps?'),
        ('objective=metric_priors', "objective = 'metric_priors' must be one of"),
        ('optimizer.schedule=cosin', 'did you mean cosine?'),
        ('data.rooms=nowhere', 'nowhere holds no rendered rooms'),
        ('init_from=nowhere', 'nowhere/average.safetensors is missing'),
    ]
    save_config(make_config('metric_prior'), tmp_path / 'config.yaml')
    for override, message in cases:
        with subtests.test(override):
            assert run.main([str(tmp_path / 'config.yaml'), override]) == 2
            told = capsys.readouterr().err.strip()
            assert message in told
            assert '\n' not in told


def test_run_says_what_it_did(make_config, tmp_path, capsys):
    save_config(make_config('metric_prior', steps=1), tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    assert 'abs_rel ' in capsys.readouterr().out
    assert run.main([]) == 2
    assert run.main(['--help']) == 0


def test_an_output_that_is_a_file_is_refused(make_config, tmp_path):
    (tmp_path / 'run').write_text('')
    with pytest.raises(OutputError, match=r'cannot make the folder .*run'):
        run_config(make_config('metric_prior'))


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_a_run_starts_from_a_checkpoint_or_a_bundle(make_config, tmp_path, objective):
    first, _ = run_config(make_config(objective, output=str(tmp_path / 'first')))
    average = load_file(tmp_path / 'first/checkpoint/average.safetensors')
    first.network.load_state_dict(average)
    first.model.export(tmp_path / 'bundle', {'name': 'tiny'})
    for source in ('first/checkpoint', 'bundle'):
        config = make_config(
            objective,
            init_from=str(tmp_path / source),
            steps=1,
            output=str(tmp_path / 'next' / source),
        )
        config.optimizer.lr = 0.0
        second, _ = run_config(config)
        for name, value in second.network.state_dict().items():
            torch.testing.assert_close(value, average[name], rtol=1e-3, atol=1e-4)


def test_a_start_of_another_shape_is_refused(make_config, tmp_path):
    run_config(make_config('apdepth_depth', steps=1))
    config = make_config(
        'apdepth_depth', init_from=str(tmp_path / 'run/checkpoint'), output=str(tmp_path / 'other')
    )
    config.model['block_channels'] = [8, 8]
    with pytest.raises(WeightsError, match='is of another network than model describes'):
        run_config(config)


def batch_of(config, step=0):
    return make_batch(
        RenderedRooms(Path(config.data.rooms)),
        config.data,
        config.batch,
        seed=config.seed,
        step=step,
    )


def test_the_frequency_phase_begins_exactly_at_its_step(make_config):
    config = make_config('apdepth_depth')
    config.loss.update(phase2_step=3, fft=0.7, phase2_spatial=0.0)
    objective = build_objective(config)
    totals = {}
    for step in (2, 3):
        total, parts = objective.loss(objective.network, batch_of(config), step)
        totals[step] = (float(total.detach()), parts)
    assert 'fft' not in totals[2][1]
    before, spatial = totals[2]
    assert before == pytest.approx(
        0.5 * spatial['latent'] + spatial['pixel'] + spatial['gradient'], rel=1e-5
    )
    after, both = totals[3]
    assert after == pytest.approx(0.7 * both['fft'], rel=1e-5)
    config.loss['phase2_spatial'] = 0.25
    mixed, parts = objective.loss(objective.network, batch_of(config), 3)
    assert float(mixed.detach()) == pytest.approx(0.25 * before + after, rel=1e-5)


def test_the_frequency_loss_is_that_of_the_decoded_depth(make_config):
    config = make_config('apdepth_depth')
    config.loss.update(phase2_step=0, fft_strength=1.0)
    config.data.photometric = 0.0
    config.data.degradations = {'sharp': 1.0}
    objective = build_objective(config)
    batch = batch_of(config)
    _, parts = objective.loss(objective.network, batch, 0)
    sample = objective.degraded(batch, ['sharp'] * 2)
    refined, target, _ = objective._forward(objective.network, batch.rgb_B3HW, sample)
    expected = fft_loss(refined, target, strength=1.0).detach()
    assert parts['fft'] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_unknown_depth_takes_no_part(make_config, objective):
    config = make_config(objective)
    config.data.degradations = {'sharp': 1.0}
    config.loss.update({'phase2_step': 0} if objective == 'apdepth_depth' else {})
    built = build_objective(config)
    batch = batch_of(config)
    depth = batch.depth_m_B1HW.clone()
    depth[..., 3:9, 5:20] = math.nan
    total, parts = built.loss(built.network, replace(batch, depth_m_B1HW=depth), 0)
    total.backward()
    assert all(math.isfinite(value) for value in parts.values())
    grads = [value.grad for value in built.network.parameters() if value.grad is not None]
    assert grads
    assert all(bool(torch.isfinite(grad).all()) for grad in grads)
    figures = built.validate([replace(batch, depth_m_B1HW=depth)])
    assert all(math.isfinite(value) for value in figures.values())


def test_stored_predictions_are_priors_at_their_own_scale(make_config, tmp_path):
    config = make_config('apdepth_depth')
    config.data.rooms = str(write_rooms(tmp_path / 'predicted', prior=True))
    config.data.degradations = {'predicted': 1.0}
    objective = build_objective(config)
    batch = batch_of(config)
    sample = objective.degraded(batch, ['predicted', 'predicted'])
    assert torch.equal(sample.prior_m_B1HW, batch.prior_m_B1HW)
    torch.testing.assert_close(sample.target_m_B1HW, 1.1 * batch.depth_m_B1HW, rtol=0.02, atol=0)


def test_predictions_that_are_not_stored_are_refused(make_config):
    config = make_config('apdepth_depth')
    config.data.degradations = {'predicted': 1.0}
    with pytest.raises(SourceError, match=r'needs stored predictions; run .*tools\.predict_prior'):
        run_config(config)


class Wrapped(torch.nn.Module):
    """What data-parallel training does to a network: only calls pass through."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        return self.module(*inputs)


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_objectives_call_the_network_as_the_loop_wrapped_it(make_config, objective):
    config = make_config(objective)
    built = build_objective(config)
    plain, _ = built.loss(built.network, batch_of(config), 0)
    wrapped, _ = built.loss(Wrapped(built.network), batch_of(config), 0)
    assert torch.equal(plain, wrapped)


def test_an_exported_prior_predicts_the_same(make_config, tmp_path):
    objective, _ = run_config(make_config('metric_prior'))
    objective.model.export(tmp_path / 'bundle', {'name': 'tiny', 'steps': 4})
    bundle = open_bundle(tmp_path / 'bundle', 'prior')
    assert bundle.manifest['training'] == {'name': 'tiny', 'steps': 4}
    rays = Intrinsics.from_fov(64, 64, 60.0).rays()[None]
    rgb = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        mine = objective.network.eval()(rgb, rays)
    torch.testing.assert_close(read_prior_network(bundle)(rgb, rays), mine, rtol=2e-3, atol=2e-3)


def test_an_exported_refiner_predicts_the_same(make_config, tmp_path):
    objective, _ = run_config(make_config('apdepth_depth'))
    objective.model.export(tmp_path / 'bundle', {'name': 'tiny'})
    network = read_refiner(open_bundle(tmp_path / 'bundle', 'refiner'))
    assert network.spec == objective.model.spec
    inputs = torch.randn(1, 16, 8, 8), torch.randn(1, 48, 8, 8), torch.randn(1, 17, 8, 8)
    with torch.no_grad():
        mine = objective.network(*inputs)
    torch.testing.assert_close(network(*inputs), mine, rtol=2e-3, atol=2e-3)
