# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Evaluate as the papers do, in steps that can be repeated apart.

``python training/evaluate.py infer CONFIG.yaml [key=value ...]`` writes a depth map per row and
image; stopped, the same command goes on. ``score CONFIG.yaml [key=value ...]`` compares the maps
with the truth; ``report FOLDER OUTPUT...`` writes the papers' tables and charts from the scores of
evaluations; ``pictures CONFIG.yaml IMAGE... [key=value ...]`` draws boundaries and differences of
images by number. See docs/evaluation.md.
"""

from collections.abc import Callable
from pathlib import Path
import sys

if __name__ == '__main__':  # from a checkout: the packages are beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.core.messages import shown
from training.evaluation.config import load_evaluation
from training.evaluation.infer import infer
from training.evaluation.report import write_pictures, write_report
from training.evaluation.score import score
from training.program import ended

SHOWN = ('abs_rel', 'rmse_m', 'si_log', 'delta1', 'dbe_acc_px', 'dbe_compl_px')


def main(arguments: list[str]) -> int:
    """Run the step that the arguments name; return the exit code."""
    if len(arguments) < 2 or arguments[0] not in STEPS:
        print(__doc__)
        return 0 if arguments in (['-h'], ['--help']) else 2
    return ended(lambda: STEPS[arguments[0]](arguments[1:]))


def _infer(arguments: list[str]) -> None:
    done = infer(load_evaluation(Path(arguments[0]), arguments[1:]))
    for name, row in done.rows.items():
        lost = ''.join(f', {count} {reason}' for reason, count in row['lost'].items())
        print(f'{name}: {row["images"]} images, {row["new"]} of them new{lost}')
    for name, why in done.not_loaded.items():
        print(f'{name}: not loaded: {why}')
    if not done.rows:
        raise InputError('no row could be loaded; the lines above say why')


def _score(arguments: list[str]) -> None:
    for name, row in score(load_evaluation(Path(arguments[0]), arguments[1:])).items():
        figures = '  '.join(f'{key} {row[key]:.4f}' for key in SHOWN if row[key] is not None)
        lost = ''.join(f', {count} {why}' for why, count in row['images']['lost'].items())
        print(f'{name}: {figures}  ({row["images"]["compared"]} images{lost})')


def _report(arguments: list[str]) -> None:
    place, *folders = map(Path, arguments)
    if not folders:
        raise SettingsError('report needs a folder to write to, then the outputs of evaluations')
    _named(write_report(place, folders))


def _pictures(arguments: list[str]) -> None:
    path, *others = arguments
    overrides = [word for word in others if '=' in word]
    numbers = [word for word in others if '=' not in word]
    if not numbers or not all(word.isascii() and word.isdecimal() for word in numbers):
        raise SettingsError(f'pictures needs numbers of images, not {shown(" ".join(numbers))}')
    config = load_evaluation(Path(path), overrides)
    _named(write_pictures(config, [int(word) for word in numbers]))


def _named(written: list[Path]) -> None:
    for path in written:
        print(path)


STEPS: dict[str, Callable[[list[str]], None]] = {
    'infer': _infer,
    'score': _score,
    'report': _report,
    'pictures': _pictures,
}

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
