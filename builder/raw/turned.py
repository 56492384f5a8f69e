"""Masks of videos that players turn, brought onto the frames as they are stored, where a row has them."""

from collections.abc import Iterator
from dataclasses import replace

from ...frames import Orientation, displayed_size, to_coded
from .video import FrameLabels, LabelMap, MasksAre, RawError, RawVideo

TURNED_RULE = "masks drawn on the frame as players show it were turned onto the frame as it is stored"
STORED_RULE = "masks fit the frame as it is stored, which players turn"


def coded_masks(video: RawVideo, orientation: Orientation, *, height: int, width: int) -> Iterator[FrameLabels]:
    """The masks of a video on its stored frames.

    How they were drawn is told by their size where it can tell, else by `video.masks_are`; it is never guessed.

    Args:
        orientation, height, width: of the stored frames.

    Raises:
        RawError: as the masks' `read`; a marked mask of which nothing tells how it was drawn, or whose size contradicts
            `video.masks_are`.
    """
    if orientation.is_upright:
        yield from video.masks.read()
        return
    for frame in video.masks.read():
        planes, rules = [], list(frame.rules)
        for plane in frame.planes:
            drawn = drawn_on(
                plane,
                orientation,
                height=height,
                width=width,
                masks_are="displayed" if frame.as_displayed else video.masks_are,
                where=f"mask of frame {frame.frame_index}",
            )
            planes.append(to_coded(plane, orientation) if drawn == "displayed" else plane)
            rules += [TURNED_RULE if drawn == "displayed" else STORED_RULE] if plane.any() else []
        yield replace(frame, planes=planes, rules=tuple(dict.fromkeys(rules)))


def drawn_on(
    plane: LabelMap, orientation: Orientation, *, height: int, width: int, masks_are: MasksAre | None, where: str
) -> MasksAre:
    """Whether a mask, of a prediction too, was drawn on the frame as players show it or as it is stored.

    A mask of neither size counts as coded: whoever compares sizes says so.

    Args:
        plane: [H, W].
        orientation, height, width: of the stored frames.
        masks_are: what somebody says of it.
        where: names the mask in messages.

    Raises:
        RawError: it is marked and nothing tells, or its size contradicts `masks_are`.
    """
    shown, stored = displayed_size(orientation, height, width), (height, width)
    by_size: MasksAre | None = None
    if shown != stored and plane.shape in (shown, stored):
        by_size = "displayed" if plane.shape == shown else "coded"
    if by_size is not None and masks_are not in (None, by_size):
        found = "players show it" if by_size == "displayed" else "it is stored"
        raise RawError(
            f"{where}: {plane.shape[1]}x{plane.shape[0]} pixels, which is the frame as {found}, not {masks_are}; leave --masks-are "
            "out, or correct it"
        )
    drawn = by_size or masks_are
    if plane.shape not in (shown, stored) or (drawn is None and not plane.any()):
        return "coded"
    if drawn is None:
        raise RawError(
            f"{where}: players show the video {orientation} (its display matrix), and the size of the mask does not tell whether "
            "it was drawn on that or on the frame as it is stored; give --masks-are displayed or --masks-are coded"
        )
    if drawn == "displayed" and orientation.quarter_turns is None:
        raise RawError(
            f"{where}: the video is {orientation} (its display matrix), and a mask drawn on that cannot be turned back; draw it on "
            "the frame as it is stored and give --masks-are coded, or re-encode the video upright"
        )
    return drawn
