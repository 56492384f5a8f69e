"""The videos of an annotation, as `evaluate` and `agree` read it."""

from collections.abc import Sequence
from pathlib import Path

from ...builder.raw import MasksAre
from ..evaluation import read_annotation
from .masks_source import MasksSource
from .raw_source import RawSource
from .release_source import ReleaseSource
from .video import Source


def open_annotated(
    path: Path,
    *,
    void: int | None = None,
    masks_are: MasksAre | None = None,
    frames: Sequence[Path] = (),
) -> Source:
    """The videos of an annotation with its masks.

    Args:
        path: a release, a raw folder, or a folder of {video_id}/{frame}.png alone.
        void, masks_are: as in `evaluation.read_annotation`.
        frames: other annotations of the same videos; the first that has videos gives the frames of
            masks that have none.

    Raises:
        EvaluationError, ReleaseError, RawError: as `evaluation.read_annotation`.
    """
    annotation = read_annotation(path, void=void, masks_are=masks_are)
    if annotation.kind == "release":
        return ReleaseSource(
            path, name=str(path), python=[f'data_dir="{path.resolve().as_posix()}"']
        )
    if annotation.kind != "png":
        return RawSource(path, void=void, masks_are=masks_are)
    with_videos = (
        other for other in frames if read_annotation(other, masks_are=masks_are).kind != "png"
    )
    other = next(with_videos, None)
    source = None if other is None else open_annotated(other, masks_are=masks_are)
    return MasksSource(annotation, frames=source, masks_are=masks_are)
