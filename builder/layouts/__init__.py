"""Raw layouts: one file a layout, each with a `LAYOUT`, all giving the same records.

In: a raw folder. Out: `RawVideo` records and `Problem`s, by `read_layout`. The builder and tools call it.
"""

from dataclasses import replace
from pathlib import Path
from typing import get_args

from ...masks import ARTIFACT_TYPES
from ...release import names_in, record_in
from ..raw import NOT_GIVEN, Layout, MasksAre, Problem, RawError, RawVideo
from .sav import ANNOTATION_NAME, FRAME_STEP, MaskletError, read_masklets

__all__ = [
    "ANNOTATION_NAME",
    "FRAME_STEP",
    "MaskletError",
    "detect",
    "found_layouts",
    "layout_named",
    "layout_names",
    "layouts_table",
    "read_layout",
    "read_masklets",
]


def layout_names() -> tuple[str, ...]:
    """The names of all layouts; each is the name of its file, with - for _."""
    return tuple(name.replace("_", "-") for name in names_in(__path__))


def layout_named(name: str) -> Layout:
    """The layout of this name.

    Raises:
        RawError: there is none.
    """
    names = layout_names()
    if name not in names:
        raise RawError(f"layout {name!r} is unknown; wanted auto, {', '.join(names[:-1])} or {names[-1]}")
    layout: Layout = record_in(__name__, name.replace("-", "_"), record="LAYOUT")
    return layout


def layouts_table() -> str:
    """The layouts as a Markdown table: name, what it holds, the files by which it is known, the options of `build` it takes."""
    rows = []
    for name in layout_names():
        layout = layout_named(name)
        options = ", ".join(f"`--{option.replace('_', '-')}`" for option in layout.options)
        rows.append(f"| {name} | {layout.help} | {layout.looked_for} | {options or 'none'} |")
    return "\n".join(["| layout | holds | known by | takes |", "|---|---|---|---|", *rows])


def detect(raw: Path) -> str:
    """The name of the layout whose files the folder holds. Only names are looked at, and whether videos.jsonl gives objects.

    Raises:
        RawError: no such folder, or none or several of the layouts fit; says what was looked for, or what was found.
    """
    _check_folder(raw)
    found = found_layouts(raw)
    if len(found) == 1:
        return next(iter(found))
    if found:
        clashes = "; ".join(
            f"{name}: {path.relative_to(raw).as_posix()}{'/' * path.is_dir()}" for name, path in found.items()
        )
        raise RawError(f"{raw}: files of {len(found)} layouts ({clashes}); give --layout, or move the files of one out")
    wanted = "; ".join(f"{name}: {layout_named(name).looked_for}" for name in layout_names())
    raise RawError(f"{raw}: none of the known layouts; looked for {wanted}. Arrange the folder as one of them")


def found_layouts(raw: Path) -> dict[str, Path]:
    """The layouts whose files the folder holds, and the file or folder by which each is known; empty for none."""
    layouts = {name: layout_named(name) for name in layout_names()}
    found = {name: path for name, layout in layouts.items() if (path := layout.detect(raw)) is not None}
    if found:
        return found
    last = {name: layout.detect_else(raw) for name, layout in layouts.items() if layout.detect_else is not None}
    return {name: path for name, path in last.items() if path is not None}


def read_layout(
    raw: Path,
    *,
    layout: str = "auto",
    artifact_type: str | None = None,
    generator: str | None = None,
    void: int | None = None,
    masks_are: MasksAre | None = None,
) -> tuple[list[RawVideo], list[Problem]]:
    """Records of the videos that have all they need, by video_id, and every problem found without decoding, sorted.

    Args:
        layout: one of `layout_names()`, or "auto" for what `detect` says.
        artifact_type: of every object whose type neither videos.jsonl (`objects`) nor a label of the layout gives.
        generator: of the videos for which videos.jsonl gives none, else "unknown". Neither is needed in "own", where
            videos.jsonl must give both.
        void: value of mask pixels that are to be read as background; with "davis" only, where 255 is usual.
        masks_are: how the masks of videos that players turn were drawn, where their size does not tell.

    Raises:
        RawError: no such folder, a layout that cannot be told, or an argument that is unknown or not of the layout.
    """
    if layout != "auto":
        layout_named(layout)
    if artifact_type is not None and artifact_type not in (*ARTIFACT_TYPES, NOT_GIVEN):
        names = f"{', '.join(ARTIFACT_TYPES)} or {NOT_GIVEN}"
        raise RawError(f"artifact type {artifact_type!r} is unknown; wanted {names}")
    if void is not None and not 1 <= void <= 255:
        raise RawError(
            f"void value {void} cannot stand in an 8-bit mask beside 0, the background; wanted 1 to 255, 255 in DAVIS"
        )
    if masks_are not in (None, *get_args(MasksAre)):
        raise RawError(f"masks are {masks_are!r}: wanted {' or '.join(get_args(MasksAre))}")
    _check_folder(raw)
    name = detect(raw) if layout == "auto" else layout
    options = layout_named(name).options
    if void is not None and "void" not in options:
        raise RawError(f"{raw}: --void {void} is for the davis layout, this is {name}; leave it out")
    given = {"artifact_type": artifact_type, "generator": generator, "void": void}
    records, problems = layout_named(name).read(raw, **{option: given[option] for option in options})
    records = [replace(record, masks_are=masks_are) for record in records]
    return sorted(records, key=lambda record: record.video_id), sorted(problems)


def _check_folder(raw: Path) -> None:
    if not raw.is_dir():
        raise RawError(f"{raw}: no such folder; give the folder that holds the raw videos and masks")
