"""Reads and writes pairing.csv: the pairs in doubt, for which a person answers yes or no."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...builder.raw import VIDEO_ID_RULE
from ...release import VIDEO_ID
from .align import ALIGN_WANTED, is_align
from .error import AdoptError
from .names import Media
from .pairing import KINDS, Pair, Pairing

COLUMNS = ("use", "video_id", "clip", "mask", "kind", "align", "confidence", "why")
NEEDED = COLUMNS[:6]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file. `use` is "yes", "no", or "" without an answer."""

    use: str
    video_id: str
    clip: str
    mask: str
    kind: str = ""
    align: str = ""
    confidence: str = ""
    why: str = ""
    line: int = 0

    @property
    def pair(self) -> tuple[str, str]:
        return self.clip, self.mask


def read_pairing(path: Path) -> list[Row]:
    """The lines of the file.

    Raises:
        AdoptError: the file cannot be read as this CSV, or lines hold wrong values; all are listed.
    """
    try:
        reader = csv.DictReader(
            io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True
        )
        lines = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise AdoptError(
            f"{path}: cannot be read ({error.strerror}); wanted the pairing.csv that adopt writes."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AdoptError(
            f"{path}: not a CSV in UTF-8 ({error}); save it as CSV, comma separated, UTF-8."
        ) from error
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise AdoptError(f"{path}: no column {missing[0]!r}; wanted {', '.join(COLUMNS)}.")
    rows: list[Row] = []
    problems: list[str] = []
    for number, cells in lines:
        values = {name: (cells.get(name) or "").strip() for name in COLUMNS}
        row = Row(**{**values, "use": values["use"].lower()}, line=number)
        problems += [f"{path} line {number}: {problem}" for problem in _problems(row)]
        rows.append(row)
    yes: dict[str, Row] = {}
    for row in rows:
        if row.use == "yes" and (first := yes.setdefault(row.video_id, row)) is not row:
            problems.append(
                f"{path} line {row.line}: video_id {row.video_id} has a yes on line {first.line} "
                "already; wanted one"
            )
    if problems:
        raise AdoptError("\n".join(problems))
    return rows


def _problems(row: Row) -> Iterable[str]:
    if row.use not in ("", "yes", "no"):
        yield f"use is {row.use!r}; wanted yes, no, or nothing if it is not decided"
    if not VIDEO_ID.fullmatch(row.video_id):
        yield f"video_id is {row.video_id!r}; wanted {VIDEO_ID_RULE}"
    if row.kind and row.kind not in KINDS:
        yield f"kind is {row.kind!r}; wanted {', '.join(KINDS)}, or nothing to recognise it"
    if not is_align(row.align):
        yield f"align is {row.align!r}; {ALIGN_WANTED}"
    if row.use == "yes" and not (row.clip and row.mask):
        yield "use is yes without a clip or without a mask; wanted both"


def apply_rows(
    pairing: Pairing, rows: Sequence[Row], media: Sequence[Media], *, where: Path
) -> Pairing:
    """The pairing with the answers of a person.

    A line with yes is a certain pair; its clip and mask leave all other pairs. A line with no
    removes the pair.

    Raises:
        AdoptError: a line with yes names a file that is not in the source.
    """
    by_name: Mapping[str, Media] = {one.name: one for one in media}
    problems = [
        f"{where} line {row.line}: {what} {name!r} is not in the source; wanted a video or a "
        "folder of images in it"
        for row in rows
        if row.use == "yes"
        for what, name in (("clip", row.clip), ("mask", row.mask))
        if name not in by_name
    ]
    if problems:
        raise AdoptError("\n".join(problems))
    yes = [row for row in rows if row.use == "yes"]
    refused = {row.pair for row in rows if row.use == "no"}
    taken = {name for row in yes for name in row.pair}
    ids = {row.video_id for row in yes}
    kept = [
        pair
        for pair in pairing.pairs
        if (pair.clip.name, pair.mask.name) not in refused
        and not taken & {pair.clip.name, pair.mask.name}
        and pair.video_id not in ids
    ]
    made = [
        Pair(
            row.video_id,
            by_name[row.clip],
            by_name[row.mask],
            "by pairing.csv",
            1.0,
            kind=row.kind,  # type: ignore[arg-type]
            align=tuple(filter(None, row.align.split("+"))),
            confirmed=True,
        )
        for row in yes
    ]
    pairs = sorted([*kept, *made], key=lambda pair: (pair.video_id, pair.clip.name, pair.mask.name))
    left = tuple(one for one in pairing.leftover if one.path not in taken)
    return replace(pairing, pairs=tuple(pairs), leftover=left)


def pairing_csv(rows: Iterable[Row]) -> bytes:
    """The content of the file. Lines with an answer come first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: (row.use == "", row.video_id, row.clip, row.mask)):
        writer.writerow([getattr(row, name) for name in COLUMNS])
    return text.getvalue().encode()
