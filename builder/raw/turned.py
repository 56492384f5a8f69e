"""Turns masks of rotated videos onto the stored frames, which is how a row holds masks."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from ...frames import Orientation, displayed_size, to_coded
from .video import FrameLabels, LabelMap, MasksAre, RawError, RawVideo

TURNED_RULE = "masks drawn on the frame as players show it were turned onto the stored frame"
STORED_RULE = "masks fit the stored frame, which players turn"


def coded_masks(
    video: RawVideo, orientation: Orientation, *, height: int, width: int
) -> Iterator[FrameLabels]:
    """The masks of a video on its stored frames.

    The size of a mask shows how it was drawn, if it fits only one frame size; otherwise
    `video.masks_are` decides. It is never guessed.

    Args:
        orientation, height, width: orientation and size of the stored frames.

    Raises:
        RawError: as the masks' `read`; or a marked mask for which neither decides, or whose size
            contradicts `video.masks_are`.
    """
    if orientation.is_upright:
        yield from video.masks.read()
        return
    for frame in video.masks.read():
        planes, rules = [], list(frame.rules)
        for plane in frame.planes:
            drawn = drawn_as(
                _fits(plane, orientation, height=height, width=width),
                orientation,
                is_marked=bool(plane.any()),
                masks_are="displayed" if frame.as_displayed else video.masks_are,
                where=f"mask of frame {frame.frame_index}",
            )
            planes.append(to_coded(plane, orientation) if drawn == "displayed" else plane)
            rules += [TURNED_RULE if drawn == "displayed" else STORED_RULE] if plane.any() else []
        yield replace(frame, planes=planes, rules=tuple(dict.fromkeys(rules)))


def _fits(plane: LabelMap, orientation: Orientation, *, height: int, width: int) -> list[MasksAre]:
    sizes: dict[MasksAre, tuple[int, int]] = {
        "coded": (height, width),
        "displayed": displayed_size(orientation, height, width),
    }
    return [drawn for drawn, size in sizes.items() if size == plane.shape]


def drawn_as(
    fits: Collection[MasksAre],
    orientation: Orientation,
    *,
    is_marked: bool,
    masks_are: MasksAre | None,
    where: str,
) -> MasksAre:
    """How a mask (of truth or a prediction) was drawn: on the displayed frame or on the stored
    frame.

    A mask of neither size counts as coded; the later check of sizes reports it.

    Args:
        fits: the frames (displayed, coded) whose size the mask has.
        orientation: the orientation of the video.
        is_marked: whether the mask has a pixel; an empty mask needs no decision.
        masks_are: the caller's statement, if any.
        where: names the mask in messages.

    Raises:
        RawError: the mask is marked and neither its size nor `masks_are` decides, or they
            contradict each other.
    """
    if not fits:
        return "coded"
    if masks_are is not None and masks_are not in fits:
        how = "players show it" if "displayed" in fits else "it is stored"
        raise RawError(
            f"{where}: has the size of the frame as {how}, not {masks_are}; leave --masks-are out, "
            "or correct it"
        )
    drawn = next(iter(fits)) if len(fits) == 1 else masks_are
    if drawn is None and not is_marked:
        return "coded"
    if drawn is None:
        raise RawError(
            f"{where}: players show the video {orientation} (its display matrix), and the size of "
            "the mask does not show whether it was drawn on that or on the stored frame; give "
            "--masks-are displayed or --masks-are coded"
        )
    if drawn == "displayed" and orientation.quarter_turns is None:
        raise RawError(
            f"{where}: the video is {orientation} (its display matrix), and a mask drawn on that "
            "cannot be turned back; draw it on the stored frame and give --masks-are coded, or "
            "re-encode the video upright"
        )
    return drawn
