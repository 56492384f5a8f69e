"""Predictions for videos that players turn, brought onto the frames as they are stored, where the truth has them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ....builder.raw import MasksAre, Problem, RawError, drawn_as
from ....frames import Orientation, displayed_size, to_coded
from ....masks import decode, encode
from .form import PredictedFrame, PredictedVideo


def read_on_stored(
    video: PredictedVideo,
    frames: Sequence[int],
    *,
    height: int,
    width: int,
    orientation: Orientation | None,
    masks_are: MasksAre | None,
) -> Iterator[PredictedFrame]:
    """The predictions of some frames, on the frames as they are stored.

    The frame of which nothing tells how it was drawn is a problem, and the last: of the others the same would be said.

    Args:
        frames: in the order asked for.
        height, width, orientation: of the truth's stored frames; orientation None: the truth is masks without a video.
        masks_are: how the masks were drawn, where their size does not tell; None: nobody says.
    """
    stored = video.read(frames, height=height, width=width)
    # A form without sizes fits both: then the size does not tell.
    shown = displayed_size(orientation, height, width) if orientation is not None else (height, width)
    turned = video.read(frames, height=shown[0], width=shown[1]) if shown != (height, width) else None
    for as_stored in stored:
        as_shown = next(turned) if turned is not None else as_stored
        where = f"{video.where} frame {as_stored.frame_index}"
        if as_stored.orientation is not None:
            fault = _other_video(as_stored.orientation, orientation, masks_are)
            found = replace(as_stored, counts="", problem=Problem(video.where, fault)) if fault else as_stored
        elif orientation is None or orientation.is_upright:
            fault, found = "", as_stored
        else:
            try:
                fault, found = "", _one_of(as_stored, as_shown, shown, orientation, masks_are=masks_are, where=where)
            except RawError as error:
                fault = str(error).removeprefix(f"{where}: ")
                found = PredictedFrame(as_stored.frame_index, "", problem=Problem(where, fault))
        yield found
        if fault:
            return


def _other_video(theirs: Orientation, ours: Orientation | None, masks_are: MasksAre | None) -> str:
    """What is wrong with masks on the stored frames of one video for a truth on those of another; "" where nothing is.

    A row says of an angle that is no quarter turn what it says of none, so `rotation` is what can be compared.
    """
    if ours is None:
        if theirs.is_upright or masks_are == "coded":
            return ""
        return (
            f"players show its video {theirs} (its display matrix), and the truth is masks without a video: nothing tells whether "
            "they lie on the frame as it is stored; give a truth with its videos, or --masks-are coded if they do"
        )
    if theirs.rotation == ours.rotation:
        return ""
    return (
        f"players show its video {theirs}, the truth's {ours} (their display matrices); give both the same video file"
    )


def _one_of(
    as_stored: PredictedFrame,
    as_shown: PredictedFrame,
    shown: tuple[int, int],
    orientation: Orientation,
    *,
    masks_are: MasksAre | None,
    where: str,
) -> PredictedFrame:
    """The reading that fits, on the stored frame."""
    fits: list[MasksAre] = []
    fits += ["coded"] if as_stored.problem is None else []
    fits += ["displayed"] if as_shown.problem is None else []
    if not fits:
        return as_stored
    plane = decode([as_shown.counts], height=shown[0], width=shown[1])[0] if "displayed" in fits else None
    # Probabilities below the threshold are scored too.
    is_marked = plane is None or bool(plane.any()) or (as_shown.soft is not None and bool(as_shown.soft.any()))
    drawn = drawn_as(fits, orientation, is_marked=is_marked, masks_are=masks_are, where=where)
    if drawn == "coded" or plane is None:
        return as_stored
    soft = None if as_shown.soft is None else to_coded(as_shown.soft, orientation)
    return replace(as_shown, counts=encode(to_coded(plane, orientation)[None])[0], soft=soft)
