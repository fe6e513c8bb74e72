# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner refine drive.mcap --out refined.mcap``, of one bag or many."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.apps.frame_refiner import FrameRefiner
from depth_refiner_ros.apps.frame_workers import FrameWorkers
from depth_refiner_ros.apps.lost_frames import end_run
from depth_refiner_ros.apps.opening_lines import note_networks
from depth_refiner_ros.apps.refine_bag import Copied, copy_bag, CopyOptions, Plan, plan_copy
from depth_refiner_ros.core.errors import DepthRefinerError, SettingsError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.sources.lost_frames import LostFrames


class FailedBagsError(DepthRefinerError):
    """Some bags of several could not be copied; the others were."""


@dataclass(frozen=True)
class BagJob:
    """A bag and the place of its copy."""

    source: Path
    out: Path


Outcome = Copied | DepthRefinerError
"""A copy, or why there is none."""


def run(
    jobs: Sequence[BagJob],
    options: CopyOptions,
    *,
    workers: int,
    ray: str,
    json: Path | None,
    strict: bool,
) -> None:
    """
    Copy bags with depth added.

    :param workers: processes that refine the frames of a bag; 0 refines in this one
    :param ray: address of a Ray cluster whose machines copy the bags; '' copies them here
    :raises DepthRefinerError: why the bag could not be copied, if it is the only one
    :raises FailedBagsError: if some could not be copied; the others were
    """
    near_m, far_m = options.bag.min_range_m, options.bag.max_range_m
    if near_m >= far_m:
        raise SettingsError(f'min_range_m = {near_m:g} m must be below max_range_m = {far_m:g} m')
    if (workers or ray) and not options.model.threads:  # else depth depends on the cores
        options = replace(options, model=replace(options.model, threads=1))
    if ray:
        from depth_refiner_ros.apps.ray_bags import copied_by_ray

        outcomes = copied_by_ray(jobs, options, workers, ray)
    else:
        outcomes = _copied_here(jobs, options, workers)
    if len(jobs) == 1 and not ray:
        outcome = outcomes[jobs[0]]
        if isinstance(outcome, DepthRefinerError):
            raise outcome
        if json:
            write_json(json, outcome.summary)
        say(f'{_depth_maps(outcome)} in {outcome.out}, a copy of {jobs[0].source}')
        end_run(outcome.lost, _frames_in(outcome), strict=strict)
        return
    _report(outcomes, json, strict=strict)


def refiner_of(
    options: CopyOptions, workers: int
) -> AbstractContextManager[FrameRefiner | FrameWorkers]:
    """
    Load the networks, here or in processes of their own.

    :param workers: number of processes, 0 for this one
    :raises DepthRefinerError: if they cannot be loaded, or processes cannot share the frames
    """
    if workers:
        return FrameWorkers(workers, options.model, options.bag)
    return nullcontext(FrameRefiner(options.model, options.bag))


def _copied_here(
    jobs: Sequence[BagJob], options: CopyOptions, workers: int
) -> dict[BagJob, Outcome]:
    outcomes: dict[BagJob, Outcome] = {}
    plans: dict[BagJob, Plan] = {}
    for job in jobs:  # all are looked at before the first is copied, which may take hours
        with _kept_error(job, outcomes):
            plans[job] = plan_copy(job.source, job.out, options)
    if plans:
        with refiner_of(options, workers) as refiner:
            note_networks(refiner.networks)
            for job, plan in plans.items():
                with _kept_error(job, outcomes):
                    outcomes[job] = copy_bag(plan, refiner, options)
    return {job: outcomes[job] for job in jobs}


@contextmanager
def _kept_error(job: BagJob, outcomes: dict[BagJob, Outcome]) -> Iterator[None]:
    """Keep what a user can fix about a bag as its outcome, so that the others follow."""
    try:
        yield
    except DepthRefinerError as error:
        outcomes[job] = error


def _report(outcomes: Mapping[BagJob, Outcome], json: Path | None, *, strict: bool) -> None:
    """Print a line for each bag, then how the run ended."""
    copies = [outcome for outcome in outcomes.values() if isinstance(outcome, Copied)]
    if json:
        bags = {str(job.source): _as_json(outcome) for job, outcome in outcomes.items()}
        write_json(json, {'bags': bags})
    width = max(len(str(job.source)) for job in outcomes)
    say(f'{"bag":{width}}{"depth maps":>12}{"lost":>6}')
    lost = LostFrames(None)
    for job, outcome in outcomes.items():
        if isinstance(outcome, DepthRefinerError):
            say(f'{job.source!s:{width}}{"-":>12}{"-":>6}  failed: {outcome}')
            continue
        lost.by_reason.update(outcome.lost.by_reason)
        before = ', made before' if outcome.before else ''
        say(
            f'{job.source!s:{width}}{outcome.summary["frames"]:>12}{len(outcome.lost):>6}'
            f'  {outcome.out}{before}'
        )
    say(f'{len(copies)} of {counted(len(outcomes), "bag")} copied')
    failed = len(outcomes) - len(copies)
    end_run(lost, sum(map(_frames_in, copies)), strict=strict and not failed)
    if failed:
        raise FailedBagsError(
            f'{failed} of {counted(len(outcomes), "bag")} failed; the table says why, and the '
            'same command tries only these again'
        )


def _as_json(outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, DepthRefinerError):
        return {'error': str(outcome)}
    return {'out': str(outcome.out), **outcome.summary}


def _depth_maps(copied: Copied) -> str:
    return counted(copied.summary['frames'], 'depth map')


def _frames_in(copied: Copied) -> int:
    return int(copied.summary['frames']) + len(copied.lost)
