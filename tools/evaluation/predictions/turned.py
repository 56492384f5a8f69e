"""Rotates predictions for rotated videos onto the stored frames, on which the truth has its
masks.
"""

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
    """Yields the predictions of these frames on the stored frames, in this order.

    If it is not known how a mask was drawn, its frame has a problem and is the last one, because
    all other frames would have the same problem.

    Args:
        height, width, orientation: size and orientation of the truth's stored frames. orientation
            is None if the truth has masks without a video.
        masks_are: how the masks were drawn, if their size does not show it; None: not known.
    """
    stored = video.read(frames, height=height, width=width)
    # Masks of a form without sizes fit both frames, so the size decides nothing.
    shown = (
        displayed_size(orientation, height, width) if orientation is not None else (height, width)
    )
    turned = (
        video.read(frames, height=shown[0], width=shown[1]) if shown != (height, width) else None
    )
    for as_stored in stored:
        as_shown = next(turned) if turned is not None else as_stored
        where = f"{video.where} frame {as_stored.frame_index}"
        if as_stored.orientation is not None:
            fault = _other_video(as_stored.orientation, orientation, masks_are)
            frame = (
                replace(as_stored, counts="", problem=Problem(video.where, fault))
                if fault
                else as_stored
            )
        elif orientation is None or orientation.is_upright:
            fault, frame = "", as_stored
        else:
            try:
                fault, frame = (
                    "",
                    _one_of(
                        as_stored, as_shown, shown, orientation, masks_are=masks_are, where=where
                    ),
                )
            except RawError as error:
                fault = str(error).removeprefix(f"{where}: ")
                frame = PredictedFrame(as_stored.frame_index, "", problem=Problem(where, fault))
        yield frame
        if fault:
            return


def _other_video(
    of_predictions: Orientation, of_truth: Orientation | None, masks_are: MasksAre | None
) -> str:
    """The problem of predictions on the stored frames of a video that is not the truth's; "" if
    none.

    `rotation` is compared, because a row stores an angle that is not a quarter turn as 0.
    """
    if of_truth is None:
        if of_predictions.is_upright or masks_are == "coded":
            return ""
        return (
            f"players show its video {of_predictions} (its display matrix), and the truth is masks "
            "without a video, so it is not known whether they fit the stored frame; give a truth "
            "with its videos, or --masks-are coded if they do"
        )
    if of_predictions.rotation == of_truth.rotation:
        return ""
    return (
        f"players show its video {of_predictions}, the truth's {of_truth} (their display "
        "matrices); give both the same video file"
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
    """The prediction on the stored frame, from the reading whose size fits."""
    fits: list[MasksAre] = []
    fits += ["coded"] if as_stored.problem is None else []
    fits += ["displayed"] if as_shown.problem is None else []
    if not fits:
        return as_stored
    plane = (
        decode([as_shown.counts], height=shown[0], width=shown[1])[0]
        if "displayed" in fits
        else None
    )
    # Probabilities below the threshold count too, because they are scored.
    is_marked = (
        plane is None
        or bool(plane.any())
        or (as_shown.soft is not None and bool(as_shown.soft.any()))
    )
    drawn = drawn_as(fits, orientation, is_marked=is_marked, masks_are=masks_are, where=where)
    if drawn == "coded" or plane is None:
        return as_stored
    soft = None if as_shown.soft is None else to_coded(as_shown.soft, orientation)
    return replace(as_shown, counts=encode(to_coded(plane, orientation)[None])[0], soft=soft)
