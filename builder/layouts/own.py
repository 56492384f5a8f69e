"""Our own raw layout: videos.jsonl, videos/{video_id}.mp4, masks/{video_id}/{frame:05d}.png."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..raw import (
    FILE_NAME,
    FrameLabels,
    Layout,
    MaskSource,
    Problem,
    RawVideo,
    find_object_folders,
    find_videos,
    foreground,
    gives_objects,
    mask_folder,
    mask_folders,
    missing_video,
    own_mask_files,
    read_png,
    read_videos_jsonl,
)


@dataclass(frozen=True, slots=True)
class OwnMasks:
    """PNG masks of one video, read by the rule of `foreground`. Without a folder nothing is
    marked.
    """

    folder: Path
    listed: tuple[int, ...] = ()
    """The object ids that videos.jsonl lists. White masks are object 1, unless 255 is one of
    them.
    """

    def read(self) -> Iterator[FrameLabels]:
        """Frames that have a file.

        Raises:
            RawError: a file that is not a readable label PNG.
        """
        files, _ = own_mask_files(self.folder, raw=self.folder)
        for frame_index, paths in files.items():
            maps = [
                foreground(*read_png(path), where=str(path), listed=self.listed) for path in paths
            ]
            rules = dict.fromkeys(rule for plane in maps for rule in plane.rules)
            yield FrameLabels(
                frame_index, tuple(plane.labels for plane in maps), rules=tuple(rules)
            )


def read_own(raw: Path) -> tuple[list[RawVideo], list[Problem]]:
    """Records of the videos with a valid line and a file, by video_id, and every problem found
    without opening a video.
    """
    if not (raw / FILE_NAME).is_file():
        return [], [
            Problem(
                FILE_NAME,
                "no such file; wanted one JSON object per video, as docs/raw-layouts.md shows",
            )
        ]
    entries, problems = read_videos_jsonl(raw / FILE_NAME, required=("generator", "objects"))
    videos, video_problems = find_videos(raw / "videos", raw=raw)
    folders, folder_problems = mask_folders(raw / "masks", raw=raw)
    problems += video_problems + folder_problems
    if not entries and not problems:
        problems.append(Problem(FILE_NAME, "no video in it; wanted one JSON object per video"))
    records: list[RawVideo] = []
    sources: dict[str, MaskSource] = {}
    for video_id, path in videos.items():
        if video_id not in entries:
            what = f"not in {FILE_NAME}; add a line for it, or move the file out"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
    for video_id, folder in folders.items():
        by_object = find_object_folders(folder, raw=raw)
        problems += by_object[1] if by_object is not None else own_mask_files(folder, raw=raw)[1]
        if by_object is not None and by_object[0].source is not None:
            sources[video_id] = by_object[0].source
        if video_id not in entries and video_id not in videos:
            problems.append(Problem(folder.relative_to(raw).as_posix(), missing_video(video_id)))
    for video_id, entry in sorted(entries.items()):
        if video_id not in videos:
            problems.append(Problem(f"{FILE_NAME} line {entry.line}", missing_video(video_id)))
        elif entry.sound and entry.generator is not None:
            record = RawVideo(
                video_id=video_id,
                video_path=videos[video_id],
                masks=sources.get(video_id)
                or OwnMasks(raw / "masks" / video_id, tuple(entry.objects or ())),
                objects=entry.objects,
                subtypes=entry.subtypes,
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


def _detect(raw: Path) -> Path | None:
    return mask_folder(raw) if gives_objects(raw) else None


def _detect_else(raw: Path) -> Path | None:
    return raw / FILE_NAME if gives_objects(raw) else None


LAYOUT = Layout(
    help="our own: a PNG of object ids per marked frame, and videos.jsonl",
    looked_for=f"{FILE_NAME} with objects, and no masks or masks/{{video_id}}/ folders",
    detect=_detect,
    read=read_own,
    options=(),
    detect_else=_detect_else,
)
