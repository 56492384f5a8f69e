"""Perceptual artifact masks of images, as PAL4VST has them: images/[{split}/]{id}.jpg and
labels/[{split}/]{id}.png.

An image is a video of one frame (`builder.stills`); its mask is object 1. Folders train, val, dev
and test give the split.

Source: PAL4VST (Zhang et al., ICCV 2023), its MMSegmentation dataset class: .jpg images, .png
labels, 0 background, 1 bad region.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..raw import (
    STILL_LIST,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawVideo,
    find_stills,
    join_records,
    list_folder,
    missing_still,
    read_binary_file,
)


@dataclass(frozen=True, slots=True)
class StillMask:
    """The mask file of one image."""

    path: Path

    def read(self) -> Iterator[FrameLabels]:
        """Frame 0.

        Raises:
            RawError: not a PNG of two values.
        """
        yield FrameLabels(0, (read_binary_file(self.path),))


def read_pal4vst(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening an image."""
    images, problems = find_stills(raw / "images", raw=raw)
    labels, label_problems = find_stills(raw / "labels", raw=raw, suffixes=(".png",))
    problems += label_problems
    if not images and not problems:
        return [], [
            Problem(
                ".",
                f"no image found; wanted {STILL_LIST} files in images/, or images/train/ and so on",
            )
        ]
    masks: dict[str, FoundMasks] = {}
    for video_id, label in labels.items():
        where = label.path.relative_to(raw).as_posix()
        masks[video_id] = FoundMasks(where, StillMask(label.path), (0,), split=label.split)
        if video_id in images and images[video_id].split != label.split:
            image = images[video_id].path.relative_to(raw).as_posix()
            problems.append(
                Problem(where, f"its image is {image}; wanted the same split: move one of the two")
            )
    records, record_problems = join_records(
        raw,
        videos={video_id: image.path for video_id, image in images.items()},
        masks=masks,
        masks_wanted="labels/{video_id}.png (in the folder of its split)",
        artifact_type=artifact_type,
        generator=generator,
        missing=missing_still,
    )
    return records, problems + record_problems


def _detect(raw: Path) -> Path | None:
    if not (raw / "images").is_dir():
        return None
    labels = list_folder(raw / "labels")
    below = [
        path for label in labels for path in (list_folder(label) if label.is_dir() else (label,))
    ]
    return next((path for path in below if path.is_file()), None)


LAYOUT = Layout(
    help="PAL4VST: images and their binary masks",
    looked_for="images/ and labels/",
    detect=_detect,
    read=read_pal4vst,
)
