"""Readers of raw layouts: one file per layout, all giving the same records."""

from pathlib import Path

from ...masks import ARTIFACT_TYPES
from ..raw import NOT_GIVEN, Problem, RawError, RawVideo
from .anakin import AnakinMasks, read_anakin
from .coco import CocoMasks, read_coco
from .cvat import CvatMasks, read_cvat
from .davis import DavisMasks, read_davis
from .detect import detect
from .geneva import BoxMasks, read_geneva
from .label_studio import BrushMasks, read_label_studio
from .labelme import LabelMeMasks, read_labelme
from .mask_video import VideoMasks, read_mask_video
from .own import OwnMasks, read_own
from .pal4vst import StillMask, read_pal4vst
from .richhf import HeatMap, read_richhf
from .sav import ANNOTATION_NAME, FRAME_STEP, MaskletError, SavMasks, read_masklets, read_sav

__all__ = [
    "ANNOTATION_NAME",
    "FRAME_STEP",
    "LAYOUTS",
    "AnakinMasks",
    "BoxMasks",
    "BrushMasks",
    "CocoMasks",
    "CvatMasks",
    "DavisMasks",
    "HeatMap",
    "LabelMeMasks",
    "MaskletError",
    "OwnMasks",
    "SavMasks",
    "StillMask",
    "VideoMasks",
    "detect",
    "read_layout",
    "read_masklets",
]

LAYOUTS = (
    *("own", "davis", "sav", "mask-video", "coco", "cvat", "label-studio", "labelme"),
    *("pal4vst", "anakin", "richhf", "geneva"),  # other people's datasets
)

_READERS = {
    "sav": read_sav,
    "mask-video": read_mask_video,
    "coco": read_coco,
    "cvat": read_cvat,
    "label-studio": read_label_studio,
    "labelme": read_labelme,
    "pal4vst": read_pal4vst,
    "anakin": read_anakin,
    "richhf": read_richhf,
    "geneva": read_geneva,
}
"""Of the layouts that take nothing but an artifact type and a generator."""


def read_layout(
    raw: Path,
    *,
    layout: str = "auto",
    artifact_type: str | None = None,
    generator: str | None = None,
    void: int | None = None,
) -> tuple[list[RawVideo], list[Problem]]:
    """Records of the videos that have all they need, by video_id, and every problem found without decoding, sorted.

    Args:
        layout: one of LAYOUTS, or "auto" for what `detect` says.
        artifact_type: of every object whose type neither videos.jsonl (`objects`) nor a label of the layout gives.
        generator: of the videos for which videos.jsonl gives none, else "unknown". Neither is needed in "own", where
            videos.jsonl must give both.
        void: value of mask pixels that are to be read as background; with "davis" only, where 255 is usual.

    Raises:
        RawError: no such folder, a layout that cannot be told, or an argument that is unknown or not of the layout.
    """
    if layout not in ("auto", *LAYOUTS):
        raise RawError(f"layout {layout!r} is unknown; wanted auto, {', '.join(LAYOUTS[:-1])} or {LAYOUTS[-1]}")
    if artifact_type is not None and artifact_type not in (*ARTIFACT_TYPES, NOT_GIVEN):
        names = f"{', '.join(ARTIFACT_TYPES)} or {NOT_GIVEN}"
        raise RawError(f"artifact type {artifact_type!r} is unknown; wanted {names}")
    if void is not None and not 1 <= void <= 255:
        raise RawError(
            f"void value {void} cannot stand in an 8-bit mask beside 0, the background; wanted 1 to 255, 255 in DAVIS"
        )
    if not raw.is_dir():
        raise RawError(f"{raw}: no such folder; give the folder that holds the raw videos and masks")
    if layout == "auto":
        layout = detect(raw)
    if void is not None and layout != "davis":
        raise RawError(f"{raw}: --void {void} is for the davis layout, this is {layout}; leave it out")
    if layout == "own":
        records, problems = read_own(raw)
    elif layout == "davis":
        records, problems = read_davis(raw, artifact_type=artifact_type, generator=generator, void=void)
    else:
        records, problems = _READERS[layout](raw, artifact_type=artifact_type, generator=generator)
    return sorted(records, key=lambda record: record.video_id), sorted(problems)
