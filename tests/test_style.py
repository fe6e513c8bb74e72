# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sizes and patterns that a reviewer would miss."""

import ast
from pathlib import Path
import re
import statistics

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ('depth_refiner_ros', 'training', 'launch', 'scripts', 'tests')
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES = 400, 60, 150
FRAME_GUARDS = ('depth_refiner_ros/nodes/',)
MACHINE_PATH = re.compile(r'(?<![\w.:/<>~])/(?:home|root|Users|work|mnt|opt/(?!ros/))/?[\w.-]+/')
TEXTS = ('.py', '.md', '.rst', '.txt', '.yaml', '.toml', '.cfg', '.xml', '.json', '')


def code_files() -> list[Path]:
    """Return the Python files of the repository, from its root."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob('*.py')]
    return sorted(path.relative_to(ROOT) for path in [*found, ROOT / 'setup.py'])


def text_files() -> list[Path]:
    """Return the text files of the repository, from the root."""
    inside = [
        path
        for folder in (*FOLDERS, 'config', 'docs', 'requirements', '.ci')
        for path in (ROOT / folder).rglob('*')
    ]
    paths = [
        path
        for path in [*inside, *ROOT.glob('*')]
        if path.is_file()
        and path.suffix in TEXTS
        and path.name != '.git'  # of a work tree: names the place of its repository
        and '__pycache__' not in path.parts
    ]
    return sorted(path.relative_to(ROOT) for path in paths)


def long_functions(code: str, most: int = FUNCTION_LINES) -> list[str]:
    """Return the functions whose body, without its docstring, has more lines than allowed."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            if lines > most:
                found.append(f'{node.name} ({lines} lines)')
    return found


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches every exception and does not raise again."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    bare = any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ('Exception', 'BaseException'))
        for kind in kinds
    )
    raises = any(isinstance(node, ast.Raise) for step in handler.body for node in ast.walk(step))
    return bare and not raises


def catch_alls(code: str) -> list[int]:
    """Return the lines of handlers that swallow everything."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ExceptHandler) and swallows_everything(node)
    ]


def test_files_are_small_and_honest():
    faults = {}
    for path in code_files():
        code = (ROOT / path).read_text(encoding='utf-8')
        found = [f'{count} lines'] if (count := len(code.splitlines())) > FILE_LINES else []
        found += long_functions(code)
        if not str(path).startswith(FRAME_GUARDS):  # only a node's frame guard may catch all
            found += [f'catches everything in line {line}' for line in catch_alls(code)]
        if found:
            faults[str(path)] = found
    assert not faults


def test_nodes_have_at_most_few_frame_guards():
    guards = {
        str(path): len(catch_alls((ROOT / path).read_text(encoding='utf-8')))
        for path in code_files()
        if str(path).startswith(FRAME_GUARDS)
    }
    assert sum(guards.values()) <= 2, {path: count for path, count in guards.items() if count}


def test_median_module_is_short():
    modules = [
        path for path in code_files() if path.parts[0] in FOLDERS[:2] and path.stem != '__init__'
    ]
    lengths = [len((ROOT / path).read_text(encoding='utf-8').splitlines()) for path in modules]
    assert len(lengths) > 20
    assert statistics.median(lengths) <= MEDIAN_LINES


def test_no_path_of_one_machine():
    hits = {
        str(path): MACHINE_PATH.findall((ROOT / path).read_text(encoding='utf-8'))
        for path in text_files()
    }
    assert not {path: found for path, found in hits.items() if found}


def test_checks_find_what_they_look_for():
    long = 'def f(\n    a,\n    b,\n):\n' + '    x = 1\n' * 61
    assert long_functions(long) == ['f (61 lines)']
    documented = 'def f():\n    """Doc.\n\n    More.\n    """\n' + '    x = 1\n' * 60
    assert long_functions(documented) == []
    assert catch_alls('try:\n    f()\nexcept Exception:\n    pass') == [3]
    assert catch_alls('try:\n    f()\nexcept:\n    pass') == [3]
    assert catch_alls('try:\n    f()\nexcept (ValueError, Exception):\n    pass') == [3]
    assert catch_alls('try:\n    f()\nexcept Exception:\n    log()\n    raise') == []
    assert catch_alls('try:\n    f()\nexcept ValueError:\n    pass') == []


def test_machine_paths_are_told_from_others(subtests):
    cases = [
        ("open('" + '/home' + "/me/data.txt')", True),
        ('see ' + '/root' + '/models/x', True),
        ('/opt/ros/jazzy/setup.bash', False),
        ('https://example.org/home/page/', False),
        ('~/ros2_ws/src', False),
        ('<name>/home/kitchen/', False),
        ('share/mnt/config/', False),
    ]
    for text, found in cases:
        with subtests.test(text=text):
            assert bool(MACHINE_PATH.search(text)) is found


def missing_paths(text: str) -> list[str]:
    """Return the Python files that a page mentions and that do not exist."""
    named = set(re.findall(r'`((?:[\w.]+/)+[\w.]+\.py)`', text))
    roots = [
        ROOT,
        ROOT / 'depth_refiner_ros',
        ROOT / 'training',
        ROOT / 'depth_refiner_ros/sources',
    ]
    made = ('.data/', 'runs/', 'install/', 'build/')
    return sorted(
        name
        for name in named
        if not name.startswith(made) and not any((root / name).exists() for root in roots)
    )


def test_contributors_find_the_files_that_are_named():
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    assert missing_paths('see `core/nothing.py` and `core/camera.py`') == ['core/nothing.py']
    assert missing_paths(text) == []


def test_every_room_is_described():
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    rooms = {
        path.parent.name
        for package in ('depth_refiner_ros', 'training')
        for path in (ROOT / package).glob('*/__init__.py')
    }
    assert not {room for room in rooms if f'| `{room}/` |' not in text}
