"""Our own raw layout: videos.jsonl, videos/{video_id}.mp4, masks/{video_id}/{frame:05d}.png."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..raw import (
    FILE_NAME,
    FrameLabels,
    Problem,
    RawVideo,
    find_videos,
    mask_files,
    mask_folders,
    missing_video,
    read_png,
    read_videos_jsonl,
)


@dataclass(frozen=True, slots=True)
class OwnMasks:
    """PNG masks of one video; 0 is background, another value the object_id. No folder: nothing marked."""

    folder: Path

    def read(self) -> Iterator[FrameLabels]:
        """Frames that have a file.

        Raises:
            RawError: a file that is no readable label PNG.
        """
        files, _ = mask_files(self.folder, raw=self.folder)
        for frame_index, path in files.items():
            _, labels = read_png(path)
            yield FrameLabels(frame_index, (labels,))


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
        problems += mask_files(folder, raw=raw)[1]
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
                subtypes=entry.subtypes,
                default_artifact_type=None,
                annotated_frames=entry.annotated_frames,
                label=entry.label,
                generator=entry.generator,
                prompt=entry.prompt,
                split=entry.split,
                source=entry.source,
            )
            records.append(record)
    return records, problems
