"""Builds a release folder from a raw folder."""

import errno
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..release import DATA_VERSION, MANIFEST, MAX_SHARDS, SPLITS, SUMS, in_words
from .differences import version_of
from .ingest import Ingested
from .layouts import detect, read_layout
from .manifest import library_versions, manifest_bytes, manifest_of, sums_bytes
from .parent import Parent, check_step, read_parent, withdrawn
from .plan import (
    FILLED,
    SPLIT_RULES,
    STRATIFIED,
    ShardPlan,
    assign_splits,
    empty_splits,
    fill_splits,
    plan_shards,
    split_rule,
)
from .raw import FILE_NAME, Include, MasksAre, Problem, RawError, included, read_videos_jsonl
from .tasks import IngestTask, ShardTask, run_ingest, run_shard
from .work import (
    BuildError,
    Progress,
    check_free,
    executor_of,
    file_sha256,
    no_progress,
    run_tasks,
    sync_folder,
    work_folder,
    work_folder_of,
    write_atomic,
)

MoreFiles = Callable[[Path], Mapping[str, bytes]]
"""Called with a folder of finished shards; gives additional files of the release by name."""

OnNote = Callable[[str], None]
"""Called with a line of text for people."""


def no_note(note: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The options of a build: everything that it depends on besides the raw folder.

    Attributes:
        layout: one of `builder.layouts.layout_names()`, or "auto".
        artifact_type: type of every object in a layout without types.
        generator: generator of every video in a layout without generators.
        void: a label value to read as background (DAVIS: 255); None: every value is an object.
        masks_are: whether masks of rotated videos were drawn on displayed or stored frames, if
            their size does not show it.
        num_shards: number of shards by split; a split without a number gets one shard per 384 MB of
            video.
        data_version: SemVer of the data.
        seed: seed of the split assignment.
        split_rule: one of `builder.plan.SPLIT_RULES`. The later rule equals the first if no split
            is empty.
        include: "approved" leaves out videos that videos.jsonl marks as unreviewed; "unreviewed"
            takes every video.

    Examples:
        >>> options = brokenvideos.BuildOptions(num_shards={"train": 2}, data_version="1.0.0")
        >>> options.layout, options.include
        ('auto', 'approved')
    """

    layout: str = "auto"
    artifact_type: str | None = None
    generator: str | None = None
    void: int | None = None
    masks_are: MasksAre | None = None
    num_shards: Mapping[str, int] | None = None
    data_version: str = DATA_VERSION
    seed: int = 0
    split_rule: str = FILLED
    include: Include = "approved"


def build(
    raw: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    parent: str | Path | None = None,
    workers: int = 1,
    engine: str = "processes",
    address: str | None = None,
    fresh: bool = False,
    bring_back: Collection[str] = (),
    more_files: MoreFiles | None = None,
    on_progress: Progress = no_progress,
    on_note: OnNote = no_note,
) -> dict[str, Any]:
    """Builds a release from raw annotations; the same input and versions give the same bytes for
    any number of workers.

    Everything is written into a work folder beside `out` and renamed at the end, so `out` is
    complete or absent. If a build was killed, met a full disk, or found problems that you have
    corrected, the same call continues it.

    Args:
        raw: a folder in one of the layouts of `builder.layouts`.
        out: the release folder to make; must not exist, or be empty.
        parent: the previous release. Its videos stay in their splits, and its unchanged shard files
            are reused.
        workers: number of processes that decode and write; 1 means this process.
        engine, address: where tasks run, as for `engine.executor_of`.
        fresh: start again and do not continue an earlier build.
        bring_back: ids of videos that come back on purpose, although `parent` or an earlier release
            has withdrawn them or a video of which they are copies.
        more_files: called with the finished shards' folder; gives additional files (README.md) by
            name.
        on_note: called with each rule by which masks were read and the videos read by it, and with
            the empty splits.

    Returns:
        The manifest.

    Raises:
        RawError: all problems of the raw folder, one per line, and the folder that keeps the
            finished work.
        FileExistsError: `out` is not empty.
        ReleaseError: `parent` is not a release.
        ValueError: an invalid option, or a version whose step from the parent's version is too
            small for the changes.
        BuildError: another process is building it, or the disk is full or read-only. WorkerError: a
            task killed its worker twice.

    Examples:
        The files of the dataset card come from the room `card`, as with `brokenvideos build`:

        >>> from brokenvideos.card import card_files
        >>> options = brokenvideos.BuildOptions(num_shards={"train": 1})
        >>> manifest = brokenvideos.build("raw", "built", options, more_files=card_files)
        >>> [len(shard["video_ids"]) for shard in manifest["shards"]], manifest["reading"]["layout"]
        ([7, 1, 1], 'own')
        >>> sorted(path.name for path in Path("built").iterdir())
        ['README.md', 'SHA256SUMS', 'annotations', 'data', 'manifest.json', 'webdataset']
    """
    raw, out, parent = Path(raw), Path(out), None if parent is None else Path(parent)
    options = options or BuildOptions()
    _check_options(options)
    if engine == "ray":  # a worker on another node has another current folder
        raw, out, parent = raw.absolute(), out.absolute(), parent and parent.absolute()
    before = None if parent is None else read_parent(parent)
    if before is not None and version_of(options.data_version) <= version_of(before.version):
        raise ValueError(
            f"data version {options.data_version}: the parent {parent} is {before.version}. Give a "
            "later --data-version."
        )
    try:
        with executor_of(workers, engine=engine, address=address) as executor:
            return build_with(
                executor,
                raw,
                out,
                options,
                parent=before,
                fresh=fresh,
                bring_back=bring_back,
                more_files=more_files,
                on_progress=on_progress,
                on_note=on_note,
            )
    except RawError as error:
        if not (work := work_folder_of(out)).exists():
            raise
        raise RawError(
            f"{error}\nFinished work is kept in {work}: correct the raw folder and give the same "
            "command again, or remove that folder."
        ) from error


def build_with(
    executor: Executor | None,
    raw: Path,
    out: Path,
    options: BuildOptions,
    *,
    parent: Parent | None,
    fresh: bool,
    more_files: MoreFiles | None,
    on_progress: Progress,
    bring_back: Collection[str] = (),
    on_note: OnNote = no_note,
) -> dict[str, Any]:
    """`build` in a pool that is there; arguments and errors are its."""
    check_free(out)
    reading: dict[str, Any] = {
        "layout": detect(raw) if options.layout == "auto" else options.layout,
        "artifact_type": options.artifact_type,
        "generator": options.generator,
        "void": options.void,
        **({"masks_are": options.masks_are} if options.masks_are is not None else {}),
    }
    all_videos, problems = read_layout(raw, **reading)
    videos = included(all_videos, options.include)
    if all_videos and not videos and not problems:
        raise RawError(
            f"{raw}: none of {len(all_videos)} videos is approved, no release was written. "
            "Let a second person review them, or give --include unreviewed."
        )
    if options.include == "unreviewed":
        # so that the manifest shows that unreviewed masks are in the release
        reading["include"] = options.include
    by_id = withdrawn(parent, videos, bring_back=bring_back) if parent else []
    problems += by_id
    goes_on = STARTS_OVER if fresh else "finished work is kept, and the build continues from there."
    with room_wanted(out, goes_on), work_folder(out, fresh=fresh) as work:
        check_free(out)
        versions = library_versions()
        rows = [
            IngestTask(video, str(reading["layout"]), raw, work / "rows", versions)
            for video in videos
        ]
        on_done = partial(on_progress, "decode videos, read masks")
        results = list(
            run_tasks(
                executor,
                run_ingest,
                rows,
                on_done,
                name_of=_name_of_ingest,
                size_of=_size_of_ingest,
            )
        )
        problems += [
            problem for result in results if isinstance(result, list) for problem in result
        ]
        ingested = [result for result in results if isinstance(result, Ingested)]
        for note in _notes(ingested):
            on_note(note)
        by_content = withdrawn(parent, ingested, bring_back=bring_back) if parent else []
        problems += [problem for problem in by_content if problem not in by_id]
        if problems or not videos:
            raise RawError(_report(raw, problems))
        splits, rule = _splits(ingested, options, parent)
        plans = _plan(ingested, splits, options, parent)
        empty = empty_splits(ingested, splits)
        if empty is not None:
            on_note(empty)
        release = work / "release"
        kept = [parent.shard(plan) if parent else None for plan in plans]
        shards = [
            ShardTask(plan, release, work / "shards", before, versions)
            for plan, before in zip(plans, kept, strict=True)
        ]
        on_done = partial(on_progress, "write shards")
        files = list(
            run_tasks(
                executor, run_shard, shards, on_done, name_of=_name_of_shard, size_of=_size_of_shard
            )
        )
        manifest = manifest_of(
            zip(plans, files, strict=True),
            data_version=options.data_version,
            parent_version=parent.version if parent else None,
            reading=reading,
            split_rule=split_rule(options.seed, grown=parent is not None, name=rule),
            errata=parent.errata if parent else (),
        )
        seal(release, manifest, more_files, out=out)
    return manifest


def left_out(raw: Path) -> list[str]:
    """Ids of the videos that wait for a review, sorted; a build leaves them out unless it is told
    to include them.
    """
    entries, _ = read_videos_jsonl(raw / FILE_NAME, required=())
    return sorted(video_id for video_id, entry in entries.items() if entry.review == "unreviewed")


def _notes(videos: Sequence[Ingested]) -> Iterator[str]:
    """A line for each rule by which masks were read, with the videos."""
    by_rule: dict[str, list[str]] = {}
    for video in videos:
        for rule in video.rules:
            by_rule.setdefault(rule, []).append(video.video_id)
    for rule, ids in sorted(by_rule.items()):
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        yield f"masks of {', '.join(ids[:3])}{more}: {rule}"


STARTS_OVER = "nothing is kept, and it starts again."
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def room_wanted(out: Path, goes_on: str) -> Iterator[None]:
    """Turns the error of a full or read-only disk into a message that says what to do.

    Args:
        goes_on: the part of the message about what the same command does next.
    """
    try:
        yield
    except OSError as error:
        refused = error.errno == errno.EACCES and str(error.filename).startswith(
            str(work_folder_of(out))
        )
        if error.errno not in _NO_ROOM and not refused:
            raise
        raise BuildError(
            f"{out}: not finished: {in_words(error)}. Make room there, or make it writable, and "
            f"give the same command again: {goes_on}"
        ) from error


def _splits(
    ingested: Sequence[Ingested], options: BuildOptions, parent: Parent | None
) -> tuple[Mapping[str, str], str]:
    """Split by id, and the name of the rule that gave it."""
    kept = parent.splits if parent else None
    splits = assign_splits(ingested, seed=options.seed, kept=kept)
    if options.split_rule == STRATIFIED:
        return splits, STRATIFIED
    filled = fill_splits(ingested, splits, seed=options.seed, kept=kept)
    return filled, STRATIFIED if filled == splits else FILLED


def _plan(
    ingested: Sequence[Ingested],
    splits: Mapping[str, str],
    options: BuildOptions,
    parent: Parent | None,
) -> list[ShardPlan]:
    plans = plan_shards(
        ingested,
        splits,
        num_shards=options.num_shards or {},
        parent_shards=parent.num_shards if parent else None,
    )
    if parent is not None:
        check_step(parent, plans, options.data_version)
    return plans


def seal(
    release: Path, manifest: dict[str, Any], more_files: MoreFiles | None, *, out: Path
) -> None:
    """Writes the files beside the shards, removes files of a build with other options, and renames
    the folder to `out`.
    """
    sums = {file["path"]: file["sha256"] for shard in manifest["shards"] for file in shard["files"]}
    for path in sorted(release.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(release).as_posix() not in sums:
            path.unlink()
    write_atomic(release / MANIFEST, manifest_bytes(manifest))
    for name, content in (more_files(release) if more_files else {}).items():
        write_atomic(release / name, content)
    rest = {
        path.relative_to(release).as_posix(): path for path in release.rglob("*") if path.is_file()
    }
    sums |= {name: file_sha256(path) for name, path in rest.items() if name not in sums}
    write_atomic(release / SUMS, sums_bytes(sums))
    if out.exists():
        out.rmdir()
    release.rename(out)
    sync_folder(out.parent)


def _check_options(options: BuildOptions) -> None:
    version_of(options.data_version)
    if options.split_rule not in SPLIT_RULES:
        raise ValueError(
            f"split rule {options.split_rule!r}: wanted one of {', '.join(SPLIT_RULES)}."
        )
    for split, count in (options.num_shards or {}).items():
        if split not in SPLITS or not 1 <= count <= MAX_SHARDS:
            raise ValueError(
                f"split shards {split}={count}: wanted one of {', '.join(SPLITS)} and 1 to "
                f"{MAX_SHARDS}."
            )


def _report(raw: Path, problems: list[Problem]) -> str:
    if not problems:
        return f"{raw}: no video found, no release was written."
    lines = "\n".join(str(problem) for problem in sorted(problems))
    return (
        f"{raw}: {len(problems)} problem{'s' if len(problems) > 1 else ''}, no release was "
        f"written.\n{lines}"
    )


def _name_of_ingest(task: IngestTask) -> str:
    return f"video {task.video.video_id}"


def _size_of_ingest(task: IngestTask) -> int:
    """Bytes of the video; 0 where they cannot be known, which the task then says."""
    try:
        return task.video.video_path.stat().st_size
    except OSError:
        return 0


def _size_of_shard(task: ShardTask) -> int:
    return sum(video.video_bytes for video in task.plan.videos)


def _name_of_shard(task: ShardTask) -> str:
    return f"shard {task.plan.split} {task.plan.index}"
