"""Mask videos: masks/{video_id}.mp4 beside videos/{video_id}.mp4, grey, where bright marks object
1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..raw import (
    BRIGHT_MIN,
    DARK_MAX,
    GREY_THRESHOLD,
    MAX_GREY_OF_MARKED,
    VIDEO_SUFFIXES,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawError,
    RawVideo,
    dark_middle_bright,
    find_videos,
    is_bimodal,
    join_records,
    list_folder,
)

RULE = f"mask videos: brighter than {GREY_THRESHOLD} is object 1"
_WHITE_WANTED = "write what is marked as 255 and the rest as 0, or masks of object ids as PNGs"


@dataclass(frozen=True, slots=True)
class VideoMasks:
    """A grey video of masks of one object, 1."""

    path: Path
    video_path: Path
    """The video of the masks, used to count its frames: a mask video that ends too early would look
    like frames without marks.
    """

    def read(self) -> Iterator[FrameLabels]:
        """Every frame of the mask video, marked or not, so that their number can be compared with
        the video's.

        A display matrix of the mask video is applied. Read all frames: only at the end is it known
        whether its greys are those of a mask.

        Raises:
            RawError: the file cannot be decoded; it has another number of frames than the video;
                its greys are not bimodal (the message has the shares of dark, grey and bright
                pixels); or no grey is bright enough to be marked.
        """
        from ...frames import VideoError, demux_index, iter_frames, probe, to_displayed

        histogram = np.zeros(256, np.int64)
        frame_count = 0
        try:
            orientation = probe(self.path).orientation
            is_turned = not orientation.is_upright and orientation.quarter_turns is not None
            for frame_index, (_, rgb) in enumerate(iter_frames(self.path)):
                grey = _grey(rgb)
                histogram += np.bincount(grey.ravel(), minlength=256)
                frame_count += 1
                marked = (grey > GREY_THRESHOLD).astype(np.uint16)
                plane = to_displayed(marked, orientation) if is_turned else marked
                yield FrameLabels(
                    frame_index,
                    (plane,),
                    rules=(RULE,) if marked.any() else (),
                    as_displayed=is_turned,
                )
            num_frames = len(demux_index(self.video_path)[0])
        except VideoError as error:  # it names the file
            raise RawError(str(error)) from error
        except OSError as error:
            raise RawError(
                f"{self.path}: cannot be read ({error.strerror}); wanted a mask video here"
            ) from error
        if frame_count < num_frames:
            what = (
                f"{frame_count} frames of masks, {self.video_path.name} has {num_frames}; "
                "export one mask frame per video frame"
            )
            raise RawError(f"{self.path}: {what}")
        _check_bimodal(self.path, histogram)


def _grey(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    # The mean, not luma: a blue mask on black (luma 18 to 29) would read as nothing marked; a mean
    # of 85 is refused.
    total = rgb[..., 0].astype(np.uint16)
    total += rgb[..., 1]
    total += rgb[..., 2]
    return ((total + 1) // 3).astype(np.uint8)


def _check_bimodal(path: Path, histogram: npt.NDArray[np.int64]) -> None:
    dark, middle, bright = dark_middle_bright(histogram)
    if not middle and not bright and dark > histogram[0]:
        raise RawError(
            f"{path}: {_greys(histogram)}, and nothing is brighter than {GREY_THRESHOLD}, which is "
            f"marked; {_WHITE_WANTED}"
        )
    if is_bimodal(histogram):
        return
    total = dark + middle + bright
    shares = (
        f"{dark / total:.2%} of the pixels in [0, {DARK_MAX}], {middle / total:.2%} in "
        f"[{DARK_MAX + 1}, {BRIGHT_MIN - 1}], {bright / total:.2%} in [{BRIGHT_MIN}, 255]"
    )
    raise RawError(
        f"{path}: not black and white enough for a mask ({shares}); wanted at most "
        f"{MAX_GREY_OF_MARKED:.0%} of what is not dark in the middle. Export it losslessly (FFV1, "
        "x264 -qp 0) or at crf 23 and better, or as PNG masks"
    )


def _greys(histogram: npt.NDArray[np.int64]) -> str:
    values = np.flatnonzero(histogram[1:]) + 1
    shown = ", ".join(f"{histogram[value]} pixels of grey {value}" for value in values[:5].tolist())
    return shown if len(values) <= 5 else f"{shown} and of {len(values) - 5} more greys"


def read_mask_video(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video."""
    videos, problems = find_videos(raw / "videos", raw=raw)
    mask_videos, mask_problems = find_videos(raw / "masks", raw=raw)
    masks: dict[str, FoundMasks] = {}
    for video_id, path in mask_videos.items():
        source = VideoMasks(path, videos[video_id]) if video_id in videos else None
        masks[video_id] = FoundMasks(path.relative_to(raw).as_posix(), source, None)
    records, record_problems = join_records(
        raw,
        videos=videos,
        masks=masks,
        masks_wanted="masks/{video_id}.mp4",
        artifact_type=artifact_type,
        generator=generator,
    )
    return records, problems + mask_problems + record_problems


def _detect(raw: Path) -> Path | None:
    paths = list_folder(raw / "masks")
    return next(
        (path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()), None
    )


LAYOUT = Layout(
    help="a black and white video of masks beside each video",
    looked_for="masks/{video_id}.mp4",
    detect=_detect,
    read=read_mask_video,
)
