"""Raw layouts: one file for each layout, with its `LAYOUT`; all give the same records.

In: a raw folder. Out: `RawVideo` records and `Problem`s, by `read_layout`. The builder and tools
call it.
"""

from dataclasses import replace
from pathlib import Path
from typing import get_args

from ...masks import ARTIFACT_TYPES
from ...release import MANIFEST, names_in, record_in
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
    """The names of all layouts. A name is the layout's file name, with - for _."""
    return tuple(name.replace("_", "-") for name in names_in(__path__))


def layout_named(name: str) -> Layout:
    """The layout with this name.

    Raises:
        RawError: no layout has this name.
    """
    names = layout_names()
    if name not in names:
        raise RawError(
            f"layout {name!r} is unknown; wanted auto, {', '.join(names[:-1])} or {names[-1]}"
        )
    layout: Layout = record_in(__name__, name.replace("-", "_"), record="LAYOUT")
    return layout


def layouts_table() -> str:
    """A Markdown table of the layouts: name, content, the files that identify it, and its options
    of `build`.
    """
    rows = []
    for name in layout_names():
        layout = layout_named(name)
        options = ", ".join(f"`--{option.replace('_', '-')}`" for option in layout.options)
        rows.append(f"| {name} | {layout.help} | {layout.looked_for} | {options or 'none'} |")
    return "\n".join(["| layout | holds | known by | takes |", "|---|---|---|---|", *rows])


def detect(raw: Path) -> str:
    """The name of the layout of a raw folder. It checks only file names, and whether videos.jsonl
    gives objects.

    Raises:
        RawError: no such folder, or no layout or several match; the message lists what was looked
            for, or what was found.
    """
    _check_folder(raw)
    matches = found_layouts(raw)
    if len(matches) == 1:
        return next(iter(matches))
    if matches:
        clashes = "; ".join(
            f"{name}: {path.relative_to(raw).as_posix()}{'/' * path.is_dir()}"
            for name, path in matches.items()
        )
        raise RawError(
            f"{raw}: files of {len(matches)} layouts ({clashes}); choose one with --layout, "
            "or move the files of the other out"
        )
    if (raw / MANIFEST).is_file():
        raise RawError(
            f"{raw}: a release, wanted a raw folder. Name the folder that it was built from, or run "
            "`brokenvideos annotate` on it: this opens it for correction and writes a raw folder"
        )
    identifying = "; ".join(f"{name}: {layout_named(name).looked_for}" for name in layout_names())
    raise RawError(
        f"{raw}: no known layout; looked for {identifying}. Arrange the folder as one of them, "
        "or mark its videos with `brokenvideos annotate`"
    )


def found_layouts(raw: Path) -> dict[str, Path]:
    """The layouts that match the folder, each with the file or folder that identifies it; empty if
    none matches.
    """
    layouts = {name: layout_named(name) for name in layout_names()}
    matches = {
        name: path for name, layout in layouts.items() if (path := layout.detect(raw)) is not None
    }
    if matches:
        return matches
    last = {
        name: layout.detect_else(raw)
        for name, layout in layouts.items()
        if layout.detect_else is not None
    }
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
    """Records of the complete videos, by video_id, and every problem that can be found without
    decoding, sorted.

    Args:
        layout: one of `layout_names()`, or "auto" to use `detect`.
        artifact_type: the type of every object for which neither videos.jsonl (`objects`) nor a
            label of the layout gives one.
        generator: the generator of videos for which videos.jsonl gives none; default "unknown".
            "own" needs neither argument, because videos.jsonl must give both values.
        void: value of mask pixels to read as background; only for "davis", where 255 is usual.
        masks_are: whether masks were drawn on displayed or stored frames. Used for rotated videos
            if the mask size fits both.

    Raises:
        RawError: no such folder, an unclear layout, or an argument that is unknown or does not
            belong to the layout.
    """
    if layout != "auto":
        layout_named(layout)
    if artifact_type is not None and artifact_type not in (*ARTIFACT_TYPES, NOT_GIVEN):
        names = f"{', '.join(ARTIFACT_TYPES)} or {NOT_GIVEN}"
        raise RawError(f"artifact type {artifact_type!r} is unknown; wanted {names}")
    if void is not None and not 1 <= void <= 255:
        raise RawError(
            f"void value {void} is not possible in an 8-bit mask; wanted 1 to 255 (0 is the "
            "background, DAVIS uses 255)"
        )
    if masks_are not in (None, *get_args(MasksAre)):
        raise RawError(f"masks are {masks_are!r}: wanted {' or '.join(get_args(MasksAre))}")
    _check_folder(raw)
    name = detect(raw) if layout == "auto" else layout
    options = layout_named(name).options
    if void is not None and "void" not in options:
        raise RawError(
            f"{raw}: --void {void} is for the davis layout, this is {name}; leave it out"
        )
    arguments = {"artifact_type": artifact_type, "generator": generator, "void": void}
    records, problems = layout_named(name).read(
        raw, **{option: arguments[option] for option in options}
    )
    records = [replace(record, masks_are=masks_are) for record in records]
    return sorted(records, key=lambda record: record.video_id), sorted(problems)


def _check_folder(raw: Path) -> None:
    if not raw.is_dir():
        raise RawError(
            f"{raw}: no such folder; give the folder that holds the raw videos and masks"
        )
