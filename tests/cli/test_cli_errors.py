# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the program ends: exit codes, one clear line, help."""

import importlib.util
import json

from depth_refiner_ros import __version__
import pytest

MISTAKES = [
    (('refine', 'missing.png'), "'missing.png' does not exist; a source is"),
    (('fuse', 'sim:x'), "'sim:x' must be sim:SEED, sim:SEED:FRAMES or"),
    (('eval', 'missing.json'), 'does not exist'),
    (('refine', 'sim:1:1', '--agree-below', '3'), '--agree-below 3.0 is outside 0 .. 1'),
    (('refine', 'sim:1:1', '--prior-weights', 'nowhere'), 'nowhere has no bundle.json'),
    (
        ('refine', 'sim:1:1', '--prior', 'sensor', '--refiner', 'none', '--out', '/proc/x'),
        'cannot make the folder /proc/x',
    ),
    (
        ('eval', 'sim:1:1', '--prior', 'sensor', '--refiner', 'none', '--panels', '/proc/x'),
        'cannot make the folder /proc/x',
    ),
    (('models', 'nowhere'), 'nowhere neither is nor contains a bundle'),
    (('params', '--node', 'refner'), "unknown node 'refner'; use one of refiner, tsdf, player"),
    (('params', '--node', 'refner'), 'collector; did you mean refiner?'),
    (('refine', 'sim:1:1', '--prior', 'bundle'), "--prior 'bundle' must be one of bundled | sens"),
    (('refine', 'sim:1:1', '--prior', 'bundle'), '; did you mean bundled?'),
    (
        ('bench', '--full-size', 'apdept'),
        "--full-size 'apdept' must be one of apdepth | sharpdepth; did you mean apdepth?",
    ),
    (
        ('models', 'import', 'x', 'y', '--precision', 'int8'),
        "--precision 'int8' must be one of fp16 | fp32",
    ),
    (
        ('refine', 'sim:1:1', '--refiner', 'none', '--scale-prior', 'depth_pro'),
        'prior depth_pro comes without weights; set --scale-prior-weights to one of large, a',
    ),
    (
        ('refine', 'sim:1:1', '--refiner', 'none', '--backend', 'torch', '--build-only'),
        '--build-only: backend torch builds nothing ahead of time',
    ),
    (('params', '--yaml', '--markdown'), 'exclude each other'),
]


@pytest.mark.parametrize(('arguments', 'message'), MISTAKES)
def test_mistakes_are_one_line_and_exit_code_2(depth_refiner, arguments, message):
    ended = depth_refiner(*arguments)
    assert ended.returncode == 2
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith('depth-refiner: ')
    assert message in lines[0]
    assert ended.stdout == ''


def test_tensorrt_without_a_gpu_ends_before_networks_are_said_to_run(depth_refiner, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    ended = depth_refiner('refine', 'sim:1:1', '--refiner', 'none', '--backend', 'tensorrt')
    assert (ended.returncode, ended.stdout) == (2, '')
    assert ended.stderr == (
        'depth-refiner: --backend tensorrt: torch sees no CUDA GPU to run engines on; use '
        '--backend auto\n'
    )


@pytest.mark.parametrize('flag', ['--json', '--csv'])
def test_a_result_that_cannot_be_written_ends_the_command_before_its_work(
    depth_refiner, tmp_path, flag
):
    (tmp_path / 'file').touch()
    ended = depth_refiner('eval', 'rooms:950000:1', flag, 'file/result')
    assert (ended.returncode, ended.stdout) == (2, '')
    assert ended.stderr == (
        f'depth-refiner: {tmp_path}/file is no folder, so that file/result cannot be written '
        'there\n'
    )


def test_usage_errors_have_exit_code_2_and_no_traceback(depth_refiner, subtests):
    cases = [('refine',), ('nonsense',), ('demo', '--frames', '1'), ('fuse', 'x', '--every', '0')]
    for arguments in cases:
        with subtests.test(arguments=arguments):
            ended = depth_refiner(*arguments)
            assert ended.returncode == 2
            assert 'Error: ' in ended.stderr
            assert 'Traceback' not in ended.stderr


def test_program_ends_with_the_same_code_and_line(program):
    ended = program('params', '--node', 'refner')
    assert ended.returncode == 2
    assert ended.stderr.startswith("depth-refiner: unknown node 'refner'")
    assert len(ended.stderr.splitlines()) == 1
    assert program('params', '--node', 'tsdf').returncode == 0


def test_results_may_name_what_is_no_utf_8(program, monkeypatch):
    monkeypatch.setenv('PYTHONIOENCODING', 'utf-8:strict')
    code = (
        'import sys; from depth_refiner_ros.apps.console import say; '
        'from depth_refiner_ros.cli import main, params; '
        "params.documentation = lambda nodes: 'a\\udcff'; sys.exit(main.main())"
    )
    ended = program('params', code=code)
    assert (ended.returncode, ended.stderr) == (0, '')
    assert 'a\\udcff' in ended.stdout


def test_bugs_keep_their_traceback(program):
    ended = program(
        'params',
        code=(
            'import sys; from depth_refiner_ros.cli import main, params; '
            'params.documentation = lambda nodes: 1 / 0; sys.exit(main.main())'
        ),
    )
    assert ended.returncode == 1
    assert 'ZeroDivisionError' in ended.stderr
    assert 'Traceback' in ended.stderr


@pytest.mark.parametrize(
    ('module', 'package'), [('rich', 'rich'), ('typer', 'typer'), ('yaml', 'PyYAML')]
)
def test_a_missing_package_is_one_line_that_says_what_to_install(program, module, package):
    code = (
        'import sys\nclass Missing:\n    def find_spec(self, name, *rest):\n'
        f"        if name == '{module}': raise ModuleNotFoundError('no', name=name)\n"
        'sys.meta_path.insert(0, Missing())\n'
        'from depth_refiner_ros.cli.main import main; sys.exit(main())'
    )
    ended = program('params', '--yaml', code=code)
    assert (ended.returncode, ended.stdout) == (2, '')
    line = f'depth-refiner: the package {package} is missing; run: pip install {package}\n'
    assert ended.stderr == line


def test_version_and_help(depth_refiner):
    assert depth_refiner('--version').stdout == f'depth-refiner {__version__}\n'
    ended = depth_refiner('demo', '--help')
    assert ended.returncode == 0
    assert '--live' in ended.stdout


def test_help_imports_nothing_heavy(program):
    ended = program(
        '--help',
        code=(
            'import json, sys\nfrom depth_refiner_ros.cli.main import main\ntry:\n    main()\n'
            'except SystemExit:\n    print(json.dumps(sorted(sys.modules)))'
        ),
    )
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    heavy = {
        'torch',
        'numpy',
        'cv2',
        'open3d',
        'diffusers',
        'onnxruntime',
        'rosbags',
        'rclpy',
        'scipy',
        'skimage',
    }
    assert 'depth_refiner_ros.cli.demo' in loaded
    assert loaded & heavy == set()


def test_demo_without_ros_says_what_to_install(depth_refiner, monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        'find_spec',
        lambda name, *rest: None if name == 'rclpy' else find(name, *rest),
    )
    ended = depth_refiner('demo')
    assert ended.returncode == 2
    assert 'rclpy cannot be imported' in ended.stderr
    assert "pip install '.[ros]'" in ended.stderr
    assert list(tmp_path.iterdir()) == []
