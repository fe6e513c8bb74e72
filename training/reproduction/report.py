# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The report of a reproduction: README.md, pictures, and all numbers as JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import note, write_json
from depth_refiner_ros.core.atomic import make_folder, write_text
from depth_refiner_ros.core.messages import counted
from training.evaluation.published import published_tables
from training.reproduction.figures import is_finished, read_figures
from training.reproduction.pictures import write_picture
from training.reproduction.plan import Job, jobs_of, PIECES, STUDIES
from training.reproduction.profiles import Profile
from training.reproduction.tables import figures_table, verdict_table
from training.reproduction.verdicts import Found, PHOTOGRAPHS, Verdict, verdicts_of

README, RESULTS, NOTES = 'README.md', 'results.json', 'notes.md'


def write_report(folder: Path, place: Path, profile: Profile, seeds: int) -> None:
    """
    Write what the finished pieces say, and which are missing.

    :param folder: of the report; a notes.md in it, written by hand, is linked
    :param place: output of the reproduction
    :raises OutputError: if a file cannot be written
    """
    make_folder(folder)
    jobs = jobs_of([], seeds)
    read = {job: read_figures(place, job, profile) for job in jobs}
    if others := [job for job, found in read.items() if found is None and is_finished(place, job)]:
        named = ', '.join(f'{job.piece} seed {job.seed}' for job in others)
        note(f'not counted, of other settings: {named}; remove them or name another --output')
    pieces: dict[str, Found] = {
        name: {
            job.seed: found
            for job, found in read.items()
            if job.piece == name and found is not None
        }
        for name in PIECES
    }
    missing = [job for job in jobs if job.seed not in pieces[job.piece]]
    published = published_tables()
    lines = [*_head(profile, seeds, len(jobs), missing, folder)]
    verdicts: list[Verdict] = []
    for study in STUDIES:
        table = published[study.table]
        own = [verdict for claim in study.claims for verdict in verdicts_of(claim, pieces)]
        verdicts += own
        lines += ['', f'## {study.title}', '']
        lines += [*figures_table(study, pieces, table), '']
        lines += verdict_table(study, own, table)
        lines += ['', *study.notes] if study.notes else []
        if any(PHOTOGRAPHS in item for row in study.rows for item in pieces[row.piece].values()):
            lines += ['', 'Held-out photographs:', '']
            lines += [*figures_table(study, pieces, table, PHOTOGRAPHS), '']
            judged = [
                verdict
                for claim in study.claims
                for verdict in verdicts_of(claim, pieces, PHOTOGRAPHS)
            ]
            lines += verdict_table(study, judged, table)
        if write_picture(folder / f'{study.name}.png', study, place, pieces):
            lines += ['', f'![{study.title}]({study.name}.png)']
    lines += ['', *_costs(pieces)]
    write_text(folder / README, '\n'.join(lines) + '\n')
    write_json(folder / RESULTS, _results(profile, seeds, missing, pieces, verdicts))


def _head(
    profile: Profile, seeds: int, count: int, missing: Sequence[Job], folder: Path
) -> list[str]:
    done, size = count - len(missing), profile.size_px
    about = (
        f'Written by `{_command(profile)}` with {counted(seeds, "seed")}. Networks of '
        f'{list(profile.block_channels)} channels on unshuffled pixels, {size} x {size} px, '
        f'{_images(profile)}. Figures are of {2 * profile.held_out} held-out views whose smeared '
        'metric prior is refined, unless a row says otherwise: mean ± standard deviation over '
        'seeds. The papers trained networks a thousand times as large on other images, so '
        'orderings are compared, not values. A claim holds if it does in every seed, by at least '
        '1 % of the error (of 1 - δ1 for δ1); rows nearer than that do not differ.'
    )
    state = f'**{done} of {count} pieces are done.**' + (' Missing:' if missing else '')
    lines = ['# Both papers at a small scale', '', about, '', state]
    seeds_of: dict[str, list[str]] = {}
    for job in missing:
        seeds_of.setdefault(job.piece, []).append(str(job.seed))
    if seeds_of:
        named = '; '.join(f'{name} (seed {", ".join(own)})' for name, own in seeds_of.items())
        lines += ['', f'{named}. Claims without figures are pending.']
    if (folder / NOTES).exists():
        lines += ['', f'What was tried where a claim does not hold: [{NOTES}]({NOTES}).']
    return lines


def _command(profile: Profile) -> str:
    words = ['python training/reproduce.py', profile.name]
    if profile.photographs:
        words.append(f'--photographs {profile.photographs}')
    if profile.held_out_photographs:
        words.append(f'--held-out-photographs {profile.held_out_photographs}')
    return ' '.join(words)


def _images(profile: Profile) -> str:
    rooms = 'rendered rooms'
    return f'{rooms}, a fifth of the batches of photographs' if profile.photographs else rooms


def _costs(pieces: Mapping[str, Found]) -> list[str]:
    """Return a table of the updates and times of the pieces."""
    lines = ['## Cost', '', '| piece | updates | s per update | min in all | on |']
    lines.append('| --- | --- | --- | --- | --- |')
    for name, found in pieces.items():
        for item in [*found.values()][:1]:
            seconds, minutes = item['seconds_per_update'] or 0.0, item['seconds'] / 60.0
            cells = name, str(item['updates']), f'{seconds:.3f}', f'{minutes:.1f}'
            lines.append(f'| {" | ".join(cells)} | {item["machine"]} |')
    return lines


def _results(
    profile: Profile,
    seeds: int,
    missing: Sequence[Job],
    pieces: Mapping[str, Found],
    verdicts: Sequence[Verdict],
) -> dict[str, Any]:
    return {
        'profile': profile.name,
        'seeds': seeds,
        'missing': [f'{job.piece} seed {job.seed}' for job in missing],
        'verdicts': [
            {
                'claim': verdict.claim.text,
                'better': verdict.claim.better,
                'worse': verdict.claim.worse or 'prior',
                'figure': verdict.figure,
                'means': [verdict.better, verdict.worse],
                'gaps': verdict.gaps,
                'mean': verdict.mean,
                'spread': verdict.spread,
                'verdict': verdict.text,
            }
            for verdict in verdicts
        ],
        'pieces': {
            name: {seed: _anywhere(figures) for seed, figures in found.items()}
            for name, found in pieces.items()
        },
    }


def _anywhere(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures without the command of their run, which names folders of one machine."""
    return {name: value for name, value in figures.items() if name != 'command'}
