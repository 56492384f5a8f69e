"""Raw folder -> release folder."""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import brokenvideos
from brokenvideos.builder.atomic import sync_folder, write_atomic
from brokenvideos.builder.engine import Progress, executor_of, no_progress, run_tasks
from brokenvideos.builder.ingest import Ingested, ingest
from brokenvideos.builder.layouts import detect, read_layout
from brokenvideos.builder.manifest import MANIFEST, SUMS, file_sha256, manifest_bytes, manifest_of, sums_bytes
from brokenvideos.builder.plan import assign_splits, plan_shards, split_rule
from brokenvideos.builder.raw import Problem, RawError, RawVideo
from brokenvideos.builder.shards import write_shard


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a build depends on besides the raw folder.

    Attributes:
        layout: a name of `builder.layouts.LAYOUTS`, or "auto".
        artifact_type: type of every object in a layout that names none.
        generator: generator of every video in a layout that names none.
        void: a label value to leave out (DAVIS: 255); None: every value is an object.
        num_shards: shards by split; a split that is not named gets one per 384 MB of video.
        data_version: SemVer of the data.
        seed: of the split assignment.
    """

    layout: str = "auto"
    artifact_type: str | None = None
    generator: str | None = None
    void: int | None = None
    num_shards: Mapping[str, int] | None = None
    data_version: str = brokenvideos.DATA_VERSION
    seed: int = 0


def build(
    raw: Path,
    out: Path,
    options: BuildOptions | None = None,
    *,
    workers: int = 1,
    more_files: Callable[[Path], Mapping[str, bytes]] | None = None,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Builds a release from raw annotations; the same input and versions give the same bytes for any number of workers.

    Everything is written beside `out` and renamed at the end, so `out` is a whole release or absent.

    Args:
        raw: a folder in one of the layouts of `builder.layouts`.
        out: the release folder to make; must not exist, or be empty.
        workers: processes that decode and write; 1 works in this one.
        more_files: called with the finished shards' folder, gives further files (README.md) by name.

    Returns:
        The manifest.

    Raises:
        RawError: everything that is wrong with the raw folder, one problem a line; nothing was written.
        FileExistsError: `out` holds something.
    """
    options = options or BuildOptions()
    _check_options(options)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out}: exists and is not empty. Name a new folder, or remove this one.")
    reading: dict[str, Any] = {
        "layout": detect(raw) if options.layout == "auto" else options.layout,
        "artifact_type": options.artifact_type,
        "generator": options.generator,
        "void": options.void,
    }
    videos, problems = read_layout(raw, **reading)
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f".{out.name}.building-", dir=out.parent) as work,
        executor_of(workers) as executor,
    ):
        rows, release = Path(work) / "rows", Path(work) / "release"
        rows.mkdir()
        release.mkdir()
        tasks = [(video, rows / f"{video.video_id}.arrow", str(reading["layout"])) for video in videos]
        results = list(run_tasks(executor, _ingest, tasks, partial(on_progress, "decode videos, read masks")))
        problems += [problem for result in results if isinstance(result, list) for problem in result]
        if problems or not videos:
            raise RawError(_report(raw, problems))
        ingested = [result for result in results if isinstance(result, Ingested)]
        plans = plan_shards(ingested, assign_splits(ingested, seed=options.seed), num_shards=options.num_shards or {})
        files = list(
            run_tasks(executor, _write_shard, [(plan, release) for plan in plans], partial(on_progress, "write shards"))
        )
        manifest = manifest_of(
            zip(plans, files, strict=True),
            data_version=options.data_version,
            parent_version=None,
            reading=reading,
            split_rule=split_rule(options.seed),
        )
        write_atomic(release / MANIFEST, manifest_bytes(manifest))
        for name, content in (more_files(release) if more_files else {}).items():
            write_atomic(release / name, content)
        sums = {file.path: file.sha256 for shard in files for file in shard}
        sums |= {path.name: file_sha256(path) for path in release.iterdir() if path.is_file()}
        write_atomic(release / SUMS, sums_bytes(sums))
        if out.exists():
            out.rmdir()
        release.rename(out)
        sync_folder(out.parent)
    return manifest


def _check_options(options: BuildOptions) -> None:
    if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", options.data_version):
        raise ValueError(f"data version {options.data_version!r}: wanted MAJOR.MINOR.PATCH, as in 1.0.0.")
    for split, count in (options.num_shards or {}).items():
        if split not in brokenvideos.SPLITS or not 1 <= count <= brokenvideos.MAX_SHARDS:
            raise ValueError(
                f"split shards {split}={count}: wanted one of {', '.join(brokenvideos.SPLITS)} and 1 to {brokenvideos.MAX_SHARDS}."
            )


def _report(raw: Path, problems: list[Problem]) -> str:
    if not problems:
        return f"{raw}: no video found. Nothing was written."
    lines = "\n".join(str(problem) for problem in sorted(problems))
    return f"{raw}: {len(problems)} problem{'s' if len(problems) > 1 else ''}, nothing was written.\n{lines}"


def _ingest(task: tuple[RawVideo, Path, str]) -> Ingested | list[Problem]:
    video, row_path, layout = task
    return ingest(video, row_path, layout=layout)


def _write_shard(task: tuple[Any, Path]) -> Any:
    return write_shard(*task)
