"""Reads the masks of a pair, frame by frame, by the recognised kind."""

from collections.abc import Iterator, Sequence

import numpy as np

from ...builder.raw import LabelMap, RawError, decode_png, foreground
from .align import scaled
from .drawn import marked, within
from .entries import contents_in_order
from .error import AdoptError
from .inks import brightest
from .kinds import Look, pairs_of
from .streams import Stream


def planes_of(
    clip: Stream, mask: Stream, frames: Sequence[int | None], look: Look
) -> Iterator[tuple[int, LabelMap]]:
    """(frame_index, object ids uint16[H, W] in the clip's size) for every mask with a frame; 0 is
    background.

    Raises:
        VideoError, RawError: a frame cannot be decoded, or a PNG is no mask.
        AdoptError: a frame has another size than the first.
    """
    for frame_index, plane in _own_size(clip, mask, frames, look):
        if plane.shape != mask.size:
            height, width = plane.shape
            raise AdoptError(
                f"mask of frame {frame_index} is {width}x{height}, the first is "
                f"{mask.width}x{mask.height}"
            )
        yield frame_index, plane if mask.size == clip.size else scaled(plane, *clip.size)


def _own_size(
    clip: Stream, mask: Stream, frames: Sequence[int | None], look: Look
) -> Iterator[tuple[int, LabelMap]]:
    if look.kind == "labels":
        contents = contents_in_order(mask.media.entries)
        for frame_index, entry, content in zip(frames, mask.media.entries, contents, strict=True):
            if frame_index is not None:
                mode, values = decode_png(content, where=entry.path)
                yield frame_index, foreground(mode, values, where=entry.path).labels
    elif look.kind in ("drawn", "outline"):
        if look.drawing is None:
            raise RawError(f"{mask.media.name}: it was not measured how the mask was drawn")
        for frame_index, rgb, shown in pairs_of(clip, mask, frames):
            drawn = marked(rgb, shown, look.drawing)
            yield (
                frame_index,
                (within(drawn) if look.kind == "outline" else drawn).astype(np.uint16),
            )
    else:
        for frame_index, shown in zip(frames, mask.frames(), strict=True):
            if frame_index is not None:
                bright = brightest(shown) > look.threshold
                yield (
                    frame_index,
                    (~bright if look.kind == "inverted" else bright).astype(np.uint16),
                )
