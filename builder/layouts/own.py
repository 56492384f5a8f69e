"""Our own raw layout: videos.jsonl, videos/{video_id}.mp4, masks/{video_id}/{frame:05d}.png.

One PNG holds one object per pixel. Where objects overlap, a frame has further files, {frame:05d}.2.png and so on: each object
stands whole in one of them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brokenvideos.builder.layouts.png import encode_png, mask_folders, read_png
from brokenvideos.builder.layouts.records import missing_video
from brokenvideos.builder.layouts.video_files import find_videos, list_folder
from brokenvideos.builder.layouts.videos_jsonl import FILE_NAME, read_videos_jsonl
from brokenvideos.builder.raw import FrameLabels, LabelMap, Problem, RawVideo
from brokenvideos.masks import decode

_MASK_NAME = re.compile(r"([0-9]{5,9})(?:\.([2-9]|[1-9][0-9]{1,4}))?\.png")


@dataclass(frozen=True, slots=True)
class OwnMasks:
    """PNG masks of one video; 0 is background, another value the object_id. No folder: nothing marked."""

    folder: Path

    def read(self) -> Iterator[FrameLabels]:
        """Frames that have a file.

        Raises:
            RawError: a file that is no readable label PNG.
        """
        files, _ = own_mask_files(self.folder, raw=self.folder)
        for frame_index, paths in files.items():
            yield FrameLabels(frame_index, tuple(read_png(path)[1] for path in paths))


def own_mask_files(folder: Path, *, raw: Path) -> tuple[dict[int, list[Path]], list[Problem]]:
    """The mask files of one video by frame_index, ascending, and every entry of the folder that is none."""
    files: dict[int, dict[int, Path]] = {}
    problems: list[Problem] = []
    for path in list_folder(folder):
        match = _MASK_NAME.fullmatch(path.name)
        plane = int(match[2] or 1) if match else 1
        if match is None or path.name != own_mask_name(int(match[1]), plane) or not path.is_file():
            what = "not a mask file; wanted {frame:05d}.png, such as 00017.png for frame 17 (from 0): rename it or move it out"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
        else:
            files.setdefault(int(match[1]), {})[plane] = path
    return {frame: [path for _, path in sorted(files[frame].items())] for frame in sorted(files)}, problems


def own_mask_name(frame_index: int, plane: int) -> str:
    """The name of a frame's file: 00017.png, or of its second, third plane 00017.2.png, 00017.3.png."""
    return f"{frame_index:05d}.png" if plane == 1 else f"{frame_index:05d}.{plane}.png"


def own_mask_pngs(frame_index: int, masks: Mapping[int, str], *, height: int, width: int) -> dict[str, bytes]:
    """The files that hold the masks of one frame, by name; one as long as no objects overlap, none without a pixel.

    Args:
        masks: COCO RLE by object_id.
    """
    planes: list[LabelMap] = []
    for object_id, counts in sorted(masks.items()):
        marked = decode([counts], height=height, width=width)[0] > 0
        if not marked.any():
            continue
        free = next((plane for plane in planes if not plane[marked].any()), None)
        if free is None:
            free = np.zeros((height, width), np.uint16)
            planes.append(free)
        free[marked] = object_id
    return {own_mask_name(frame_index, number): encode_png(plane) for number, plane in enumerate(planes, start=1)}


def read_own(raw: Path) -> tuple[list[RawVideo], list[Problem]]:
    """Records of the videos whose line and file are sound, by video_id, and every problem found without opening a video."""
    if not (raw / FILE_NAME).is_file():
        return [], [
            Problem(FILE_NAME, "no such file; wanted one JSON object per video, as the README's raw layout says")
        ]
    entries, problems = read_videos_jsonl(raw / FILE_NAME, required=("generator", "objects"))
    videos, video_problems = find_videos(raw / "videos", raw=raw)
    folders, folder_problems = mask_folders(raw / "masks", raw=raw)
    problems += video_problems + folder_problems
    if not entries and not problems:
        problems.append(Problem(FILE_NAME, "no video in it; wanted one JSON object per video"))
    records: list[RawVideo] = []
    for video_id, path in videos.items():
        if video_id not in entries:
            what = f"not in {FILE_NAME}; add a line for it, or take the file out"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
    for video_id, folder in folders.items():
        problems += own_mask_files(folder, raw=raw)[1]
        if video_id not in entries and video_id not in videos:
            problems.append(Problem(folder.relative_to(raw).as_posix(), missing_video(video_id)))
    for video_id, entry in sorted(entries.items()):
        if video_id not in videos:
            problems.append(Problem(f"{FILE_NAME} line {entry.line}", missing_video(video_id)))
        elif entry.sound and entry.generator is not None:
            record = RawVideo(
                video_id=video_id,
                video_path=videos[video_id],
                masks=OwnMasks(raw / "masks" / video_id),
                objects=entry.objects,
                default_artifact_type=None,
                annotated_frames=entry.annotated_frames,
                label=entry.label,
                generator=entry.generator,
                prompt=entry.prompt,
                split=entry.split,
                source=entry.source,
                review=entry.review,
            )
            records.append(record)
    return records, problems
