# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The whole reproduction: rooms, pieces, report."""

from collections.abc import Sequence
from pathlib import Path

from depth_refiner_ros.apps.console import note, progress_bars, say
from depth_refiner_ros.core.atomic import check_writable
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.output_lock import locked_folder
import torch
from training.reproduction import data
from training.reproduction.figures import claim_place, read_figures
from training.reproduction.plan import Job, jobs_of, PIECES
from training.reproduction.profiles import Profile
from training.reproduction.report import README, write_report
from training.reproduction.workers import Outcome, Workers


def reproduce(
    profile: Profile,
    place: Path,
    *,
    only: Sequence[str],
    seeds: int,
    report: Path,
    train: bool = True,
) -> bool:
    """
    Train the pieces that are not done, and write the report of all that are.

    :param place: of data and runs
    :param only: see :func:`~training.reproduction.plan.jobs_of`
    :param report: its folder
    :param train: False reports alone
    :return: whether no piece failed
    :raises SettingsError: for a name that fits nothing, a profile of a GPU without one, or another
        profile or photographs than those of the place
    :raises OutputError: where another process works there, or a file cannot be written
    """
    jobs = jobs_of(only, seeds)
    check_writable(report / README)
    outcome = Outcome()
    claim_place(place, profile, writes=False)
    if train and profile.device == 'cuda' and not torch.cuda.is_available():
        raise SettingsError(
            f'profile {profile.name} needs a CUDA GPU, and torch finds none; use small for CPUs'
        )
    if train:
        with locked_folder(place):
            data.render(place, profile)  # refuses rooms of another profile
            claim_place(place, profile)
            data.predict(place, (PIECES[job.piece] for job in jobs))
            outcome = _train(jobs, profile, place)
    write_report(report, place, profile, seeds)
    say((report / README).read_text(encoding='utf-8'))
    for job, why in outcome.failed.items():
        note(f'failed: {job.piece} seed {job.seed}: {why}')
    if outcome.failed:
        note(
            f'{len(outcome.failed)} pieces failed, {len(outcome.waiting)} wait for them; the '
            'same command tries again'
        )
    return not outcome.failed


def _train(jobs: Sequence[Job], profile: Profile, place: Path) -> Outcome:
    """Train with a bar that counts updates, so that the time left fits long pieces, too."""
    updates = {job: profile.updates_of(PIECES[job.piece].updates) for job in jobs}
    done = [job for job in jobs if read_figures(place, job, profile) is not None]
    ended = len(done)
    with progress_bars() as bars:
        task = bars.add_task(
            f'{ended}/{len(jobs)} pieces',
            total=sum(updates.values()),
            completed=_sum(updates, done),
        )

        def told(job: Job, why: str) -> None:
            nonlocal ended
            ended += 1
            bars.update(
                task, advance=updates[job], description=f'{ended}/{len(jobs)} pieces, {job.piece}'
            )
            if why:
                bars.console.print(f'{job.piece} seed {job.seed} failed: {why}', markup=False)

        with Workers(place, profile, told) as workers:
            return workers.run(jobs, done)


def _sum(updates: dict[Job, int], jobs: Sequence[Job]) -> int:
    return sum(updates[job] for job in jobs)
