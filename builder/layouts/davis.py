"""PNG folders as in DAVIS beside video files: masks/{video_id}/ or Annotations/[480p/]{video_id}/, each with {frame:05d}.png.

Unlike in our own layout, a frame without a file is one that nobody annotated (YouTube-VOS gives every 5th frame), unless
videos.jsonl lists `annotated_frames`. JPEG folders are not read: the video must be there as one file.

Source: DAVIS 2017 (palette PNGs, 255 is void), DAVIS 2016 (grey PNGs of 0 and 255).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..raw import (
    FoundMasks,
    FrameLabels,
    Problem,
    RawError,
    RawVideo,
    find_videos,
    join_records,
    list_folder,
    mask_files,
    mask_folders,
    read_png,
)

_WHITE = 255


@dataclass(frozen=True, slots=True)
class DavisMasks:
    """PNG masks of one video. A palette file holds object ids; a grey one too, or 0 and 255, where 255 is object 1."""

    folder: Path
    void: int | None
    """Pixels of this value are read as background; what they are is unknown."""

    def read(self) -> Iterator[FrameLabels]:
        """Frames that have a file. Read to the end: what is wrong with a video may show in its last file only.

        Raises:
            RawError: a file that is no readable label PNG; 255 (not being `void`) in a palette file, or in grey files
                beside other ids; grey files in which `void` is the only value, so that every mark would be lost.
        """
        files, _ = mask_files(self.folder, raw=self.folder)
        white_in = ids_in = void_in = ""
        marked = False
        for frame_index, path in files.items():
            mode, labels = read_png(path)
            if self.void is not None:
                is_void = labels == self.void
                labels[is_void] = 0
                void_in = void_in or (path.name if mode == "L" and is_void.any() else "")
            white = labels == _WHITE
            if mode == "P" and white.any():
                raise RawError(
                    f"{path}: the palette PNG has value 255, void in DAVIS; give --void 255 to read it as background"
                )
            white_in = white_in or (path.name if mode == "L" and white.any() else "")
            # A 1-bit file is as good as one of 0 and 255.
            ids_in = ids_in or (path.name if mode != "1" and (labels[~white] != 0).any() else "")
            if white_in and ids_in:
                what = f"255 in {white_in}, other object ids in {ids_in}; wanted ids, or 0 and 255 alone"
                raise RawError(
                    f"{self.folder}: {what}: give --void 255 if 255 is void, else write the masks as one of the two"
                )
            if mode == "L":
                labels[white] = 1
            marked = marked or bool(labels.any())
            yield FrameLabels(frame_index, (labels,))
        if void_in and not marked:
            what = f"grey masks of 0 and {self.void} alone ({void_in}), which --void {self.void} would read as nothing marked"
            raise RawError(f"{self.folder}: {what}; leave --void out: 255 is object 1 then")


def read_davis(
    raw: Path, *, artifact_type: str | None, generator: str | None, void: int | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or a mask."""
    root = next((root for root in (raw / "Annotations" / "480p", raw / "Annotations") if root.is_dir()), raw / "masks")
    videos, problems = find_videos(raw / "videos", raw=raw)
    folders, folder_problems = mask_folders(root, raw=raw)
    problems += folder_problems
    for unread in (raw / "masks", raw / "Annotations"):
        if unread.is_dir() and unread not in (root, root.parent):
            what = f"masks here and in {root.relative_to(raw).as_posix()}; wanted one of the two: move one out"
            problems.append(Problem(unread.relative_to(raw).as_posix(), what))
    if root.parent.name == "Annotations":
        beside = [path for path in list_folder(root.parent) if path != root]
        what = "beside Annotations/480p, which alone is read; move it out"
        problems += [Problem(path.relative_to(raw).as_posix(), what) for path in beside]
    masks: dict[str, FoundMasks] = {}
    for video_id, folder in folders.items():
        where = folder.relative_to(raw).as_posix()
        files, file_problems = mask_files(folder, raw=raw)
        problems += file_problems
        if not files and not file_problems:
            what = "no mask in it, so no frame is annotated; add all-background PNGs for the frames that were looked at"
            problems.append(Problem(where, what))
        masks[video_id] = FoundMasks(where, DavisMasks(folder, void) if files else None, tuple(files))
    wanted = f"{root.relative_to(raw).as_posix()}/{{video_id}}/00000.png and so on"
    records, record_problems = join_records(
        raw, videos=videos, masks=masks, masks_wanted=wanted, artifact_type=artifact_type, generator=generator
    )
    return records, problems + record_problems
