# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Time training steps at true size: ``python training/bench.py [CASE ...] [--json FILE]``.

Each case runs in a process of its own with networks of Stable Diffusion 2's shape and random
weights, so that its peak memory is its own: this package's step, and beside it the official
recipe's (no recomputed activations, the number format of the authors' code). Sizes are small
enough for a CPU by default; ``--size 640x480`` is that of the papers. A CPU without bfloat16 keeps
weights in it and computes in float32.
"""

from dataclasses import asdict, dataclass
import json
from pathlib import Path
import resource
import subprocess
import sys
import time
from typing import Annotated, Any

if __name__ == '__main__':  # from a checkout: the packages are beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.backends.execution import fast_bf16
from depth_refiner_ros.core.atomic import check_writable, write_text
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest
from omegaconf import OmegaConf
import torch
from training.config import DataConfig, EmaConfig, OptimizerConfig, RunConfig
from training.data.batches import Batch
from training.float32_compute import compute_in_float32
from training.objectives.base import Objective, TOTAL
from training.objectives.registry import build_objective, keys_of
from training.optimizers import make_optimizers
from training.program import ended
import typer

WARM_UP = 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """
    One training step.

    :param weights: number format of weights, gradients and moments
    :param recompute: activations in the backward pass
    :param average: keep the moving average
    """

    objective: str
    recipe: str
    weights: str = 'fp32'
    recompute: bool = True
    average: bool = True

    @property
    def name(self) -> str:
        """Return the name on the command line."""
        return f'{self.objective}:{self.recipe}'


CASES = {
    case.name: case
    for case in (
        Case(objective='sharpdepth', recipe='ours'),
        Case(objective='sharpdepth', recipe='ours_bf16', weights='bf16'),
        Case(objective='sharpdepth', recipe='official', weights='bf16', recompute=False),
        Case(objective='apdepth_depth', recipe='ours', average=False),
        Case(objective='apdepth_depth', recipe='ours_bf16', weights='bf16', average=False),
        Case(objective='apdepth_depth', recipe='official', recompute=False, average=False),
        Case(objective='apdepth_align', recipe='ours', average=False),
        Case(objective='apdepth_align', recipe='official', recompute=False, average=False),
    )
}


def measure(case: Case, width: int, height: int, steps: int, threads: int) -> dict[str, Any]:
    """
    Take some optimiser steps of one image each.

    :return: seconds per step and its parts, samples per second, peak memory in GB
    """
    if threads:
        torch.set_num_threads(threads)
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.manual_seed(0)
    objective = _objective(case, width, height).to(device)
    average = objective.ema.networks.to(device) if case.average else None
    if case.weights == 'bf16':
        objective.to(torch.bfloat16)
        if not native_bf16(device):
            compute_in_float32(objective)
            if average is not None:
                compute_in_float32(average)
    if case.recompute:
        objective.recompute_activations()
    optimizers = make_optimizers(objective.trained, objective.config.optimizer)
    rows = []
    for step in range(WARM_UP + steps):
        batch = _batch(width, height, step).to(device)
        rows.append(_step(objective, optimizers, batch, step, case))
    timed = rows[WARM_UP:]
    means = {name: sum(row[name] for row in timed) / steps for name in timed[0]}
    whole = sum(means.values())
    peak = (
        torch.cuda.max_memory_allocated() / 1e9
        if device.type == 'cuda'
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    )
    return {
        'case': case.name,
        **asdict(case),
        'size': f'{width}x{height}',
        'trained_parameters': sum(value.numel() for value in objective.trained.parameters()),
        'steps': steps,
        'seconds_per_step': whole,
        'samples_per_second': 1.0 / whole,
        'seconds': means,
        'peak_memory_gb': peak,
        'device': torch.cuda.get_device_name() if device.type == 'cuda' else 'cpu',
        'computed_in': 'bf16' if case.weights == 'bf16' and native_bf16(device) else 'fp32',
        'instructions': torch.backends.cpu.get_cpu_capability(),
        'threads': torch.get_num_threads(),
        'torch': torch.__version__,
    }


def _objective(case: Case, width: int, height: int) -> Objective:
    keys = keys_of(case.objective)
    model: dict[str, Any] = {'start': 'true_size'}
    if case.objective == 'sharpdepth':
        model['teacher'] = {'start': 'true_size', 'bf16': case.weights == 'bf16'}
    elif case.objective == 'apdepth_align':
        model['encoder'] = {'kind': 'prior', 'weights': 'bundled'}
    loss = {'latent': 1.0, 'pixel': 1.0} if case.objective == 'apdepth_depth' else {}
    config = RunConfig(
        objective=case.objective,
        data=DataConfig(width=width, height=height, photometric=0.0, priors={'smeared': 1.0}),
        optimizer=OptimizerConfig(name='adamw', lr=1e-6),
        ema=EmaConfig(decay=0.9999 if case.average else 0.0),
        model=OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(keys.model), model)),
        loss=keys.loss(**loss),
    )
    return build_objective(config)


def _batch(width: int, height: int, step: int) -> Batch:
    draws = torch.Generator().manual_seed(step)
    camera = Intrinsics.from_fov(width, height, 60.0)
    return Batch(
        rgb_B3HW=torch.rand(1, 3, height, width, generator=draws),
        depth_m_B1HW=1.0 + 4.0 * torch.rand(1, 1, height, width, generator=draws),
        sky_B1HW=torch.zeros(1, 1, height, width, dtype=torch.bool),
        rays_B2HW=camera.rays()[None],
        focal_px_B=torch.tensor([camera.fx]),
        cameras=(camera,),
        seed=step,
    )


def _step(
    objective: Objective,
    optimizers: dict[str, torch.optim.Optimizer],
    batch: Batch,
    step: int,
    case: Case,
) -> dict[str, float]:
    times, began = {}, _now()
    bf16 = case.weights == 'bf16' and native_bf16(batch.rgb_B3HW.device)
    with torch.autocast(batch.rgb_B3HW.device.type, torch.bfloat16, enabled=bf16):
        loss = objective(batch, step)[TOTAL]
    times['forward'], began = _now() - began, _now()
    loss.backward()
    times['backward'], began = _now() - began, _now()
    torch.nn.utils.clip_grad_norm_(objective.trained.parameters(), 1.0)
    for optimizer in optimizers.values():
        optimizer.step()
        optimizer.zero_grad()
    times['optimiser'], began = _now() - began, _now()
    objective.ema.update(objective.trained, step + 1)
    times['average'] = _now() - began
    return times


def native_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16; otherwise weights are widened layer by layer."""
    return device.type == 'cuda' or fast_bf16()


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    cases: Annotated[list[str] | None, typer.Argument(help='of ' + ', '.join(CASES))] = None,
    size: Annotated[str, typer.Option(help='WIDTHxHEIGHT in pixels')] = '256x256',
    steps: Annotated[int, typer.Option(min=1)] = 2,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 is torch's choice")] = 0,
    json_file: Annotated[Path | None, typer.Option('--json')] = None,
    alone: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Measure the cases named, each in a process of its own."""
    raise typer.Exit(
        ended(lambda: _main(cases or list(CASES), size, steps, threads, json_file, alone))
    )


def _main(
    cases: list[str], size: str, steps: int, threads: int, json_file: Path | None, alone: bool
) -> None:
    for name in cases:
        if name not in CASES:
            raise SettingsError(
                f'case {name} must be one of {", ".join(CASES)}{nearest(name, CASES)}'
            )
    try:
        width, height = map(int, size.split('x'))
    except ValueError as error:
        raise SettingsError(f'size = {size} must be WIDTHxHEIGHT, such as 256x256') from error
    if width % 64 or height % 64 or not (width and height):
        raise SettingsError(f'size = {size} must be multiples of 64')
    if alone:
        print(json.dumps(measure(CASES[cases[0]], width, height, steps, threads)))
        return
    if json_file:
        check_writable(json_file)
    rows = []
    for name in cases:
        rows.append(_in_process(name, size, steps, threads))
        print(_line(rows[-1]), flush=True)
        if json_file:
            write_text(json_file, json.dumps(rows, indent=1) + '\n')


def _in_process(name: str, size: str, steps: int, threads: int) -> dict[str, Any]:
    command = [sys.executable, __file__, name, '--size', size, '--steps', str(steps), '--alone']
    done = subprocess.run(
        [*command, '--threads', str(threads)], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        return {'case': name, 'size': size, 'failed': f'exit code {done.returncode}'}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _line(row: dict[str, Any]) -> str:
    if 'failed' in row:
        return f'{row["case"]:26} {row["failed"]} (137: not enough memory)'
    return (
        f'{row["case"]:26} {row["seconds_per_step"]:8.2f} s/step  '
        f'{row["samples_per_second"]:8.4f} samples/s  {row["peak_memory_gb"]:6.1f} GB'
    )


if __name__ == '__main__':
    app()
