"""PNG folders as in DAVIS beside video files: masks/{video_id}/ or Annotations/[480p/]{video_id}/,
each with {frame:05d}.png.

Unlike in our own layout, a frame without a file is not annotated (YouTube-VOS has only every 5th
frame), unless videos.jsonl lists `annotated_frames`. Files may also be in one folder per object,
{video_id}/{object}/{frame}.png, as SAM 2 writes them. JPEG folders are not read: the video must be
one file.

Source: DAVIS 2017 (palette PNGs, 255 is void), DAVIS 2016 (grey PNGs of 0 and 255).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..raw import (
    FILE_NAME,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawError,
    RawVideo,
    find_object_folders,
    find_videos,
    foreground,
    gives_objects,
    join_records,
    list_folder,
    mask_files,
    mask_folder,
    mask_folders,
    read_png,
)


@dataclass(frozen=True, slots=True)
class DavisMasks:
    """PNG masks of one video, read by the rule of `foreground`: object ids, or black and white with
    white as object 1.
    """

    folder: Path
    void: int | None
    """Pixels of this value are unknown; they are read as background."""

    def read(self) -> Iterator[FrameLabels]:
        """Frames that have a file. Read all of them, because some problems are found only at the
        last file.

        Raises:
            RawError: a file that is not a readable label PNG, or as `foreground`; white masks
                beside files with object ids; grey files with no other value than `void`, so that no
                pixel would be marked.
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
            ids = foreground(mode, labels, where=str(path))
            white_in = white_in or (path.name if ids.kind == "white" else "")
            # A 1-bit file is read like a file of 0 and 255.
            ids_in = ids_in or (path.name if ids.kind == "ids" and mode != "1" else "")
            if white_in and ids_in:
                what = (
                    f"255 in {white_in}, other object ids in {ids_in}; wanted ids, or 0 and 255 "
                    "alone"
                )
                raise RawError(
                    f"{self.folder}: {what}: give --void 255 if 255 is void, else write the masks "
                    "as one of the two"
                )
            marked = marked or ids.kind != "nothing"
            yield FrameLabels(frame_index, (ids.labels,), rules=ids.rules)
        if void_in and not marked:
            what = (
                f"grey masks of 0 and {self.void} alone ({void_in}), which --void {self.void} "
                "would read as nothing marked"
            )
            raise RawError(f"{self.folder}: {what}; leave --void out: 255 is object 1 then")


def read_davis(
    raw: Path, *, artifact_type: str | None, generator: str | None, void: int | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or a mask."""
    root = next(
        (root for root in (raw / "Annotations" / "480p", raw / "Annotations") if root.is_dir()),
        raw / "masks",
    )
    videos, problems = find_videos(raw / "videos", raw=raw)
    folders, folder_problems = mask_folders(root, raw=raw)
    problems += folder_problems
    for unread in (raw / "masks", raw / "Annotations"):
        if unread.is_dir() and unread not in (root, root.parent):
            what = (
                f"masks here and in {root.relative_to(raw).as_posix()}; wanted one of the two: "
                "move one out"
            )
            problems.append(Problem(unread.relative_to(raw).as_posix(), what))
    if root.parent.name == "Annotations":
        beside = [path for path in list_folder(root.parent) if path != root]
        what = "Annotations/480p is there too, and only that folder is read; move this one out"
        problems += [Problem(path.relative_to(raw).as_posix(), what) for path in beside]
    masks: dict[str, FoundMasks] = {}
    for video_id, folder in folders.items():
        where = folder.relative_to(raw).as_posix()
        if (by_object := find_object_folders(folder, raw=raw)) is not None:
            masks[video_id], folder_problems = by_object
            problems += folder_problems
            if void is not None:
                what = f"folders of objects, which hold no void; leave --void {void} out"
                problems.append(Problem(where, what))
            continue
        files, file_problems = mask_files(folder, raw=raw)
        problems += file_problems
        if not files and not file_problems:
            what = (
                "no mask in it, so no frame is annotated; add all-background PNGs for the "
                "frames that were looked at"
            )
            problems.append(Problem(where, what))
        masks[video_id] = FoundMasks(
            where, DavisMasks(folder, void) if files else None, tuple(files)
        )
    masks_wanted = f"{root.relative_to(raw).as_posix()}/{{video_id}}/00000.png and so on"
    records, record_problems = join_records(
        raw,
        videos=videos,
        masks=masks,
        masks_wanted=masks_wanted,
        artifact_type=artifact_type,
        generator=generator,
    )
    return records, problems + record_problems


def _detect(raw: Path) -> Path | None:
    # Compare with the name on disk: a file system that ignores case would also give annotations/ of
    # other layouts.
    for root in list_folder(raw):
        if root.name == "Annotations" and (
            folder := next((p for p in list_folder(root) if p.is_dir()), None)
        ):
            return folder
    return None if gives_objects(raw) else mask_folder(raw)


LAYOUT = Layout(
    help="a PNG per annotated frame, of palette indices or of 0 and 255, or one per object as SAM "
    "2 writes them",
    looked_for=f"Annotations/, or masks/{{video_id}}/ folders and no objects in {FILE_NAME}",
    detect=_detect,
    read=read_davis,
    options=("artifact_type", "generator", "void"),
)
