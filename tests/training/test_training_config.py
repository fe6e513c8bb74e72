# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError
from hypothesis import example, given, strategies
import pytest
from training.config import DataConfig, EmaConfig, OptimizerConfig, RunConfig
from training.config_file import load_config, save_config
from training.loop import begin, train
from training.models.encoder import EncoderModel
from training.models.teacher import TeacherModel
from training.objectives.registry import build_objective, CLASSES
from training.run import main
import yaml

from tests.foreign_values import changes_of, fuzzed

FOLDER = Path(__file__).resolve().parents[2] / 'training' / 'configs'
CONFIGS = sorted(path for path in FOLDER.rglob('*.yaml') if path.name != 'data.yaml')


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def base(tmp_path):
    return write(
        tmp_path / 'base.yaml',
        'objective: metric_prior\noutput: out\nsteps: 10\n'
        'loss: {depth: 1.0}\noptimizer: {lr: 0.5}\n',
    )


def test_every_shipped_configuration_describes_a_network(subtests):
    for path in CONFIGS:
        with subtests.test(path.name):
            config = load_config(path)
            assert config.objective in CLASSES
            assert config.output.startswith('runs/')
            if getattr(config.model, 'start', 'small') == 'small':
                if hasattr(config.model, 'teacher') and config.model.teacher.weights:
                    # That of another run, which the bundle holds too.
                    config.model.teacher.weights = 'bundled'
                if getattr(config.loss, 'teacher', ''):
                    config.loss.teacher = 'bundled'
                objective = build_objective(config)
                if config.init_from == 'bundled':
                    begin(config, objective)


def test_a_number_of_layers_is_that_of_all_sizes(tmp_path):
    path = tmp_path / 'c.yaml'
    path.write_text(f'base: {FOLDER / "apdepth_narrow.yaml"}\nmodel: {{layers_per_block: 1}}\n')
    assert load_config(path).model.layers_per_block == [1]


def test_there_are_configurations():
    assert len(CONFIGS) >= 3


def test_a_configuration_overrides_its_base_and_the_command_line_both(base, tmp_path):
    path = write(tmp_path / 'own.yaml', 'base: base.yaml\nsteps: 20\noptimizer: {name: adam}\n')
    config = load_config(path, ['batch=3', 'data.width=128', 'loss.gradient=0.5'])
    assert (config.steps, config.batch, config.data.width) == (20, 3, 128)
    assert (config.optimizer.lr, config.optimizer.name) == (0.5, 'adam')
    assert (config.loss.depth, config.loss.gradient, config.loss.relative) == (1.0, 0.5, 0.0)


def test_later_bases_win(base, tmp_path):
    write(tmp_path / 'second.yaml', 'steps: 30\nseed: 4\n')
    path = write(tmp_path / 'own.yaml', 'base: [base.yaml, second.yaml]\n')
    assert (load_config(path).steps, load_config(path).seed) == (30, 4)


def test_a_snapshot_is_the_whole_configuration(base, tmp_path):
    config = load_config(base, ['data.flip=false'])
    save_config(config, tmp_path / 'snapshot.yaml')
    assert load_config(tmp_path / 'snapshot.yaml') == config


def test_a_mistake_is_one_line(base, subtests):
    cases = [
        ('stepz=3', "Key 'stepz'.*Did you mean: 'steps'"),
        ('optimizer.warmup=3', "Key 'warmup'"),
        ('optimizer.rates={network:0}', r'rates\.network:0.*a space after its colon'),
        ('data.widht=3', "Key 'widht'.*Did you mean: 'width'"),
        ('steps=many', 'steps'),
        ('steps', 'steps'),
        ('steps=0', 'steps = 0 must be at least 1'),
        ('log_every=0', 'log_every = 0 must be at least 1'),
        ('ema.decay=1.0', r'ema\.decay = 1\.0 must be .* at most 0\.999'),
        ('loss.depht=1', "Key 'depht'.*Did you mean: 'depth'"),
        ('loss.depth=-1', r'loss\.depth = -1\.0 must be at least 0'),
        ('model.chanels=[8]', "Key 'chanels'.*Did you mean one of: 'channels'"),
        ('data.train.rooms.pth=x', "Key 'pth'.*Did you mean: 'path'"),
        ('data.train.rooms.share=-1', r'data\.train\.rooms\.share = -1\.0 must be at least 0'),
        ('objective=metric', "objective = 'metric' must be one of .*metric_prior"),
        ('precision=fp16', "precision = 'fp16' must be one of fp32, bf16"),
        ('optimizer.name=adamm', "optimizer.name = 'adamm' must be one of .*did you mean adam"),
        ('optimizer.schedule=cosin', 'did you mean cosine'),
        ('output=', 'output'),
        ('output=${nowhere}', 'nowhere'),
    ]
    for override, message in cases:
        with subtests.test(override=override):
            with pytest.raises(SettingsError, match=message) as caught:
                load_config(base, [override])
            assert '\n' not in str(caught.value)


def test_every_window_has_a_pixel(base):
    smallest = ['data.crop_width=8', 'data.crop_height=8', 'data.max_zoom=8']
    assert load_config(base, smallest).data.max_zoom == 8.0
    with pytest.raises(
        SettingsError, match=r'data\.max_zoom = 8\.5 leaves .* of data\.crop_width = 8; lower it'
    ):
        load_config(base, [*smallest, 'data.max_zoom=8.5'])
    with pytest.raises(SettingsError, match=r'raise data\.validation\.near\.crop_height'):
        load_config(base, [*smallest, 'data.validation.near.crop_height=4'])


def test_a_file_that_is_no_configuration(tmp_path, subtests):
    cases = [
        'steps: [',
        '- a\n- b\n',
        'base: missing.yaml\n',
        'base: own.yaml\n',
        'steps: {a: 1}\n',
        '\x00',
    ]
    for text in cases:
        with subtests.test(text=text):
            path = write(tmp_path / 'own.yaml', text)
            with pytest.raises(SettingsError, match=r'\.yaml') as caught:
                load_config(path)
            assert '\n' not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(SettingsError, match=r'no configuration .*nothing\.yaml'):
        load_config(tmp_path / 'nothing.yaml')


def test_objectives_check_their_keys(make_config, subtests):
    cases = [
        ('metric_prior', {'loss': {'depth': 0.0, 'gradient': 0.0}}, 'minimises nothing; give a w'),
        ('metric_prior', {'model': {'groups': 7}}, 'model: '),
        ('apdepth_depth', {'loss': {'pixel': 0.0, 'latent': 0.0, 'gradient': 0.0}}, 'minimises'),
        ('apdepth_depth', {'loss': {'stage1': True}}, 'init_from is not set; stage 2 goes on'),
        ('apdepth_depth', {'loss': {'fft_of': 'latents'}}, 'did you mean latent'),
        ('apdepth_depth', {'model': {'block_channels': [9, 7]}}, 'model.block_channels'),
        ('apdepth_depth', {'model': {'start': 'tiny'}}, "model.start = 'tiny' must be one of"),
        ('apdepth_depth', {'model': {'start': 'weights'}}, 'weights belong to start'),
        ('apdepth_depth', {'model': {'spec': {'tiemstep': 3}}}, 'model.spec.tiemstep is unknown'),
        ('sharpdepth', {'model': {'teacher': TeacherModel()}}, 'teacher.weights is not set'),
        ('sharpdepth', {'loss': {'difference': 'mean'}}, 'loss.difference = .* must be one of'),
        ('sharpdepth', {'loss': {'gated_share': 1.5}}, 'gated_share = 1.5 must be at most 1'),
        ('apdepth_align', {'model': {'encoder': EncoderModel()}}, 'encoder.weights is not set'),
    ]
    for objective, change, message in cases:
        with subtests.test(objective=objective, change=change):
            config = make_config(objective, **change)
            with pytest.raises(SettingsError, match=message) as caught:
                build_objective(config)
            assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('kinds', 'message'),
    [
        ({'smaered': 1.0}, 'data.priors.smaered is unknown; did you mean smeared'),
        ({}, 'data.priors is not set'),
        ({'sharp': 0.0}, 'must hold shares'),
        ({'sharp': 2.0, 'noisy': -1.0}, 'must hold shares'),
    ],
)
def test_priors_are_checked(make_config, kinds, message):
    config = make_config('apdepth_depth')
    config.data.priors = kinds
    with pytest.raises(SettingsError, match=message):
        build_objective(config)


@pytest.mark.parametrize(
    ('name', 'told'),
    [
        (
            'sharpdepth_small',
            (
                'init_from = bundles/sharpdepth_small_teacher is not there; make it first: python '
                'training/run.py training/configs/sharpdepth_small_teacher.yaml, then python -m '
                'training.tools.export runs/sharpdepth_small_teacher '
                'bundles/sharpdepth_small_teacher'
            ),
        ),
        (
            'apdepth_small_sharp',
            (
                'init_from = runs/apdepth_small/checkpoint is not there; make it first: python '
                'training/run.py training/configs/apdepth_small.yaml'
            ),
        ),
    ],
)
def test_a_run_that_another_one_precedes_names_its_commands(
    tmp_path, monkeypatch, capsys, name, told
):
    monkeypatch.chdir(tmp_path)
    start = [f'init_from={told.split()[2]}']
    assert main([str(FOLDER / f'{name}.yaml'), *start]) == 2
    assert capsys.readouterr().err == f'{told}\n'


FUZZED = fuzzed(60)
GROUPS = {'optimizer': OptimizerConfig, 'data': DataConfig, 'ema': EmaConfig}


@FUZZED
@given(
    changes=changes_of([*RunConfig.__dataclass_fields__, 'base', 'unknown']),
    inner=changes_of([f'{group}.{name}' for group in GROUPS for name in vars(GROUPS[group]())]),
)
@example(changes={'seed': 10**400}, inner={})
@example(changes={'base': 5}, inner={})
@example(changes={'base': {'a': 1}}, inner={})
@example(changes={'loss': {'depth': float('nan')}}, inner={})
@example(changes={}, inner={'optimizer.lr': float('inf')})
@example(changes={}, inner={'data.width': -5})
def test_values_of_foreign_types_are_refused_or_fit(tmp_path_factory, changes, inner):
    tree = {'output': 'out', 'objective': 'metric_prior', **changes}
    for name, value in inner.items():
        group, key = name.split('.')
        if isinstance(tree.setdefault(group, {}), dict):
            tree[group][key] = value
    path = tmp_path_factory.getbasetemp() / 'foreign.yaml'
    path.write_text(yaml.safe_dump(tree))
    try:
        config = load_config(path)
    except SettingsError as error:
        assert '\n' not in str(error)  # noqa: PT017  or it was read
        return
    assert 1 <= config.steps <= 10**9
    assert 0.0 <= config.optimizer.lr <= 1000.0


@FUZZED
@given(content=strategies.binary(max_size=60) | strategies.text(max_size=60).map(str.encode))
@example(content=b'seed: ' + b'9' * 5000)
@example(content=b'[' * 5000)
@example(content=b'&a {base: *a}')
def test_bytes_that_are_no_configuration(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / 'foreign.yaml'
    path.write_bytes(content)
    with pytest.raises(SettingsError):
        load_config(path)


def test_sharding_alone_is_refused(make_config):
    config = make_config('metric_prior', shard=True)
    with pytest.raises(SettingsError, match='shard = true needs several processes; start with'):
        train(config, build_objective(config))
