"""Makes the next release without some of its videos (a withdrawal) from the release's own files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..release import FORMAT_VERSION, ReleaseError, read_manifest, read_parquet, shard_paths
from .building import STARTS_OVER, MoreFiles, room_wanted, seal
from .differences import next_version, version_of, video_facts
from .errata import erratum
from .manifest import library_versions
from .plan import release_groups, rule_of, split_rule
from .row_json import row_digest
from .shards import write_rows
from .work import (
    Progress,
    check_free,
    executor_of,
    file_sha256,
    link_or_copy,
    no_progress,
    run_tasks,
    work_folder,
)

Twins = Literal["withdraw", "keep"]
_NO_LOOKS = "0" * 64


def withdraw(
    release: Path,
    out: Path,
    video_ids: Iterable[str],
    *,
    reason: str,
    data_version: str | None = None,
    twins: Twins | None = None,
    workers: int = 1,
    more_files: MoreFiles | None = None,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Makes the release that follows `release`, without some of its videos; no raw folder is
    needed.

    Only shards that hold one of these videos are written, from the release's own rows. The files of
    all other shards are kept. A split that loses its last video is removed. The manifest's `errata`
    list the withdrawn videos and the reason; every later release with this one as its parent
    repeats them.

    Args:
        out: the release folder to make. It must not exist, or be empty; it appears only when it is
            complete.
        video_ids: ids of the videos to withdraw.
        reason: one line for the public, without names of persons.
        data_version: at least a major step after the release's version; None: exactly a major step.
        twins: what to do with other videos that have the same bytes or are near-duplicates, also
            through other videos: withdraw or keep them. None: there must not be any.
        workers: number of processes that read and write shards; it does not change the bytes.
        more_files: as for `build`.

    Returns:
        The new manifest.

    Raises:
        ReleaseError: `release` is not a release, one of its files differs from its manifest, or no
            video would be left.
        ValueError: unknown ids, twins but no decision about them, an empty reason, or a version
            with too small a step.
        FileExistsError: `out` is not empty.
        BuildError: another process is making `out`, or the disk is full or read-only.
    """
    manifest = read_manifest(str(release))
    facts = video_facts(manifest, name=str(release))
    gone = _with_twins(_known(video_ids, facts, release=release), manifest, twins, release=release)
    if not reason.strip() or not reason.isprintable():
        raise ValueError(
            f"reason {reason!r}: wanted one line of text that says why, without names of persons."
        )
    version = _version(manifest["data_version"], data_version)
    splits_left = {video.split for video_id, video in facts.items() if video_id not in gone}
    if not splits_left:
        raise ReleaseError(f"{release}: no video would be left. Delete the repository instead.")
    check_free(out)
    with (
        room_wanted(out, STARTS_OVER),
        work_folder(out, fresh=True) as work,
        executor_of(workers) as executor,
    ):
        made = work / "release"
        is_current = manifest["format_version"] == FORMAT_VERSION
        tasks = [
            (
                release,
                shard,
                made,
                {i: facts[i].row_digest for i in shard["video_ids"] if i not in gone},
                is_current,
            )
            for shard in manifest["shards"]
            if shard["split"] in splits_left
        ]
        on_done = partial(on_progress, "keep or write shards")
        shards = list(run_tasks(executor, _shard_without, tasks, on_done, name_of=_name_of))
        entry = erratum(manifest, gone, data_version=version, reason=reason.strip())
        changed: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "data_version": version,
            "parent_version": manifest["data_version"],
            "built_with": _versions_of_both(manifest.get("built_with", {})),
            "split_rule": _grown(manifest.get("split_rule")),
            "shards": shards,
            "videos": {
                video_id: entry
                for video_id, entry in manifest["videos"].items()
                if video_id not in gone
            },
        }
        # errata is the last key, as in `manifest_of`, so that a rebuild gives the same bytes.
        new = {**manifest, **changed}
        new["errata"] = [*new.pop("errata", ()), entry]
        seal(made, new, more_files, out=out)
    return new


def _known(video_ids: Iterable[str], facts: Mapping[str, Any], *, release: Path) -> set[str]:
    ids = set(video_ids)
    if not ids:
        raise ValueError(f"{release}: no video named. Name the ids to withdraw.")
    if unknown := sorted(ids - facts.keys()):
        raise ValueError(
            f"{release}: no video {', '.join(unknown)}; nothing was written. Look the ids up in "
            "the release's manifest.json."
        )
    return ids


def _with_twins(
    gone: set[str], manifest: Mapping[str, Any], twins: Twins | None, *, release: Path
) -> set[str]:
    """Ids of all videos to withdraw: the named ones and, if asked for, their twins."""
    groups = release_groups(manifest, name=str(release))
    if groups is None:  # the manifest is older than perceptual hashes
        looks_unknown = {
            video_id: {**facts, "perceptual_hash": _NO_LOOKS}
            for video_id, facts in manifest["videos"].items()
        }
        groups = release_groups({**manifest, "videos": looks_unknown}, name=str(release)) or []
    twin_ids = sorted(
        {video_id for group in groups if not gone.isdisjoint(group) for video_id in group} - gone
    )
    if twin_ids and twins is None:
        raise ValueError(
            f"{release}: {', '.join(twin_ids)}: same bytes as a withdrawn video, or a "
            "near-duplicate of one; nothing was written. "
            "Look at them, then give --twins withdraw to take them down too, or --twins keep."
        )
    return gone | set(twin_ids) if twins == "withdraw" else gone


def _version(before: str, data_version: str | None) -> str:
    least = next_version(before, "major")
    version = least if data_version is None else data_version
    if version_of(version) < version_of(least):
        raise ValueError(
            f"data version {version}: a release without videos that {before} has is a major step. "
            f"Give {least} or later."
        )
    return version


def _versions_of_both(then: Mapping[str, str]) -> dict[str, str]:
    """Library versions of kept and written files. If they differ, both are named; then no later
    build reuses the files.
    """
    now = library_versions()
    return {
        name: now[name] if then.get(name, now[name]) == now[name] else f"{then[name]}, {now[name]}"
        for name in now
    }


def _grown(rule: Any) -> Any:
    """The split rule as a release with a parent states it, if this version knows the rule;
    otherwise unchanged.
    """
    known_rule = rule_of(rule)
    return rule if known_rule is None else split_rule(known_rule[1], grown=True, name=known_rule[0])


# --- One shard ------------------------------------------------------------------------------------

_ShardTask = tuple[Path, Mapping[str, Any], Path, Mapping[str, str], bool]
"""The release, a shard of its manifest, the folder to make, row digests of the videos that stay,
and whether the release has the current format, so that files can be kept.
"""


def _shard_without(task: _ShardTask) -> dict[str, Any]:
    """Keeps or writes the files of one shard, and returns its entry for the new manifest."""
    release, shard, made, stay, is_current = task
    paths = shard_paths(shard["split"], shard["index"], shard["num_shards"])
    stated = {file["path"]: file["sha256"] for file in shard["files"]}
    for path in paths.values():
        if (sha256 := file_sha256(release / path)) != stated.get(path):
            raise ReleaseError(
                f"{release}/{path}: SHA-256 is {sha256}, the manifest says {stated.get(path)}. "
                "Download or build it again."
            )
    if is_current and len(stay) == len(shard["video_ids"]):
        for path in paths.values():
            link_or_copy(release / path, made / path)
        return dict(shard)
    files = write_rows(_rows(release / paths["default"], stay), paths, made)
    return {**shard, "video_ids": list(stay), "files": [asdict(file) for file in files]}


def _rows(path: Path, stay: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows that stay, read one row group at a time."""
    if not stay:
        return
    for table in read_parquet(str(path), filters=[("video_id", "in", list(stay))]):
        for row in table.to_pylist():
            if row_digest(row, video_name=row["video"]["path"]) != stay[row["video_id"]]:
                raise ReleaseError(
                    f"{path} video {row['video_id']}: its digest is not the one in manifest.json. "
                    "Build the release again."
                )
            yield row


def _name_of(task: _ShardTask) -> str:
    return f"shard {task[1]['split']} {task[1]['index']}"
