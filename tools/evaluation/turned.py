"""Rotates annotated masks without a video onto the stored frames of the video."""

from collections.abc import Mapping
from dataclasses import replace

from ...builder.raw import MasksAre, drawn_as
from ...frames import displayed_size, to_coded
from ...masks import decode, encode
from .truth import AnnotatedVideo


def on_stored(
    video: AnnotatedVideo, reference: AnnotatedVideo, *, masks_are: MasksAre | None, where: str
) -> AnnotatedVideo:
    """The annotation with masks on the stored frames of `reference`, another annotation of the same
    video.

    It is returned unchanged if it knows its own orientation, and if its masks fit neither the
    displayed nor the stored frames; the later check of sizes reports that.

    Args:
        reference: an annotation that knows the orientation of the video.
        masks_are: how the masks were drawn, if their size does not show it.
        where: names the masks in messages.

    Raises:
        RawError: a pixel is marked, and it is not known how it was drawn, or the size of the mask
            contradicts `masks_are`.
    """
    orientation = reference.orientation
    if video.orientation is not None or orientation is None or orientation.is_upright:
        return video
    sizes: Mapping[MasksAre, tuple[int, int]] = {
        "coded": (reference.height, reference.width),
        "displayed": displayed_size(orientation, reference.height, reference.width),
    }
    fits = [kind for kind, size in sizes.items() if size == (video.height, video.width)]
    is_marked = any(masklet.counts for masklet in video.masklets)
    kind = drawn_as(fits, orientation, is_marked=is_marked, masks_are=masks_are, where=where)
    if kind == "coded":
        return replace(video, orientation=orientation) if fits else video
    masklets = []
    for masklet in video.masklets:
        counts = {}
        for frame_index, string in masklet.counts.items():
            shown = decode([string], height=video.height, width=video.width)[0]
            counts[frame_index] = encode(to_coded(shown, orientation)[None])[0]
        masklets.append(replace(masklet, counts=counts))
    return replace(
        video,
        height=reference.height,
        width=reference.width,
        masklets=tuple(masklets),
        orientation=orientation,
    )
