"""The report of adopt: a line per video and per unused file, for people and for programs."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .entries import Leftover, suffix_of
from .lists import IdList
from .task import Outcome

COLUMNS = (
    "state",
    "video_id",
    "clip",
    "mask",
    "how",
    "kind",
    "confidence",
    "frames",
    "mask_frames",
    "width",
    "height",
    "marked_frames",
    "generator",
    "split",
    "note",
    "why",
)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Generator:
    """A prefix of ids, the generator's name, whether the table has the prefix, and the number of
    videos.
    """

    prefix: str
    name: str
    known: bool
    videos: int


@dataclass(frozen=True, slots=True)
class AdoptReport:
    """The result of `adopt`.

    Attributes:
        source: path or OWNER/NAME.
        commit: commit of a repository; None for a folder or archive.
        folder: the folder of the report files.
        license: license of the clips; None if it is not known.
        outcomes: the outcome of every pair, sorted by video_id.
        leftover: unused files.
        splits: split by video_id.
        removed: ids of videos that the source no longer gives and that were removed.
        edited: ids whose line people have changed, and which keep their line.
        looked_at: number of pairs that were decoded.
    """

    source: str
    commit: str | None
    raw: Path
    folder: Path
    dry_run: bool
    num_files: int
    num_bytes: int
    license: str | None
    outcomes: tuple[Outcome, ...]
    leftover: tuple[Leftover, ...]
    lists: tuple[IdList, ...]
    generators: tuple[Generator, ...]
    splits: Mapping[str, str]
    removed: tuple[str, ...]
    edited: tuple[str, ...]
    looked_at: int

    @property
    def ok(self) -> bool:
        """Whether no pair is in doubt and none failed."""
        return not any(outcome.state in ("doubtful", "failed", "kept") for outcome in self.outcomes)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of report.csv."""
        names = {
            outcome.pair.video_id: self._generator(outcome.pair.video_id)
            for outcome in self.outcomes
        }
        for outcome in self.outcomes:
            pair = outcome.pair
            yield {
                "state": outcome.state,
                "video_id": pair.video_id,
                "clip": pair.clip.name,
                "mask": pair.mask.name,
                "how": pair.how,
                "kind": outcome.kind,
                "confidence": f"{min(pair.confidence, 1.0 if outcome.confidence is None else outcome.confidence):.2f}",
                "frames": outcome.num_frames,
                "mask_frames": outcome.mask_frames,
                "width": outcome.width,
                "height": outcome.height,
                "marked_frames": outcome.marked_frames,
                "generator": names[pair.video_id],
                "split": self.splits.get(pair.video_id),
                "note": outcome.note,
                "why": outcome.why,
            }
        for video_id in self.removed:
            yield {"state": "removed", "video_id": video_id, "why": "the source no longer gives it"}
        for left in self.leftover:
            yield {"state": "left over", "clip": left.path, "why": left.why}

    def _generator(self, video_id: str) -> str | None:
        from .names import prefix_of

        prefix = prefix_of(video_id)
        return next(
            (generator.name for generator in self.generators if generator.prefix == prefix), None
        )

    def csv(self) -> bytes:
        """The content of report.csv."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue().encode()

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "ok": self.ok,
            "source": self.source,
            "commit": self.commit,
            "license": self.license,
            "dry_run": self.dry_run,
            "num_files": self.num_files,
            "num_bytes": self.num_bytes,
            "states": dict(Counter(outcome.state for outcome in self.outcomes)),
            "generators": {generator.prefix: generator.name for generator in self.generators},
            "rows": list(self.rows()),
        }

    def lines(self) -> Iterator[str]:
        """The report for people; report.csv has every video."""
        at = f" at commit {self.commit}" if self.commit else ""
        license_ = f", license {self.license}" if self.license else ", no license given"
        yield (
            f"{self.source}{at}: {self.num_files} files, {self.num_bytes / 1e6:,.1f} MB{license_}."
        )
        states = Counter(outcome.state for outcome in self.outcomes)
        yield f"pairs of clip and mask: {len(self.outcomes)} ({_counted(states) or 'none'})"
        for how, count in sorted(Counter(outcome.pair.how for outcome in self.outcomes).items()):
            yield f"  {how}: {count}"
        kinds = Counter(outcome.kind for outcome in self.outcomes if outcome.kind)
        if self.dry_run:
            yield (
                f"decoded {self.looked_at} of them; kinds of mask: "
                f"{_counted(kinds) or 'none recognised'}"
            )
        elif kinds:
            yield f"kinds of mask: {_counted(kinds)}"
        for note, count in Counter(_plain(o.note) for o in self.outcomes if o.note).most_common(
            _SHOWN
        ):
            yield f"  {count} x {note}"
        for generator in self.generators:
            known = "" if generator.known else " (prefix not in the table)"
            yield f"generator {generator.name}: {generator.videos} ids {generator.prefix}_…{known}"
        for listed in self.lists:
            split = f"split {listed.split}" if listed.split else "no split in its name"
            absent = (
                f", {len(listed.absent)} more that the source does not have, such as "
                f"{listed.absent[0]}"
                if listed.absent
                else ""
            )
            yield f"list {listed.path}: {len(listed.ids)} ids, {split}{absent}"
        yield from self._troubles()
        yield from self._leftovers()
        yield self._verdict()

    def _troubles(self) -> Iterator[str]:
        for state in ("doubtful", "failed", "kept"):
            outcomes = [outcome for outcome in self.outcomes if outcome.state == state]
            for outcome in outcomes[:_SHOWN]:
                pair = outcome.pair
                yield (
                    f"{state}: {pair.video_id} ({pair.clip.name} and {pair.mask.name}): "
                    f"{outcome.why}"
                )
            if len(outcomes) > _SHOWN:
                yield f"{state}: {len(outcomes) - _SHOWN} more"
        if self.removed:
            yield f"removed, the source no longer gives them: {_listed(self.removed)}"
        if self.edited:
            yield (
                "lines of videos.jsonl that people have changed and that stay: "
                f"{_listed(self.edited)}"
            )

    def _leftovers(self) -> Iterator[str]:
        groups: dict[tuple[str, str, str], list[str]] = {}
        for left in self.leftover:
            key = (PurePosixPath(left.path).parent.as_posix(), suffix_of(left.path), left.why)
            groups.setdefault(key, []).append(left.path)
        for (folder, suffix, why), paths in sorted(groups.items()):
            where = "" if folder == "." else f" in {folder}/"
            what = (
                paths[0]
                if len(paths) == 1
                else f"{len(paths)} {suffix or 'files'}{where}, such as {paths[0]}"
            )
            yield f"left over: {what}: {why}"

    def _verdict(self) -> str:
        folder = self.folder
        if not self.outcomes:
            return (
                f"No clip has a mask. {folder / 'report.csv'} lists all files; give patterns of "
                "the clips with --clips and of the masks with --masks."
            )
        if self.dry_run:
            return (
                f"Only {folder / 'report.csv'}, and pairing.csv and generators.csv beside it, "
                "were written."
            )
        if any(outcome.state == "doubtful" for outcome in self.outcomes):
            file = folder / "pairing.csv"
            return (
                f"Write yes or no into the column use of {file}, and run the same command again "
                f"with --pairing {file}."
            )
        if not self.ok:
            return (
                f"Correct what failed, or leave it: {self.raw} holds the others. "
                f"Next: brokenvideos build {self.raw} release"
            )
        return (
            f"{self.raw}: {len(self.outcomes)} videos. Next: brokenvideos build {self.raw} release"
        )


def _counted(counts: Mapping[Any, int]) -> str:
    return ", ".join(
        f"{count} {name}"
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _plain(note: str) -> str:
    """A note without numbers that differ from video to video."""
    import re

    return re.sub(r"at alpha [0-9.]+", "at alpha …", re.sub(r"rgb\([^)]*\)", "rgb(…)", note))
