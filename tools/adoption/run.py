"""Adopts a published dataset: makes a raw folder from its clips and masks."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...builder.work import Progress, executor_of, no_progress, run_tasks, write_atomic
from .entries import Entry, HubFile, Leftover, ZipMember, downloaded
from .error import AdoptError
from .generators import generator_of, generators_csv, read_generators
from .lists import IdList, find_lists, splits_of
from .names import find_media
from .pairing import Pair, Pairing, by_id, pair_up
from .pairing_file import Row, apply_rows, pairing_csv, read_pairing
from .records import (
    FOLDER,
    Record,
    is_whole,
    made_of,
    masks_digest,
    read_record,
    read_records,
    record_path,
    strangers,
    write_lines,
    write_record,
)
from .report import AdoptReport, Generator
from .source import Source, open_source
from .task import Outcome, Task, adopt_one

LOOKS_ON_HUB = 12
"""Number of pairs that a dry run of a repository decodes."""


@dataclass(frozen=True, slots=True)
class AdoptOptions:
    """Options for reading a source.

    Attributes:
        pairing: a pairing.csv that a person has edited. None: the one in the raw folder, if it
            exists.
        generators: a CSV of prefix,generator, which replaces entries of the known table.
        clips, masks: patterns of paths that are clips or masks, if names do not say it.
        looks: number of pairs that a dry run decodes. None: all of a folder, LOOKS_ON_HUB of a
            repository.
        license: license of the clips. None: the one in the source's README.
        fps: frames per second of clips that are folders of images.
        splits: whether to take splits from text files that list ids and have the name of a split.
    """

    pairing: Path | None = None
    generators: Path | None = None
    clips: Sequence[str] = ()
    masks: Sequence[str] = ()
    looks: int | None = None
    license: str | None = None
    fps: float | None = None
    splits: bool = True


def adopt(
    source: str,
    raw: Path,
    options: AdoptOptions = AdoptOptions(),
    *,
    dry_run: bool = False,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> AdoptReport:
    """Brings the clips and masks of a source into a raw folder.

    A pair is adopted if neither the pairing nor the kind of its mask is in doubt. The other pairs
    are listed in adoption/pairing.csv, where a person can answer. Videos that were adopted before
    and have not changed stay as they are. Videos that the source, with these answers, no longer
    gives are removed. Videos of other sources stay.

    Args:
        source: a folder, an archive, or OWNER/NAME[@REVISION] on the Hub.
        raw: a raw folder; it is made if it does not exist.
        dry_run: write only the report.
        workers: number of processes that decode. The result is the same for any number.

    Raises:
        AdoptError: the source does not exist, a table cannot be read, or the raw folder has one of
            the ids from elsewhere. One line per problem.
        ReleaseError: the Hub has no such repository or revision, gives no access, or does not
            answer.
    """
    _check_apart(source, raw)
    folder = raw / FOLDER
    table = read_generators(options.generators)
    own_pairing = folder / "pairing.csv"
    pairing_path = options.pairing or (own_pairing if own_pairing.is_file() else None)
    rows = read_pairing(pairing_path) if pairing_path is not None else []
    before = read_records(raw)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=folder) as work:
        opened = open_source(source, work=Path(work), for_report=dry_run, on_progress=on_progress)
        media, others = find_media(opened.entries)
        pairing = pair_up(media, clips=options.clips, masks=options.masks)
        if pairing_path is not None:
            pairing = apply_rows(pairing, rows, media, where=pairing_path)
        pairing = _one_per_id(pairing)
        sure = [pair for pair in pairing.pairs if pair.is_sure]
        lists = find_lists(others, {pair.video_id for pair in pairing.pairs})
        splits = splits_of(lists) if options.splits else {}
        tasks = _tasks(sure, opened, table, splits, raw=None if dry_run else raw, options=options)
        outcomes = {
            id(pair): Outcome(pair, "doubtful", pair.doubt, pair.kind)
            for pair in pairing.pairs
            if not pair.is_sure
        }
        mine = {key: record for key, record in before.items() if record.source == opened.name}
        if dry_run:
            chosen = _spread(
                tasks,
                options.looks
                if options.looks is not None
                else LOOKS_ON_HUB
                if opened.commit
                else len(tasks),
            )
            outcomes |= {id(task.pair): Outcome(task.pair, "paired") for task in tasks}
        else:
            _refuse_strangers(raw, sure, before, mine, opened.name)
            chosen, done = _to_do(tasks, raw, mine, fps=options.fps)
            outcomes |= {id(outcome.pair): outcome for outcome in done}
            _download_archives(chosen, on_progress)
        with executor_of(min(workers, max(1, len(chosen)))) as executor:
            step = "looked at" if dry_run else "adopted"
            results = run_tasks(
                executor,
                adopt_one,
                chosen,
                lambda done, total: on_progress(step, done, total),
                name_of=lambda task: task.pair.video_id,
            )
            outcomes |= {
                id(task.pair): outcome for task, outcome in zip(chosen, results, strict=True)
            }
    ordered = tuple(outcomes[id(pair)] for pair in pairing.pairs)
    removed, edited = ((), ()) if dry_run else _settle(raw, ordered, before, mine)
    report = _report(
        opened,
        raw,
        options,
        ordered,
        pairing,
        lists,
        others,
        table,
        removed,
        edited,
        dry_run,
        len(chosen),
    )
    write_atomic(folder / "report.csv", report.csv())
    write_atomic(
        folder / "generators.csv", generators_csv({g.prefix: g.name for g in report.generators})
    )
    write_atomic(own_pairing, pairing_csv(_rows(ordered, rows)))
    return report


def _check_apart(source: str, raw: Path) -> None:
    path = Path(source).expanduser()
    if path.is_dir() and raw.resolve().is_relative_to(path.resolve()):
        raise AdoptError(f"{raw}: is inside the source {source}; give a raw folder outside of it.")
    if raw.exists() and not raw.is_dir():
        raise AdoptError(
            f"{raw}: is a file; wanted a raw folder, or a path that does not exist yet."
        )


def _one_per_id(pairing: Pairing) -> Pairing:
    """The pairing in which pairs of one id are in doubt, because one would overwrite the other."""
    pairs: list[Pair] = []
    for video_id, group in by_id(pairing.pairs):
        sure = [pair for pair in group if pair.is_sure and not pair.confirmed]
        doubt = f"{len(group)} pairs have the video_id {video_id}; give each its own video_id here"
        for pair in group:
            pairs.append(
                replace(pair, confidence=0.5, doubt=doubt)
                if len(group) > 1 and pair in sure
                else pair
            )
    return replace(pairing, pairs=tuple(pairs))


def _tasks(
    sure: Sequence[Pair],
    source: Source,
    table: Mapping[str, str],
    splits: Mapping[str, str],
    *,
    raw: Path | None,
    options: AdoptOptions,
) -> list[Task]:
    return [
        Task(
            pair,
            raw,
            source.name,
            source.commit,
            generator_of(pair.video_id, table)[1],
            splits.get(pair.video_id),
            options.license or source.license,
            source.url_of(pair.clip.entries[0]),
            options.fps,
        )
        for pair in sure
    ]


def _spread(tasks: Sequence[Task], most: int) -> list[Task]:
    """At most `most` tasks, evenly spread over the list."""
    if most >= len(tasks):
        return list(tasks)
    return [tasks[(2 * number + 1) * len(tasks) // (2 * most)] for number in range(most)]


def _refuse_strangers(
    raw: Path,
    sure: Sequence[Pair],
    before: Mapping[str, Record],
    mine: Mapping[str, Record],
    source: str,
) -> None:
    ids = [pair.video_id for pair in sure]
    problems = [
        f"{raw}: already has a video {name} that was not adopted; rename or remove it"
        for name in strangers(raw, ids, before)
    ]
    problems += [
        f"{raw}: video {name} was adopted from {before[name].source}, and {source} has this id "
        "too; use another raw folder"
        for name in sorted(set(ids) & (before.keys() - mine.keys()))
    ]
    if problems:
        raise AdoptError("\n".join(problems))


def _to_do(
    tasks: Sequence[Task], raw: Path, mine: Mapping[str, Record], *, fps: float | None
) -> tuple[list[Task], list[Outcome]]:
    """Tasks that are new or whose files or answers have changed, and the outcomes of the other
    tasks.
    """
    chosen: list[Task] = []
    done: list[Outcome] = []
    for task in tasks:
        record = mine.get(task.pair.video_id)
        if record is None or not is_whole(raw, record):
            chosen.append(task)
            continue
        is_same = record.made_of == made_of(task.pair, fps=fps) and all(
            entry.key for entry in _entries(task.pair)
        )
        if (
            record.made_of
            and not is_same
            and masks_digest(raw / "masks" / record.video_id) != record.masks_sha256
        ):
            doubt = (
                f"changed in the source, but its masks were changed in {raw} too; "
                f"remove masks/{record.video_id} there to take the source's masks"
            )
            done.append(_as_before(task, record, "kept", doubt))
        elif not is_same:
            chosen.append(task)
        else:
            done.append(_as_before(task, _with_line(record, task), "unchanged", ""))
    return chosen, done


def _entries(pair: Pair) -> Sequence[Entry]:
    return (*pair.clip.entries, *pair.mask.entries)


def _with_line(record: Record, task: Task) -> Record:
    """The record with the current generator, split and license."""
    line = {key: value for key, value in record.line.items() if key not in ("split", "source")}
    source = {**record.line["source"], "license": task.license}
    line |= {"generator": task.generator, **({"split": task.split} if task.split else {})}
    line["source"] = {key: value for key, value in source.items() if value is not None}
    return record if line == record.line else replace(record, line=line)


def _as_before(task: Task, record: Record, state: str, why: str) -> Outcome:
    facts = record.facts
    return Outcome(
        task.pair,
        state,  # type: ignore[arg-type]
        why,
        facts["kind"],
        facts["confidence"],
        facts["note"],
        facts["num_frames"],
        facts["mask_frames"],
        facts["height"],
        facts["width"],
        facts["marked_frames"],
        record=record,
    )


def _download_archives(tasks: Sequence[Task], on_progress: Progress) -> None:
    """Downloads all zips that a task needs, so that workers read them from the cache."""
    needed: dict[HubFile, None] = {}
    for task in tasks:
        for entry in _entries(task.pair):
            if isinstance(entry.place, ZipMember) and isinstance(entry.place.archive, HubFile):
                needed[entry.place.archive] = None
    for number, archive in enumerate(needed, start=1):
        on_progress("archives downloaded", number - 1, len(needed))
        downloaded(archive)
        on_progress("archives downloaded", number, len(needed))


def _settle(
    raw: Path, outcomes: Sequence[Outcome], before: Mapping[str, Record], mine: Mapping[str, Record]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Removes videos that the source no longer gives, and updates videos.jsonl.

    Returns:
        Ids of removed videos, and ids of videos whose line people have changed.
    """
    now = {
        outcome.pair.video_id: outcome.record for outcome in outcomes if outcome.record is not None
    }
    failed = {outcome.pair.video_id for outcome in outcomes if outcome.state == "failed"}
    # Failed videos keep their earlier files: the next run may succeed.
    earlier = {video_id: read_record(raw, video_id) for video_id in failed & mine.keys()}
    now |= {
        video_id: record
        for video_id, record in earlier.items()
        if record is not None and record.made_of
    }
    removed = sorted(mine.keys() - now.keys() - failed)
    others = {key: record for key, record in before.items() if key not in mine}
    edited = write_lines(raw, {**others, **now}, before)
    for video_id in removed:
        record_path(raw, video_id).unlink(missing_ok=True)
        (raw / "videos" / mine[video_id].video).unlink(missing_ok=True)
        shutil.rmtree(raw / "masks" / video_id, ignore_errors=True)
    for video_id, record in now.items():
        if mine.get(video_id) not in (None, record):
            write_record(raw, record)
    return tuple(removed), tuple(edited)


def _report(
    source: Source,
    raw: Path,
    options: AdoptOptions,
    outcomes: tuple[Outcome, ...],
    pairing: Pairing,
    lists: Sequence[IdList],
    others: Sequence[Entry],
    table: Mapping[str, str],
    removed: tuple[str, ...],
    edited: tuple[str, ...],
    dry_run: bool,
    looked_at: int,
) -> AdoptReport:
    counts = Counter(
        generator_of(video_id, table)
        for video_id in {outcome.pair.video_id for outcome in outcomes}
    )
    generators = tuple(Generator(*facts, videos=count) for facts, count in sorted(counts.items()))
    read = {listed.path for listed in lists}
    read |= {"README.md"} if source.license is not None else set()
    unused = [
        Leftover(entry.path, "neither a video nor numbered images")
        for entry in others
        if entry.path not in read
    ]
    return AdoptReport(
        source=source.name,
        commit=source.commit,
        raw=raw,
        folder=raw / FOLDER,
        dry_run=dry_run,
        num_files=len(source.entries) + len(source.unread),
        num_bytes=sum(entry.size for entry in source.entries),
        license=options.license or source.license,
        outcomes=outcomes,
        leftover=tuple(sorted([*source.unread, *pairing.leftover, *unused])),
        lists=tuple(lists),
        generators=generators,
        splits=splits_of(lists) if options.splits else {},
        removed=removed,
        edited=edited,
        looked_at=looked_at,
    )


def _rows(outcomes: Sequence[Outcome], rows: Sequence[Row]) -> list[Row]:
    """The rows of pairing.csv: the answers of a person, and the pairs that are in doubt now."""
    answered = [row for row in rows if row.use]
    answered_pairs = {row.pair for row in answered}
    doubtful = [
        Row(
            "",
            outcome.pair.video_id,
            outcome.pair.clip.name,
            outcome.pair.mask.name,
            outcome.kind,
            outcome.align or "+".join(outcome.pair.align),
            f"{min(outcome.pair.confidence, 1.0 if outcome.confidence is None else outcome.confidence):.2f}",
            outcome.why,
        )
        for outcome in outcomes
        if outcome.state == "doubtful"
        and (outcome.pair.clip.name, outcome.pair.mask.name) not in answered_pairs
    ]
    # An answer may leave a doubt, such as a yes without the necessary align. Its row then shows
    # this doubt.
    open_ = {
        (o.pair.clip.name, o.pair.mask.name): o
        for o in outcomes
        if o.state in ("doubtful", "failed")
    }
    explained = [
        replace(row, why=open_[row.pair].why) if row.pair in open_ else row for row in answered
    ]
    return [*explained, *doubtful]
