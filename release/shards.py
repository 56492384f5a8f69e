"""The shards of a release: lists them from the manifest, and compares them with the files in the
folder.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .error import ReleaseError
from .layout import SHARD_FILES
from .manifest import read_manifest
from .row import SPLITS

Kind = Literal["default", "annotations", "webdataset"]
_POINTERS = {
    b"version https://git-lfs.github.com/spec/": "a pointer of git-lfs, not the file itself: run "
    "`git lfs pull` there",
    b"/annex/objects/": "a pointer of git-annex, not the file itself: run `git annex get` there",
}
_AGAIN = "Copy or download this file again"


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a release that holds rows, as the manifest describes it; `path` is relative to
    the release.
    """

    path: str
    split: str
    rows: int
    size_bytes: int
    sha256: str


def listed_shards(manifest: dict[str, Any], kind: Kind) -> dict[str, list[Shard]]:
    """The shards of one config by split, in the order of `SPLITS` and by number; a split without
    shards is left out.
    """
    files: dict[str, list[Shard]] = {split: [] for split in SPLITS}
    for shard in manifest["shards"]:
        for file in shard["files"]:
            if SHARD_FILES[kind].fullmatch(file["path"]):
                entry = Shard(
                    file["path"], shard["split"], file["rows"], file["bytes"], file["sha256"]
                )
                files[shard["split"]].append(entry)
    return {
        split: sorted(shards, key=lambda shard: shard.path)
        for split, shards in files.items()
        if shards
    }


def release_shards(release: str | Path, kind: Kind = "default") -> dict[str, list[Shard]]:
    """The shards of one config of a local release by split, after a check that exactly these files
    are in the folder.

    Names and sizes are compared with the manifest; no file is opened. The content is compared when
    a shard is read, and by `brokenvideos verify`.

    Raises:
        ReleaseError: no manifest, or one that this version does not read; a shard that is missing,
            has another size, or is not in the manifest. The message names the first such file.
    """
    root = Path(release)
    if not root.is_dir():
        raise ReleaseError(
            f"{release}: no such folder. `data_dir` is a release made by `brokenvideos build`."
        )
    splits = listed_shards(read_manifest(str(root)), kind)
    shards = [shard for split_shards in splits.values() for shard in split_shards]
    sizes = {shard.path: _size_of(root / shard.path) for shard in shards}
    if missing := [path for path, size in sizes.items() if size is None]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ReleaseError(
            f"{root}: {missing[0]}{more} of {len(shards)} files of config {kind!r} not found; "
            "manifest.json lists them. Where a download or a copy has stopped half-way, run it "
            "again: `hf download` fetches what is missing. To read a part of a release from the "
            "Hub, stream it."
        )
    for shard in shards:
        if sizes[shard.path] != shard.size_bytes:
            raise ReleaseError(
                f"{root / shard.path}: "
                f"{what_is_wrong(root / shard.path, wanted_bytes=shard.size_bytes)}."
            )
    if unlisted := sorted(_lying_there(root, kind) - sizes.keys()):
        more = f" and {len(unlisted) - 1} more" if len(unlisted) > 1 else ""
        raise ReleaseError(
            f"{root}: {unlisted[0]}{more} not in manifest.json: left over from another release? "
            "Remove what is not part of this one, or download the release into an empty folder."
        )
    return splits


def annotations_beside(release: str | Path, kind: Kind) -> dict[str, list[Shard]]:
    """The annotation shards of a local release by split, if its tars are read and these files
    exist; otherwise empty.
    """
    if kind != "webdataset":
        return {}
    splits = listed_shards(read_manifest(str(release)), "annotations")
    return {
        split: shards
        for split, shards in splits.items()
        if all(_size_of(Path(release) / shard.path) == shard.size_bytes for shard in shards)
    }


def digest_of(shards: Iterable[Shard]) -> str:
    """An identifier of the rows of these shards and their order: 16 hex digits of SHA-256 over
    names and checksums.
    """
    facts = "".join(f"{shard.sha256} {shard.path}\n" for shard in shards)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def what_is_wrong(path: Path, *, wanted_bytes: int | None = None) -> str:
    """Why a shard's file cannot be read, judging by its size and first bytes, and what to do."""
    size = _size_of(path)
    if size is None:
        return f"not found. {_AGAIN}"
    with path.open("rb") as file:
        head = file.read(64)
    for mark, what in _POINTERS.items():
        if head.startswith(mark):
            return what
    if size == 0:
        return f"an empty file. {_AGAIN}"
    if wanted_bytes is not None:
        says = f"{size} bytes, manifest.json says {wanted_bytes}"
        return f"{says}: {'cut short' if size < wanted_bytes else 'of another release'}? {_AGAIN}"
    return f"cut short or damaged. {_AGAIN}"


def _size_of(path: Path) -> int | None:
    """The size of a file in bytes; None if it does not exist. For a link, the size of its
    target.
    """
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def _lying_there(root: Path, kind: Kind) -> set[str]:
    folder = SHARD_FILES[kind].pattern.partition("/")[0]
    names = (f"{folder}/{path.name}" for path in (root / folder).iterdir())
    return {name for name in names if SHARD_FILES[kind].fullmatch(name)}
