# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small SharpDepth: a teacher that has a prior's layout, and the refiner distilled from it."""

from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.models.bundle import open_bundle
import pytest
import torch
from training.loop import begin
from training.models.teacher import TeacherModel

from tests.training.tiny_runs import batch_of, built, step

LAYOUT = {'spec': {'layout': True}}
BLOCKS = list(open_bundle('bundled', 'refiner').json('unet/config.json')['block_out_channels'])
"""Of the bundled ApDepth."""


@pytest.fixture
def teacher(make_config, tmp_path):
    """A bundle of the teacher after one step."""
    objective = built(make_config('lotus', model=LAYOUT, loss={'image': 0.0, 'pixel': 1.0}))
    objective.begin(None, '')
    step(objective, batch_of(objective.config))
    objective.ema.update(objective.trained, 1)
    objective.export(tmp_path / 'teacher', {})
    return tmp_path / 'teacher'


def unet_of(folder, name='unet'):
    return getattr(read_refiner(open_bundle(folder, 'refiner')), name).state_dict()


def check_same(weights, others):
    assert weights.keys() == others.keys()
    for name, value in others.items():
        torch.testing.assert_close(weights[name], value)


def started(config):
    objective = built(config)
    begin(config, objective)
    return objective


def test_the_teacher_is_told_of_the_prior_no_more_than_its_layout(teacher):
    network = read_refiner(open_bundle(teacher, 'refiner'))
    estimator = SharpEstimator(network)
    rgb, prior = torch.rand(1, 3, 32, 32), 1.0 + torch.rand(1, 1, 32, 32)
    known = torch.ones_like(prior).bool()
    draws = [torch.Generator().manual_seed(0) for _ in range(3)]
    first = estimator.estimate(rgb, prior, known, draws[0])
    assert first.kind == 'metric'
    # Pixels that change places within their cell are not seen, cells that do are.
    cell = network.codec.factor
    within = prior.log().unflatten(-1, (-1, cell)).flip(-1).flatten(-2).exp()
    torch.testing.assert_close(
        estimator.estimate(rgb, within, known, draws[1]).depth_B1HW, first.depth_B1HW
    )
    other = estimator.estimate(rgb, prior.flip(-1), known, draws[2]).depth_B1HW
    assert not torch.allclose(other, first.depth_B1HW, rtol=1e-3)


def test_marigold_predicts_v_beside_a_layout_and_is_a_teacher_of_the_same_refiner(
    make_config, tmp_path
):
    config = make_config('marigold', model=LAYOUT)
    objective = started(config)
    assert objective.network.spec.prediction == 'v'
    batch = batch_of(config)
    unit = torch.linspace(-1.0, 1.0, 32).expand(2, 1, 32, 32)
    known = torch.ones_like(unit).bool()
    noise, image = torch.randn(2, 16, 8, 8), objective.network.codec.encode_rgb(batch.rgb_B3HW)
    with torch.no_grad():
        one, other = (
            objective.network(noise, image, objective.network.condition(item, known))
            for item in (unit, unit.flip(-1))
        )
    assert not torch.allclose(one, other, rtol=1e-3)
    step(objective, batch)
    objective.ema.update(objective.trained, 1)
    objective.export(tmp_path / 'teacher', {})
    model = {**LAYOUT, 'teacher': TeacherModel(weights=str(tmp_path / 'teacher'))}
    student = started(make_config('sharpdepth', model=model))
    assert student.teacher.spec.prediction == 'v'
    assert bool(torch.isfinite(step(student, batch_of(student.config))['sds']))


@pytest.mark.parametrize('objective', ['lotus', 'marigold'])
def test_a_layout_without_prior_is_refused(make_config, objective):
    config = make_config(objective, model=LAYOUT)
    config.data.priors = {}
    with pytest.raises(SettingsError, match='is the layout of a prior, so say of which'):
        built(config)


def test_the_bundle_keeps_its_teacher_and_trains_on_from_it(make_config, teacher, tmp_path):
    model = {**LAYOUT, 'teacher': TeacherModel(weights=str(teacher))}
    first = started(
        make_config(
            'sharpdepth', model=model, loss={'difference': 'frozen'}, init_from=str(teacher)
        )
    )
    step(first, batch_of(first.config))
    first.ema.update(first.trained, 1)
    bundle = tmp_path / 'sharpdepth'
    first.export(bundle, {})
    taught = unet_of(teacher)
    check_same(unet_of(bundle, 'unet_guess'), taught)
    # From the bundle alone: its second network is the teacher, and stays.
    again = {'start': 'weights', 'weights': str(bundle)}
    config = make_config(
        'sharpdepth',
        model={**again, 'teacher': TeacherModel(weights=str(bundle))},
        loss={'difference': 'frozen'},
    )
    second = started(config)
    check_same(second.teacher.unet.state_dict(), taught)
    step(second, batch_of(config))
    second.ema.update(second.trained, 1)
    second.export(tmp_path / 'second', {})
    check_same(unet_of(tmp_path / 'second', 'unet_guess'), taught)
    # Another first pass than the teacher's leaves it out.
    config.loss.difference = 'ema'
    assert started(config).network.unet_guess is None


def test_a_teacher_with_a_layout_wants_a_refiner_with_one(make_config, teacher):
    with pytest.raises(SettingsError, match=r'layout = False, but the teacher has True'):
        built(make_config('sharpdepth', model={'teacher': TeacherModel(weights=str(teacher))}))


def test_a_refiner_without_a_teacher_is_no_teacher(make_config):
    with pytest.raises(SettingsError, match='used as apdepth, and it holds no teacher'):
        built(
            make_config(
                'sharpdepth',
                model={'teacher': TeacherModel(weights='depth_refiner_ros/weights/apdepth')},
            )
        )


def test_it_begins_with_what_apdepth_knows(make_config):
    blocks = {'block_channels': BLOCKS, **LAYOUT}
    objective = started(make_config('lotus', model=blocks, init_from='bundled'))
    source = read_refiner(open_bundle('bundled', 'refiner'))
    layout, known = torch.randn(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    noise, image = torch.randn(1, 16, 8, 8), torch.rand(1, 48, 8, 8)
    with torch.no_grad():
        own = objective.network.output(noise, image, torch.cat([layout, known], dim=1))
        detail = torch.zeros(1, 16, 8, 8)
        given = source.output(
            layout.expand(-1, 16, -1, -1), image, torch.cat([detail, known], dim=1)
        )
    torch.testing.assert_close(own, given, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('model', 'told'),
    [
        (LAYOUT, 'not any as in model; give|in these weights of apdepth, not'),
        ({'block_channels': BLOCKS}, 'only a network with a layout begins with'),
    ],
)
def test_apdepth_of_another_shape_is_refused(make_config, model, told):
    with pytest.raises(WeightsError, match=told):
        started(make_config('lotus', model=model, init_from='bundled'))


def test_each_pass_of_the_teacher_is_given_the_layout_of_the_one_before(
    make_config, teacher, monkeypatch
):
    model = {**LAYOUT, 'teacher': TeacherModel(weights=str(teacher))}
    objective = started(make_config('sharpdepth', model=model, loss={'passes': 3}))
    judge, given, made = objective.teacher, [], []
    plain = judge.forward

    def judged(noised, image, layout):
        given.append(layout)
        made.append(plain(noised, image, layout))
        return made[-1]

    monkeypatch.setattr(judge, 'forward', judged)
    objective(batch_of(objective.config), 0)
    assert len(given) == 3
    assert not torch.equal(given[0], given[1])
    for layout, before in zip(given[1:], made):
        unit = judge.codec.decode_depth(before)
        whole = torch.ones_like(unit).bool()
        torch.testing.assert_close(layout[:, :1], judge.condition(unit, whole)[:, :1])


def test_passes_are_for_a_teacher_with_a_layout(make_config):
    with pytest.raises(SettingsError, match='passes = 2 is for a teacher that is given a layout'):
        built(make_config('sharpdepth', loss={'passes': 2}))
