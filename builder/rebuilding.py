"""Proves that a release follows from its raw folder: builds it again and compares the two."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..release import FORMAT_VERSION, MANIFEST, SUMS, ReleaseError, read_manifest
from .building import BuildOptions, MoreFiles, build_with
from .check_row import Finding
from .differences import video_facts
from .folder_files import folder_files
from .manifest import library_versions, reading_of
from .parent import Parent, layout_of
from .plan import rule_of
from .raw import Include
from .work import Progress, executor_of, no_progress

_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The result of `rebuild`; `ok` is True if nothing differs.

    Attributes:
        other_versions: by library, the version in the manifest and the installed one, if they
            differ. If there is any, only the content was compared.
        num_files: number of files compared byte by byte.
        num_videos: number of videos compared by their digests.
        left_out: files that were not compared because the caller asked for it.
    """

    release: str
    data_version: str
    other_versions: Mapping[str, tuple[str | None, str | None]]
    num_files: int
    num_videos: int
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"ok": self.ok, **asdict(self)}

    def lines(self) -> Iterator[str]:
        """The result as text for people: first what was compared, then the findings."""
        for name, (then, now) in self.other_versions.items():
            yield f"built with {name} {then or 'unknown'}, here is {now or 'none'}"
        if self.other_versions:
            yield (
                "The bytes may differ for this reason, so the content is compared by digests: "
                "splits, masks, videos and rows."
            )
        if self.left_out:
            yield (
                "not compared, because they were made with other library versions: "
                f"{', '.join(self.left_out)}"
            )
        yield from map(str, self.findings)
        what = (
            f"{self.num_videos} videos by content"
            if self.other_versions
            else f"{self.num_files} files byte by byte"
        )
        verdict = "no difference" if self.ok else f"findings: {len(self.findings)}"
        yield f"{self.release} ({self.data_version}): rebuilt, {what} compared; {verdict}."


def rebuild(
    release: Path,
    raw: Path,
    *,
    workers: int = 1,
    more_files: MoreFiles | None = None,
    leave_out: Callable[[str], bool] | None = None,
    on_progress: Progress = no_progress,
) -> RebuildReport:
    """Builds a release again in a temporary folder, as its manifest says, and compares the two.

    A release with a parent has the parent's splits. They are read from its own manifest, not
    assigned again.

    Args:
        more_files: as for `build`; the files beside the shards are compared too.
        leave_out: gives True for the path of a file that is not to be compared, in the folder and
            in SHA256SUMS.

    Raises:
        ReleaseError: `release` is not a release, or its manifest does not say how it was built.
        RawError: the raw folder cannot be built.
    """
    manifest = read_manifest(str(release))
    (rule, seed), parent_version = _rule(manifest, release), manifest.get("parent_version")
    layout = layout_of(manifest)
    include: Include = (
        "unreviewed" if manifest["reading"].get("include") == "unreviewed" else "approved"
    )
    options = BuildOptions(
        **reading_of(manifest),
        num_shards=layout["num_shards"],
        data_version=manifest["data_version"],
        seed=seed,
        split_rule=rule,
        include=include,
    )
    errata = manifest.get("errata", ())
    parent = (
        None if parent_version is None else Parent(version=parent_version, **layout, errata=errata)
    )
    other_versions = _other_versions(
        manifest.get("built_with", {}), format_version=manifest["format_version"]
    )
    with (
        tempfile.TemporaryDirectory(prefix="brokenvideos-rebuild-") as folder,
        executor_of(workers) as executor,
    ):
        made = Path(folder) / "release"
        build_with(
            executor,
            raw,
            made,
            options,
            parent=parent,
            fresh=True,
            more_files=more_files,
            on_progress=on_progress,
        )
        findings = list(_content_findings(release, made))
        all_names = sorted(folder_files(release)[0] | folder_files(made)[0])
        left_out = [name for name in all_names if leave_out and leave_out(name)]
        names = [name for name in all_names if name not in left_out]
        if not other_versions:
            findings += [
                finding
                for name in names
                if (finding := _byte_finding(release, made, name, left_out))
            ]
    return RebuildReport(
        release=str(release),
        data_version=manifest["data_version"],
        other_versions=other_versions,
        num_files=0 if other_versions else len(names),
        num_videos=len(manifest["videos"]),
        findings=tuple(findings),
        left_out=() if other_versions else tuple(left_out),
    )


def _rule(manifest: Mapping[str, Any], release: Path) -> tuple[str, int]:
    """Name and seed of the rule by which the splits were assigned."""
    rule = rule_of(manifest.get("split_rule"), grown=manifest.get("parent_version") is not None)
    if rule is None:
        raise ReleaseError(
            f"{release}/{MANIFEST}: this version does not know its split_rule, so the splits "
            "cannot be assigned again. Install the version of brokenvideos that wrote it."
        )
    return rule


def _other_versions(
    then: Mapping[str, str], *, format_version: int
) -> dict[str, tuple[str | None, str | None]]:
    then, now = (
        {"format": str(format_version), **then},
        {"format": str(FORMAT_VERSION), **library_versions()},
    )
    return {
        name: (then.get(name), now.get(name))
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    }


def _content_findings(release: Path, made: Path) -> Iterator[Finding]:
    """Differences between the videos of two manifests."""
    was, now = (video_facts(read_manifest(str(path)), name=str(path)) for path in (release, made))
    for video_id in sorted(was.keys() | now.keys()):
        if video_id not in now:
            yield Finding(MANIFEST, "in the release, not in the raw folder.", video_id)
        elif video_id not in was:
            yield Finding(MANIFEST, "in the raw folder, not in the release.", video_id)
        else:
            for name, stated in asdict(was[video_id]).items():
                if stated != (rebuilt := asdict(now[video_id])[name]):
                    yield Finding(
                        MANIFEST, f"{name} is {stated}, the raw folder gives {rebuilt}.", video_id
                    )


def _byte_finding(release: Path, made: Path, name: str, left_out: Sequence[str]) -> Finding | None:
    if not (made / name).is_file():
        return Finding(
            name,
            f"in the release, not made by a build. If it was added by hand, {SUMS} differs too.",
        )
    if not (release / name).is_file():
        return Finding(name, "missing in the release. Download or build it again.")
    if name == SUMS and left_out:
        was, now = (_sums_without(folder / name, left_out) for folder in (release, made))
        return None if was == now else Finding(name, "lists other sums. Build the release again.")
    position = _first_difference(release / name, made / name)
    return (
        None
        if position is None
        else Finding(name, f"differs from byte {position} on. Build the release again.")
    )


def _sums_without(path: Path, left_out: Sequence[str]) -> list[str]:
    return [
        line for line in path.read_text().splitlines() if line.partition("  ")[2] not in left_out
    ]


def _first_difference(one: Path, two: Path) -> int | None:
    """Index of the first byte that differs or that only one file has; None if the files are
    equal.
    """
    start = 0
    with one.open("rb") as first, two.open("rb") as second:
        while True:
            left, right = first.read(_CHUNK_BYTES), second.read(_CHUNK_BYTES)
            if left != right:
                pairs = enumerate(zip(left, right, strict=False))
                return start + next(
                    (i for i, (a, b) in pairs if a != b), min(len(left), len(right))
                )
            if not left:
                return None
            start += len(left)
